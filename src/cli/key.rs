//! `countersign key`: the key that seals secrets.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use crate::clock::SystemClock;
use crate::config::{Database, KeyFile};
use crate::service::rotate_key;

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a new key and seal every secret with it, in one transaction. The server has to be stopped; if this is
    /// interrupted, the key file keeps both keys, either opens what it sealed, and it can be run again
    Rotate(Rotate),
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    database: Database,

    #[command(flatten)]
    key: KeyFile,
}

impl KeyCommand {
    pub(super) fn run(self) -> Result<(), super::Failure> {
        let Self::Rotate(Rotate { database, key }) = self;
        let location = database.location()?;
        let done = rotate_key(&location, &key.beside(&location)?, &SystemClock::default())?;
        writeln!(
            io::stdout(),
            "{} values are sealed with the new key {}; {} is gone",
            done.values,
            done.new_key_id,
            done.old_key_ids.join(", ")
        )?;
        writeln!(io::stderr(), "Keep a copy of the new key file; a backup made before this needs the old one.")?;
        Ok(())
    }
}
