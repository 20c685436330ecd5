//! Servers on a PostgreSQL, and the folder of what they keep beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::harness::{Process, countersign};

/// The folder, which is gone when this is dropped.
pub(super) struct Servers {
    folder: TempDir,
}

impl Servers {
    pub(super) fn new() -> Self {
        let servers = Self { folder: TempDir::with_prefix("csgn").unwrap() };
        // PostgreSQL may have a folder in it, and run as another user.
        assert!(Command::new("chmod").arg("755").arg(servers.folder()).status().unwrap().success());
        servers
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The head file of a server.
    pub(super) fn head(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub(super) fn key(&self) -> PathBuf {
        self.folder().join("key")
    }

    /// A server by this URL, with a head file of its own.
    pub(super) fn serve(&self, url: &str, name: &str) -> Process {
        Process::spawn(&mut self.command(url, name))
    }

    pub(super) fn command(&self, url: &str, name: &str) -> Command {
        self.listening("127.0.0.1:0", url, name)
    }

    /// The same, at this address.
    pub(super) fn listening(&self, address: &str, url: &str, name: &str) -> Command {
        let mut command = countersign();
        command.args(["serve", "--listen", address, "--readers", "2", "--db", url, "--key-file"]).arg(self.key());
        command.arg("--head-file").arg(self.head(name));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}
