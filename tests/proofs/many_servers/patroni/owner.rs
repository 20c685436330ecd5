//! The user that PostgreSQL runs as, and with it all that stands on the same machine.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// The ids of the user and of its group, where that is another one than this process's.
#[derive(Clone, Copy)]
pub(super) struct Owner(Option<(u32, u32)>);

impl Owner {
    /// PostgreSQL does not run as root: then it runs as `postgres`.
    pub(super) fn find() -> Self {
        let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        Self(is_root.then(|| (id("-u"), id("-g"))))
    }

    /// A program, as this user.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Self(Some((user, group))) = self {
            command.uid(user).gid(group);
        }
        command.current_dir("/");
        command
    }

    /// Makes a folder that is this user's alone.
    pub(super) fn create_folder(self, folder: &Path) {
        fs::DirBuilder::new().mode(0o700).create(folder).unwrap();
        if let Self(Some((user, group))) = self {
            chown(folder, Some(user), Some(group)).unwrap();
        }
    }
}

fn id(which: &str) -> u32 {
    let said = Command::new("id").args([which, "postgres"]).output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().parse().unwrap()
}
