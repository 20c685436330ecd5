//! `countersign manual`: the manual pages, one for each command.

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::{Cli, Failure};

/// Write the manual pages.
#[derive(Debug, Args)]
pub(super) struct Manual {
    /// The directory to write them to, such as ~/.local/share/man/man1; it is made where there is none
    directory: PathBuf,
}

impl Manual {
    pub(super) fn run(self) -> Result<(), Failure> {
        let written = fs::create_dir_all(&self.directory)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), &self.directory));
        written.map_err(|error| Failure::Other(format!("{}: {error}", self.directory.display())))
    }
}
