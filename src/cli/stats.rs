//! `countersign stats`: what was asked, how it ended, and how long people took.

use std::io::{self, Write};

use clap::Args;

use super::Failure;
use super::common::Common;
use super::safe_text::SafeText;
use super::status::waiting;
use super::style::{TerminalStyle, TextStyle};
use super::table::Table;
use super::time::{Moment, Now};
use crate::api::{GetStats, Numbers, Stats};
use crate::present::span;

/// Show what was asked, how it ended, and how long people took.
#[derive(Debug, Args)]
pub(super) struct ShowStats {
    /// What was asked then or later: a time, a day in UTC, or how long ago (30d) [default: today and the six days before]
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,

    /// What was asked before that
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,

    /// Let days begin as in UTC, not as on this machine
    #[arg(long)]
    utc: bool,

    #[command(flatten)]
    common: Common,
}

impl ShowStats {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.person()?;
        let offset_minutes = if self.utc { None } else { Some(Now::read().offset_minutes()) };
        let (since, until) = (self.since.map(|Moment(since)| since), self.until.map(|Moment(until)| until));
        let stats = client.get_stats(&GetStats { since, until, offset_minutes })?;
        let mut out = io::stdout().lock();
        if self.common.json {
            return Ok(writeln!(out, "{}", serde_json::to_string(&stats).map_err(io::Error::from)?)?);
        }
        let look = TerminalStyle::of_stdout();
        let asked = SafeText::own(sentence(&stats), TextStyle::Plain);
        writeln!(out, "{}", SafeText::own("Asked    ", TextStyle::Bold).and(asked).paint(look))?;
        let waits = SafeText::own("Waiting  ", TextStyle::Bold).and(waiting(&stats.waiting, Now::read()));
        writeln!(out, "{}\n", waits.paint(look))?;
        table("DAY", stats.days.iter().map(|day| (day.day.clone(), &day.numbers))).print(&mut out, look)?;
        if !stats.agents.is_empty() {
            writeln!(out)?;
            let agents = stats.agents.iter().map(|agent| (agent.name.to_string(), &agent.numbers));
            table("AGENT", agents).print(&mut out, look)?;
        }
        Ok(())
    }
}

/// All of it in a sentence.
fn sentence(Stats { total, days, .. }: &Stats) -> String {
    let today = days.last().map_or(0, |day| day.numbers.asked);
    let asked = format!("{} in {} days, {today} on the last", total.asked, days.len());
    let asked = if days.len() == 1 { total.asked.to_string() } else { asked };
    if total.asked == 0 {
        return asked;
    }
    let share = (total.by_rules * 100 + total.asked / 2) / total.asked;
    let by_rules = format!("{asked}; rules decided {share} %");
    match (total.median_ms, total.p90_ms) {
        (Some(median), Some(p90)) => {
            format!("{by_rules}; people took {} for half of theirs, {} for nine in ten", span(median), span(p90))
        }
        _ => by_rules,
    }
}

fn table<'n>(first: &str, rows: impl Iterator<Item = (String, &'n Numbers)>) -> Table<10> {
    let headings = ["ASKED", "BY RULES", "APPROVED", "REJECTED", "ANSWERED", "EXPIRED", "WITHDRAWN", "OPEN", "MEDIAN"];
    let [asked, rules, approved, rejected, answered, expired, withdrawn, open, median] = headings;
    let headings = [first, asked, rules, approved, rejected, answered, expired, withdrawn, open, median];
    let mut table = Table::new(headings);
    for (name, of) in rows {
        let count = |count: u64| match count {
            0 => SafeText::own("-", TextStyle::Dim),
            count => SafeText::own(count, TextStyle::Plain),
        };
        let median = of.median_ms.map_or_else(|| "-".to_owned(), span);
        table.row([
            SafeText::own(name, TextStyle::Bold),
            count(of.asked),
            count(of.by_rules),
            count(of.approved),
            count(of.rejected),
            count(of.answered),
            count(of.expired),
            count(of.withdrawn),
            count(of.pending),
            SafeText::own(median, TextStyle::Plain),
        ]);
    }
    table
}
