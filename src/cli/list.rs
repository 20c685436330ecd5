//! `countersign list` and `countersign history`: what waits, and what was asked and how it ended.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::card::{outcome_tint, risk};
use super::common::Common;
use super::kinds::only_this_kind;
use super::safe_text::{self, SafeText};
use super::style::{TerminalStyle, TextStyle};
use super::table::Table;
use super::time::{Moment, Now};
use super::{Failure, completions, events, ids, last_list, views};
use crate::api::{Interaction, ListInteractions, WithRaw};
use crate::client::Client;
use crate::csv;
use crate::domain::enums::{Kind, RiskLevel};
use crate::domain::id::{ConversationId, PrincipalName, ToolName};
use crate::domain::interaction::Status;
use crate::domain::kinds::Summary;
use crate::domain::query::{FIELDS, Query};
use crate::domain::saved_view::ViewName;
use crate::present::{escape_json, resolver};

/// List what waits for an answer.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only what is found by these words and fields, such as: kubectl agent:ci risk:high
    #[arg(value_name = "QUERY", conflicts_with = "query")]
    words: Vec<String>,

    #[command(flatten)]
    filter: Filter,

    /// Print comma-separated values, for spreadsheets
    #[arg(long, conflicts_with = "json")]
    csv: bool,

    #[command(flatten)]
    common: Common,
}

/// List what was asked.
#[derive(Debug, Args)]
pub(super) struct HistoryOf {
    /// One interaction, by its id or the beginning of it: its whole story; or more words, or a field such as agent:ci, to find by
    #[arg(value_name = "ID|QUERY", conflicts_with = "query", add = completions::any_ids())]
    words: Vec<String>,

    /// Only what ended so, or is pending; more than once
    #[arg(long)]
    status: Vec<Status>,

    /// Only what this principal, or the trust rule with this id, resolved
    #[arg(long, value_name = "NAME")]
    by: Option<PrincipalName>,

    /// How many of the newest [default: 20]
    #[arg(long, short = 'n', value_name = "N", value_parser = at_least_one)]
    limit: Option<usize>,

    /// All of them, however many
    #[arg(long, conflicts_with = "limit")]
    all: bool,

    /// Take ID as the complete id, not as the beginning of one
    #[arg(long, requires = "words")]
    exact: bool,

    #[command(flatten)]
    filter: Filter,

    /// Print comma-separated values, for spreadsheets
    #[arg(long, conflicts_with = "json")]
    csv: bool,

    #[command(flatten)]
    common: Common,
}

/// How many are shown where nothing is said.
const SHOWN: usize = 20;

/// How many are shown.
fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "write how many to show, 1 or more; --all shows all of them".to_owned())
}

#[derive(Debug, Args)]
struct Filter {
    /// Only what is found by a query, such as: 'kubectl agent:ci since:2h -word'
    #[arg(long, short = 'q', value_name = "QUERY", allow_hyphen_values = true, add = completions::query())]
    query: Option<Query>,

    /// Only what is found by the query that you keep under this name
    #[arg(long, value_name = "NAME", add = completions::views())]
    view: Option<ViewName>,

    #[arg(long, help = only_this_kind())]
    kind: Option<Kind>,

    /// Only this conversation's
    #[arg(long, value_name = "ID")]
    conversation: Option<ConversationId>,

    /// Only about this tool
    #[arg(long, value_name = "NAME", add = completions::tools())]
    tool: Option<ToolName>,

    /// Only from this agent
    #[arg(long, value_name = "NAME", add = completions::agents())]
    from: Option<PrincipalName>,

    /// Only confirmations of this risk: low, medium or high
    #[arg(long)]
    risk: Option<RiskLevel>,

    /// Only what was asked then or later: a time, a day, or how long ago (7d)
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,

    /// Only what was asked before that
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
}

impl Filter {
    /// What words, a query and a view find, each of them.
    fn found_by(&self, client: &Client, words: Option<Query>) -> Result<Option<Query>, Failure> {
        let of_view = self.view.as_ref().map(|name| views::query_of(client, name)).transpose()?;
        let parts = [of_view, self.query.clone(), words].into_iter().flatten();
        let all = parts.map(|part| part.to_string()).collect::<Vec<_>>().join(" & ");
        if all.is_empty() { Ok(None) } else { all.parse().map(Some).map_err(Failure::Usage) }
    }

    fn query(&self, statuses: &[Status]) -> ListInteractions {
        ListInteractions {
            status: statuses.iter().map(|status| status.as_str().to_owned()).collect(),
            since: self.since.map(|Moment(since)| since),
            until: self.until.map(|Moment(until)| until),
            risk: self.risk,
            kind: self.kind,
            conversation_id: self.conversation.clone(),
            tool_name: self.tool.clone(),
            principal: self.from.clone(),
            ..ListInteractions::default()
        }
    }
}

/// How many pending interactions are listed at most.
const MOST: usize = 5_000;

impl List {
    pub(super) fn run(self) -> Result<(), Failure> {
        let words = query_of(&self.words)?;
        let client = self.common.person()?;
        let mut query = self.filter.query(&[Status::Pending]);
        query.q = self.filter.found_by(&client, words)?;
        // One more than is shown tells whether there is more.
        let mut found = client.interactions(&query, MOST + 1)?;
        if found.len() > MOST {
            found.truncate(MOST);
            let hint = "ask for less with a query, --from, --tool, --kind or --conversation";
            writeln!(io::stderr(), "There are more: these are the newest {MOST}; {hint}.")?;
        }
        // What has to be answered first comes first, then what has waited longest; what never expires, last.
        found.reverse();
        found.sort_by_key(|item| (item.value.expires_at.is_none(), item.value.expires_at, item.value.created_at));
        let mut out = io::stdout().lock();
        if self.common.json {
            return Ok(print_json(&mut out, &found)?);
        }
        if self.csv {
            return Ok(print_csv(&mut out, &found)?);
        }
        if found.is_empty() {
            let (all, asked) = ("Nothing waits for an answer.", "Nothing that waits is found.");
            writeln!(io::stderr(), "{}", if query.q.is_some() { asked } else { all })?;
            return Ok(());
        }
        let (look, now) = (TerminalStyle::of_stdout(), Now::read());
        let mut table = Table::new(["ID", "AGE", "LEFT", "RISK", "FROM", "WHAT"]);
        let ids = found.iter().map(|item| item.value.request_id.clone()).collect();
        if look.width.is_some() && last_list::keep(&client, ids) {
            table = table.numbered();
        }
        for (id, item) in shown_ids(&found, look).into_iter().zip(&found) {
            let WithRaw { value: interaction, .. } = item;
            table.row([
                SafeText::own(id, TextStyle::Bold),
                SafeText::own(now.since(interaction.created_at), TextStyle::Plain),
                interaction.expires_at.map_or(dash(), |end| SafeText::own(now.until(end), TextStyle::Plain)),
                interaction.confirmation.as_ref().map_or(dash(), |asked| risk(asked.risk_level)),
                SafeText::own(&interaction.registered_by, TextStyle::Plain),
                what(interaction),
            ]);
        }
        Ok(table.print(&mut out, look)?)
    }
}

/// The query that words on a command line are; `None` where there are none.
pub(super) fn query_of(words: &[String]) -> Result<Option<Query>, Failure> {
    if words.is_empty() { Ok(None) } else { words.join(" ").parse().map(Some).map_err(Failure::Usage) }
}

impl HistoryOf {
    /// The one interaction that is meant: by a word that stands alone and is no field of a query.
    fn id(&self) -> Result<Option<&str>, Failure> {
        let is_field = |word: &str| {
            let name = word.split_once(':').map(|(name, _)| name);
            name.is_some_and(|name| FIELDS.iter().any(|(field, _)| field.eq_ignore_ascii_case(name)))
        };
        match self.words.as_slice() {
            [word] if self.exact || !is_field(word) => Ok(Some(word)),
            _ if self.exact => Err(Failure::Usage("--exact is for one id".to_owned())),
            _ => Ok(None),
        }
    }

    /// Refuses the flags that choose among many, where one is meant.
    fn check_alone(&self, id: &str) -> Result<(), Failure> {
        let narrows =
            !self.status.is_empty() || self.by.is_some() || self.limit.is_some() || self.filter.view.is_some();
        if !narrows && !self.all && !self.csv {
            return Ok(());
        }
        let id = safe_text::line(id);
        Err(Failure::Usage(format!(
            "--status, --by, --limit, --all, --view and --csv cannot be used with one interaction, {id}; --query {id} finds a word"
        )))
    }

    pub(super) fn run(self) -> Result<(), Failure> {
        let id = self.id()?;
        if let Some(id) = id {
            self.check_alone(id)?;
        }
        let client = self.common.person()?;
        if let Some(id) = id {
            let item = ids::interaction(&client, id, self.exact, ids::Among::All)?;
            return events::story(&client, &item.value.request_id, self.common.json);
        }
        let q = self.filter.found_by(&client, query_of(&self.words)?)?;
        let query = ListInteractions { by: self.by, q, ..self.filter.query(&self.status) };
        let limit = if self.all { usize::MAX } else { self.limit.unwrap_or(SHOWN) };
        let mut out = io::stdout().lock();
        if self.common.json || self.csv {
            return stream(&client, &query, limit, self.csv, &mut out);
        }
        let found = client.interactions(&query, limit)?;
        if found.is_empty() {
            let is_all = query == ListInteractions::default();
            writeln!(io::stderr(), "{}", if is_all { "Nothing was asked yet." } else { "Nothing is found." })?;
            return Ok(());
        }
        let (look, now) = (TerminalStyle::of_stdout(), Now::read());
        let mut table = Table::new(["ID", "ASKED", "STATUS", "BY", "FROM", "WHAT"]);
        for (id, item) in shown_ids(&found, look).into_iter().zip(&found) {
            let WithRaw { value: interaction, .. } = item;
            let by = interaction.resolution.as_ref().map(|resolution| resolver(resolution.resolved_by()));
            table.row([
                SafeText::own(id, TextStyle::Bold),
                SafeText::own(format!("{} ago", now.since(interaction.created_at)), TextStyle::Plain),
                SafeText::own(interaction.status.as_str(), interaction.outcome().map_or(TextStyle::Bold, outcome_tint)),
                by.map_or(dash(), |by| SafeText::own(by, TextStyle::Plain)),
                SafeText::own(&interaction.registered_by, TextStyle::Plain),
                what(interaction),
            ]);
        }
        Ok(table.print(&mut out, look)?)
    }
}

/// A program gets ids whole; a person as much of them as it takes.
pub(super) fn shown_ids(found: &[WithRaw<Interaction>], look: TerminalStyle) -> Vec<&str> {
    let ids: Vec<&str> = found.iter().map(|item| item.value.request_id.as_str()).collect();
    if look.width.is_some() { ids::short(&ids) } else { ids }
}

pub(super) fn dash() -> SafeText {
    SafeText::own("-", TextStyle::Dim)
}

/// In one line, what is asked.
pub(super) fn what(interaction: &Interaction) -> SafeText {
    interaction.summary().map_or_else(SafeText::default, |Summary { title, text }| {
        SafeText::line(title).and(SafeText::own(": ", TextStyle::Dim)).and(SafeText::line(&text))
    })
}

/// Prints page after page as it comes: as comma-separated values, or as one JSON array with an element a line.
fn stream(
    client: &Client,
    query: &ListInteractions,
    limit: usize,
    is_csv: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    write!(out, "{}", if is_csv { csv::headings() } else { "[".to_owned() })?;
    let mut is_first = true;
    client.interactions_by_page(query, limit, |page| -> Result<(), Failure> {
        for item in page {
            if is_csv {
                write!(out, "{}", csv::interaction(&item.value))?;
            } else {
                write!(out, "{}{}", if is_first { "" } else { ",\n " }, escape_json(&item.json()))?;
            }
            is_first = false;
        }
        Ok(())
    })?;
    if !is_csv {
        writeln!(out, "]")?;
    }
    Ok(out.flush()?)
}

/// Comma-separated values, an interaction a line.
fn print_csv(out: &mut impl Write, found: &[WithRaw<Interaction>]) -> io::Result<()> {
    write!(out, "{}", csv::headings())?;
    for WithRaw { value: interaction, .. } in found {
        write!(out, "{}", csv::interaction(interaction))?;
    }
    Ok(())
}

/// A JSON array, an element a line.
pub(super) fn print_json<T: Serialize>(out: &mut impl Write, found: &[WithRaw<T>]) -> io::Result<()> {
    let lines: Vec<String> = found.iter().map(|item| escape_json(&item.json())).collect();
    writeln!(out, "[{}]", lines.join(",\n "))
}
