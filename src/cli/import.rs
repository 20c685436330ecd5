//! `countersign import`: what `countersign export` wrote, into an empty database of either kind.

use std::fs::File;
use std::io::{self, BufReader, Seek, Write};
use std::path::PathBuf;

use clap::Args;

use super::export::KEY;
use super::progress::Progress;
use super::safe_text;
use crate::config::Database;
use crate::store::{Moved, MovingError, MovingStep, check, import};

/// How many bytes are read at once.
const BUFFER: usize = 1 << 18;

#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    database: Database,

    /// What `countersign export` wrote; `-` for stdin
    #[arg(value_name = "FILE")]
    from: PathBuf,
}

impl Import {
    pub(super) fn run(self) -> Result<(), super::Failure> {
        let location = self.database.location()?;
        let progress = Progress::start();
        let show = |step: MovingStep<'_>| progress.show(|| step.to_string());
        let Moved { rows, head, warnings } = if self.from.as_os_str() == "-" {
            import(&location, BufReader::with_capacity(BUFFER, io::stdin().lock()), &show)?
        } else {
            let mut file = File::open(&self.from).map_err(|error| MovingError::Read(self.from.clone(), error))?;
            check(BufReader::with_capacity(BUFFER, &file), &show)?;
            file.rewind()?;
            import(&location, BufReader::with_capacity(BUFFER, &file), &show)?
        };
        drop(progress);
        let shown = location.to_string();
        writeln!(io::stdout(), "{rows} rows are in {}, and the chain is whole; head {head}", safe_text::line(&shown))?;
        let mut err = io::stderr().lock();
        for warning in warnings {
            writeln!(err, "warning: this does not hold, see `countersign doctor`: {}", safe_text::line(&warning))?;
        }
        writeln!(err, "{KEY}")?;
        Ok(())
    }
}
