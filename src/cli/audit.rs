//! `countersign audit`: the history's chain, verified, and the history to take away.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::progress::Progress;
use crate::config::Database;
use crate::domain::chain::{Broken, EventHash, Head, UnverifiedEvent, verify};
use crate::store::{self, AuditLog};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Walk the history, beside a running server too, and name the first event that was tampered with
    Verify(Verify),
    /// Print the end of the history as SEQ:HASH, to be kept elsewhere and given to `verify --head`
    Head(Database),
    /// Write the history as JSON Lines that can be verified without the database
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    database: Database,

    /// Verify what `audit export` wrote, instead of a database; `-` for stdin
    #[arg(long, value_name = "EXPORT")]
    file: Option<PathBuf>,

    /// A head that was kept elsewhere: the history has to go on from it
    #[arg(long, value_name = "SEQ:HASH")]
    head: Option<Head>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    database: Database,

    /// Where to write, which must not exist yet [default: stdout]
    file: Option<PathBuf>,
}

/// Why a command about the history failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the chain is broken: {0}")]
    Broken(Broken),
    #[error("event {0} cannot be exported: {1}; see `countersign audit verify`")]
    NotExported(i64, String),
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
}

impl AuditCommand {
    /// Whether its end says that all is well.
    pub(super) const fn is_verdict(&self) -> bool {
        matches!(self, Self::Verify(_))
    }

    pub(super) fn run(self) -> Result<(), super::Failure> {
        match self {
            Self::Verify(verify) => verify.run(),
            Self::Head(database) => {
                writeln!(io::stdout(), "{}", AuditLog::open(&database.location()?)?.head()?)?;
                Ok(())
            }
            Self::Export(export) => export.run(),
        }
    }
}

impl Verify {
    fn run(self) -> Result<(), super::Failure> {
        let verified = match &self.file {
            Some(_) if self.database.is_argument() => {
                return Err(super::Failure::Usage(
                    "a database and --file are two histories: name one of them".to_owned(),
                ));
            }
            Some(file) => verify(lines(file)?, self.head)?,
            None => {
                let history = AuditLog::open(&self.database.location()?)?;
                let (progress, last) = (Progress::start(), history.head()?.seq);
                let events = history.events().inspect(|event| show(&progress, event, last));
                verify(events, self.head)?
            }
        };
        let head = verified.map_err(Failure::Broken)?;
        writeln!(io::stdout(), "{} events, the chain is whole; head {head}", head.seq)?;
        Ok(())
    }
}

/// Shows how far it is to the `last` event.
fn show(progress: &Progress, event: &Result<UnverifiedEvent, store::Error>, last: i64) {
    if let Ok(UnverifiedEvent { seq: Some(seq), .. }) = event {
        progress.show(|| format!("event {seq} of {last}"));
    }
}

/// The events of an export. A line that is no text is no event, and not the end.
fn lines(path: &Path) -> Result<impl Iterator<Item = io::Result<UnverifiedEvent>>, Failure> {
    let input: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(|error| Failure::File(path.to_owned(), error))?))
    };
    // What is no text is no event: nothing stands for a byte that is not what it was.
    let text = |line: Vec<u8>| String::from_utf8(line).unwrap_or_default();
    Ok(input.split(b'\n').map(move |line| line.map(|line| UnverifiedEvent::in_line(&text(line)))))
}

impl Export {
    fn run(self) -> Result<(), super::Failure> {
        let history = AuditLog::open(&self.database.location()?)?;
        let Some(path) = &self.file else {
            return export(&history, BufWriter::new(io::stdout().lock()));
        };
        let failed = |error| Failure::File(path.clone(), error);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        export(&history, BufWriter::new(&file))?;
        Ok(file.sync_all().map_err(failed)?)
    }
}

fn export(history: &AuditLog, mut out: impl Write) -> Result<(), super::Failure> {
    let mut previous = EventHash::ZERO;
    let (progress, last) = (Progress::start(), history.head()?.seq);
    for found in history.events() {
        show(&progress, &found, last);
        let found = found?;
        let seq = found.seq.unwrap_or_default();
        let content = found.content.map_err(|why| Failure::NotExported(seq, why))?;
        let hash = found.hash.ok_or_else(|| Failure::NotExported(seq, "its hash is none".to_owned()))?;
        writeln!(out, "{}", UnverifiedEvent::line(&content, seq, previous, hash))?;
        previous = hash;
    }
    Ok(out.flush()?)
}
