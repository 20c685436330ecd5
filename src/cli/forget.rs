//! `countersign forget`: what is older than it has to be kept is wiped, beside a server or without one.

use std::io::{self, Write};

use clap::Args;

use super::Failure;
use super::owner::Owner;
use super::progress::Progress;
use crate::clock::{Clock, SystemClock};
use crate::config::{Database, Millis};
use crate::domain::id::{PrincipalName, ToolName};
use crate::service::{Forgotten, forget_aged, give_back, older_than};
use crate::store::{Aged, ExclusiveDatabase, SharedDatabase};

#[derive(Debug, Args)]
pub(super) struct Forget {
    #[command(flatten)]
    database: Database,

    /// Forget what was resolved so long ago, such as 90d; the server's own setting for it is `serve --retain`
    #[arg(long, value_name = "TIME", required_unless_present = "vacuum")]
    older_than: Option<Millis>,

    /// Only about this tool
    #[arg(long, value_name = "NAME", requires = "older_than")]
    tool: Option<ToolName>,

    /// Only what this agent asked
    #[arg(long, value_name = "NAME", requires = "older_than")]
    agent: Option<PrincipalName>,

    /// Say how much would be forgotten, and change nothing
    #[arg(long, requires = "older_than", conflicts_with = "vacuum")]
    dry_run: bool,

    /// Write the whole file anew afterwards, as small as it can be; the server has to be stopped
    #[arg(long)]
    vacuum: bool,

    #[command(flatten)]
    owner: Owner,
}

impl Forget {
    pub(super) fn run(self) -> Result<(), Failure> {
        let location = self.database.location()?;
        self.owner.check(&location)?;
        // Before anything is forgotten: a server that runs is in the way.
        if self.vacuum {
            drop(ExclusiveDatabase::open(&location)?);
        }
        if let Some(Millis(age)) = self.older_than {
            self.forget(age, &SharedDatabase::open(&location)?)?;
        }
        if self.vacuum {
            ExclusiveDatabase::open(&location)?.vacuum()?;
            let what = if location.file().is_some() { "the file is" } else { "the tables are" };
            writeln!(io::stdout(), "{what} written anew")?;
        }
        Ok(())
    }

    fn forget(&self, age: u64, database: &SharedDatabase) -> Result<(), Failure> {
        let clock = SystemClock::default();
        if let Some(highest) = database.read(|tx| tx.highest_time())? {
            clock.never_before(highest);
        }
        let (tool, agent) = (self.tool.clone(), self.agent.clone());
        let aged = Aged { tool, agent, ..older_than(clock.now(), age) };
        let progress = Progress::start();
        let done = forget_aged(database, &aged, &clock, self.dry_run, &|so_far| {
            progress.show(|| format!("forgotten: {so_far}"));
        })?;
        let is_clean = self.dry_run || give_back(database, &clock)?;
        drop(progress);
        let Forgotten { forgotten, claimable, takeable } = done;
        let would = if self.dry_run { "would be forgotten" } else { "forgotten" };
        writeln!(io::stdout(), "{forgotten} {would}")?;
        let mut err = io::stderr();
        if claimable > 0 {
            writeln!(
                err,
                "{claimable} stay: approvals that an agent can still claim; `countersign withdraw` ends that"
            )?;
        }
        if takeable > 0 {
            writeln!(
                err,
                "{takeable} stay: secrets that an agent can still take; `countersign secret ID --wipe` ends that"
            )?;
        }
        if !is_clean {
            writeln!(
                err,
                "Another process reads the database: what was forgotten is in the write-ahead log until that is emptied"
            )?;
        }
        Ok(())
    }
}
