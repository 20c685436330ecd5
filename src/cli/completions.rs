//! `countersign completions`: for bash, zsh, fish and others.

use std::io;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, Failure};

/// Prints shell completions.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "countersign", &mut script);
        Ok(io::Write::write_all(&mut io::stdout(), &script)?)
    }
}
