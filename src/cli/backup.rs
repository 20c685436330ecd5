//! `countersign backup`: a copy of a database while it is in use.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::progress::Progress;
use super::safe_text;
use crate::clock::{Clock, SystemClock};
use crate::config::{Database, Location};
use crate::store::{Kept, backup, backup_and_keep};

#[derive(Debug, Args)]
pub(super) struct MakeBackup {
    #[command(flatten)]
    database: Database,

    /// The backup, which must not exist yet; with --keep the directory that it goes to
    #[arg(value_name = "FILE")]
    to: PathBuf,

    /// Name the backup by its time, and keep so many of those in the directory: the oldest are removed once the new one is
    /// verified
    #[arg(long, value_name = "N")]
    keep: Option<NonZeroUsize>,
}

impl MakeBackup {
    pub(super) fn run(self) -> Result<(), Failure> {
        let path = match self.database.location()? {
            Location::File(path) => path,
            database @ Location::Postgres(_) => {
                return Err(Failure::Usage(format!(
                    "{database} is backed up with PostgreSQL's own means, such as pgBackRest, pg_basebackup or pg_dump; `countersign export` writes \
                     a copy that any countersign can import"
                )));
            }
        };
        let progress = Progress::start();
        let Kept { made, warnings, removed } = match self.keep {
            Some(keep) => {
                let now = SystemClock::default().now();
                backup_and_keep(&path, &self.to, now, keep.get(), &|step| progress.show(|| step.to_string()))?
            }
            None => {
                let warnings = backup(&path, &self.to, &|step| progress.show(|| step.to_string()))?;
                Kept { made: self.to, warnings, removed: Vec::new() }
            }
        };
        drop(progress);
        writeln!(io::stdout(), "{} is written and verified", made.display())?;
        for old in removed {
            writeln!(io::stdout(), "{} is removed", old.display())?;
        }
        let mut err = io::stderr().lock();
        for warning in warnings {
            writeln!(err, "warning: this does not hold, see `countersign doctor`: {}", safe_text::line(&warning))?;
        }
        writeln!(err, "The key that opens its secrets is not in it: keep a copy of the key file, elsewhere.")?;
        Ok(())
    }
}
