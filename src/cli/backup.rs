//! `countersign backup`: a copy of a database while it is in use.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::progress::Progress;
use crate::config::Database;
use crate::store::backup;

#[derive(Debug, Args)]
pub(super) struct MakeBackup {
    #[command(flatten)]
    database: Database,

    /// The backup, which must not exist yet
    file: PathBuf,
}

impl MakeBackup {
    pub(super) fn run(self) -> Result<(), super::Failure> {
        let progress = Progress::start();
        backup(&self.database.path()?, &self.file, &|step| progress.show(|| step.to_string()))?;
        drop(progress);
        writeln!(io::stdout(), "{} is written and verified", self.file.display())?;
        writeln!(io::stderr(), "The key that opens its secrets is not in it: keep a copy of the key file, elsewhere.")?;
        Ok(())
    }
}
