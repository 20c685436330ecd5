//! `countersign export`: everything in a database, in a file that a database of either kind takes.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use super::progress::Progress;
use super::safe_text;
use crate::clock::{Clock, SystemClock};
use crate::config::Database;
use crate::store::{Moved, export, export_to};

/// What no file of this kind has.
pub(super) const KEY: &str =
    "The key that opens its secrets is not in the file: copy the key file to the new place by hand.";

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    database: Database,

    /// The file, which must not exist yet; `-` for stdout. It is as confidential as the database
    #[arg(value_name = "FILE")]
    to: PathBuf,
}

impl Export {
    pub(super) fn run(self) -> Result<(), super::Failure> {
        let (location, now) = (self.database.location()?, SystemClock::default().now());
        let progress = Progress::start();
        let show = |step: crate::store::MovingStep<'_>| progress.show(|| step.to_string());
        let is_stdout = self.to.as_os_str() == "-";
        let Moved { rows, head, .. } = if is_stdout {
            export(&location, BufWriter::new(io::stdout().lock()), now, &show)?
        } else {
            export_to(&location, &self.to, now, &show)?
        };
        drop(progress);
        if is_stdout {
            writeln!(io::stderr(), "{rows} rows are written; head {head}")?;
        } else {
            let to = self.to.to_string_lossy();
            writeln!(io::stdout(), "{} is written: {rows} rows; head {head}", safe_text::line(&to))?;
        }
        writeln!(io::stderr(), "{KEY}")?;
        Ok(())
    }
}
