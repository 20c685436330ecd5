//! `countersign log`: the history, and as it grows; and the story of one interaction.

use std::io::{self, Write};

use clap::Args;

use super::common::Common;
use super::list::dash;
use super::safe_text::SafeText;
use super::style::{TerminalStyle, TextStyle};
use super::table::Table;
use super::{Failure, ids};
use crate::api::{AuditEvent, ListAuditEvents, WithRaw};
use crate::client::Client;
use crate::domain::id::{PrincipalName, RequestId};
use crate::present::escape_json;

/// More events than any interaction has.
const WHOLE_STORY: usize = 1_000;

/// Show the history.
#[derive(Debug, Args)]
pub(super) struct Log {
    /// Go on with what happens from now on, through restarts of the server, until interrupted
    #[arg(long, short)]
    follow: bool,

    /// How many of the newest events
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    limit: usize,

    /// Only about this interaction: its id, or the beginning of it
    #[arg(long, value_name = "ID")]
    request: Option<String>,

    /// Only by this principal
    #[arg(long, value_name = "NAME")]
    principal: Option<PrincipalName>,

    #[command(flatten)]
    common: Common,
}

impl Log {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.person()?;
        let found =
            self.request.as_ref().map(|id| ids::interaction(&client, id, false, ids::Among::All)).transpose()?;
        let request_id = found.map(|item| item.value.request_id);
        let filter = ListAuditEvents {
            request_id: request_id.clone(),
            principal: self.principal.clone(),
            ..ListAuditEvents::default()
        };
        // Where the feed goes on: of any event, not only of those that are shown.
        let last = client.audit_events(&ListAuditEvents::default(), 1)?.first().map_or(0, |item| item.value.seq);
        let mut events = if self.limit == 0 { Vec::new() } else { client.audit_events(&filter, self.limit)? };
        events.retain(|item| item.value.seq <= last);
        events.reverse();
        let lines = Lines { look: TerminalStyle::of_stdout(), json: self.common.json };
        lines.heading()?;
        events.iter().try_for_each(|item| lines.print(item))?;
        if self.follow {
            let is_meant = |event: &AuditEvent| {
                (request_id.is_none() || event.request_id == request_id)
                    && (self.principal.is_none() || event.principal == self.principal)
            };
            return follow(&client, last, &lines, is_meant);
        }
        Ok(())
    }
}

fn follow(client: &Client, last: i64, lines: &Lines, is_meant: impl Fn(&AuditEvent) -> bool) -> Result<(), Failure> {
    let mut is_lost = false;
    for event in client.feed(Some(last)) {
        match event {
            Ok(item) => {
                is_lost = false;
                if is_meant(&item.value) {
                    lines.print(&item)?;
                }
            }
            Err(error) if error.is_transient() => {
                if !is_lost {
                    writeln!(io::stderr(), "the server is away; this goes on when it is back")?;
                }
                is_lost = true;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Prints events as they come: the columns have their widths beforehand.
struct Lines {
    look: TerminalStyle,
    json: bool,
}

impl Lines {
    fn heading(&self) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let line = format!("{:>6}  {:<24}  {:<28}  {:<16}  ABOUT", "SEQ", "AT", "EVENT", "WHO");
        writeln!(io::stdout(), "{}", TextStyle::Bold.paint(&line, self.look))
    }

    fn print(&self, item: &WithRaw<AuditEvent>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", escape_json(&item.json()))?;
            return out.flush();
        }
        let AuditEvent { seq, at, event, principal, .. } = &item.value;
        let who = principal.as_ref().map_or("-", PrincipalName::as_str);
        // An event type that is newer than this program is untrusted text.
        let event = SafeText::line(event).paint(TerminalStyle::default());
        let begin = format!("{seq:>6}  {at}  {event:<28}  {who:<16}  ");
        let about = about(&item.value);
        let about = match self.look.width {
            Some(width) => about.cut(width.saturating_sub(begin.len()).max(16)),
            None => about,
        };
        writeln!(out, "{}", format!("{begin}{}", about.paint(self.look)).trim_end())?;
        out.flush()
    }
}

/// What an event is about, and what else there is to say.
fn about(event: &AuditEvent) -> SafeText {
    let request = event.request_id.as_ref().map(|id| format!("{id} "));
    let rule = event.rule_id.as_ref().map(|id| format!("rule {id} "));
    let ids = SafeText::own(request.into_iter().chain(rule).collect::<String>(), TextStyle::Plain);
    let detail = event.detail.get();
    if matches!(detail, "null" | "{}") { ids } else { ids.and(SafeText::line(detail).tinted(TextStyle::Dim)) }
}

/// All that has happened to one interaction.
pub(super) fn story(client: &Client, request_id: &RequestId, json: bool) -> Result<(), Failure> {
    let filter = ListAuditEvents { request_id: Some(request_id.clone()), ..ListAuditEvents::default() };
    let mut events = client.audit_events(&filter, WHOLE_STORY)?;
    events.reverse();
    let mut out = io::stdout().lock();
    if json {
        return Ok(super::list::print_json(&mut out, &events)?);
    }
    let mut table = Table::new(["AT", "EVENT", "WHO", "DETAIL"]);
    for WithRaw { value: event, .. } in &events {
        table.row([
            SafeText::own(event.at, TextStyle::Plain),
            SafeText::line(&event.event),
            event.principal.as_ref().map_or(dash(), |name| SafeText::own(name, TextStyle::Plain)),
            SafeText::line(event.detail.get()),
        ]);
    }
    Ok(table.print(&mut out, TerminalStyle::of_stdout())?)
}
