//! What grows with the past, and what does not: everything that people and agents ask of a database with few old interactions and
//! of one with many, among which some are still pending, from the oldest to the newest.

use std::io::Write;
use std::time::{Duration, Instant};

use countersign::clock::Timestamp;

use crate::Result;
use crate::client::Connection;
use crate::drive::drive;
use crate::fill::{Pending, STEP_MS, pending};
use crate::history::filled;
use crate::ledger::now_ms;
use crate::plan::{Plan, TARGET_CONNECTIONS};
use crate::process::{Database, Server, Site};
use crate::report::{in_ms, machine};
use crate::requests::{Ids, Request, confirm, get};
use crate::run::progress;
use crate::stats::median_duration;

/// How many of the old interactions are pending.
const PENDING: u64 = 400;
/// How often each call is made.
const CALLS: usize = 20;
/// How much of the past a list is asked for that is about a time long ago.
const LONG_AGO_MS: i64 = 24 * 60 * 60 * 1_000;

/// One thing that was measured, as it is shown.
struct Row {
    what: &'static str,
    shown: String,
}

/// Measures both, and prints a table.
pub(crate) async fn measure(site: Site, plan: Plan) -> Result<()> {
    let sizes = [plan.small_history_rows, plan.large_history_rows];
    let small = of_size(&site, &plan, sizes[0]).await?;
    let large = of_size(&site, &plan, sizes[1]).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}; {PENDING} of the interactions are pending, from the oldest to the newest.\n", machine())?;
    writeln!(out, "| with so many old interactions | {} | {} |\n| --- | ---: | ---: |", sizes[0], sizes[1])?;
    for (small, large) in small.iter().zip(&large) {
        writeln!(out, "| {} | {} | {} |", small.what, small.shown, large.shown)?;
    }
    Ok(())
}

async fn of_size(site: &Site, plan: &Plan, rows: u64) -> Result<Vec<Row>> {
    progress(&format!("filling a database with {rows} rows"))?;
    let every = (rows / PENDING).max(1);
    let database = filled(site, rows, Pending::OneOf(every)).await?;
    let mut measured = commands(site, &database)?;
    // What a command has read is in memory from here on, as in a server that runs for long.
    let server = site.countersign(&database).await?;
    let mut connection = Connection::open(server.address).await?;
    connection.exchange(&get("/v1/interactions?limit=1", Some(&database.approver))).await?;
    measured.push(Row { what: "exec to the first answer", shown: in_ms(server.started.elapsed()) });
    progress("calls")?;
    measured.extend(calls(&mut connection, &database, first_ms(rows)?).await?);
    measured.extend(decisions(&mut connection, &database, &server).await?);
    progress("load")?;
    let load = drive(&database.target(&server), TARGET_CONNECTIONS, plan.pace).await?;
    measured.push(Row { what: "pairs a second at 64 connections", shown: format!("{:.0}", load.pairs_per_second) });
    server.stop().await?;
    Ok(measured)
}

/// About when the first of them was registered.
fn first_ms(rows: u64) -> Result<i64> {
    Ok(now_ms() - i64::try_from(rows)? * STEP_MS)
}

/// What reads everything, without a server.
fn commands(site: &Site, database: &Database) -> Result<Vec<Row>> {
    let room = database.room();
    let (backup, export) = (room.join("backup.db"), room.join("all.export"));
    let named = |file: &std::path::Path| file.to_str().map(str::to_owned).ok_or("a path that is no text");
    let (backup, export) = (named(&backup)?, named(&export)?);
    let commands: [(&'static str, &[&str]); 4] = [
        ("`doctor`", &["doctor"]),
        ("`audit verify`", &["audit", "verify"]),
        ("`backup`, which looks through the copy", &["backup", &backup]),
        ("`export`", &["export", &export]),
    ];
    let mut rows = Vec::new();
    for (what, words) in commands {
        progress(what)?;
        let took = site.command(database, words)?;
        rows.push(Row { what, shown: format!("{:.1} s", took.as_secs_f64()) });
    }
    std::fs::remove_file(backup)?;
    std::fs::remove_file(export)?;
    Ok(rows)
}

/// The first page of everything that is listed, as an approver gets it.
async fn calls(connection: &mut Connection, database: &Database, first_ms: i64) -> Result<Vec<Row>> {
    let moment = |ms| Timestamp::from_millis(ms).ok_or("no such time");
    let long_ago = format!("since={}&until={}", moment(first_ms)?, moment(first_ms + LONG_AGO_MS)?);
    let calls = [
        ("the queue", "/v1/pending-interactions".to_owned()),
        ("the newest interactions", "/v1/interactions".to_owned()),
        ("those with a status that none has", "/v1/interactions?status=expired".to_owned()),
        ("those of the oldest conversation", "/v1/interactions?conversationId=conversation-0".to_owned()),
        ("those of a day long ago", format!("/v1/interactions?{long_ago}")),
        ("those whose ids begin so", "/v1/interactions?idPrefix=f-".to_owned()),
        ("a search for what only the oldest say", "/v1/interactions?q=part-7".to_owned()),
        ("a search for what none says", "/v1/interactions?q=nowhere".to_owned()),
        ("the newest events", "/v1/audit-events".to_owned()),
        ("the events of a day long ago", format!("/v1/audit-events?{long_ago}")),
        ("the numbers of the last seven days", "/v1/stats".to_owned()),
    ];
    let mut rows = Vec::new();
    for (what, path) in calls {
        let request = get(&path, Some(&database.approver));
        let times = timed(connection, std::iter::repeat_n(request.as_slice(), CALLS), 200).await?;
        rows.push(Row { what, shown: in_ms(median_duration(times.into_iter())) });
    }
    Ok(rows)
}

/// A decision about one of the old that are pending, and about one that was registered a moment ago.
async fn decisions(connection: &mut Connection, database: &Database, server: &Server) -> Result<Vec<Row>> {
    let target = database.target(server);
    let ids = Ids::starting_now();
    let mut register = Request::register(&ids, &target.agent, "conversation-new");
    let (mut old, mut new) = (Vec::new(), Vec::new());
    // In turn, so that a drift of the machine falls out.
    for id in pending(database.file()?)? {
        let number = ids.next();
        timed(connection, std::iter::once(register.numbered(number)), 201).await?;
        for (id, times) in [(id, &mut old), (ids.text(number), &mut new)] {
            let approval = confirm(&target.approver, &id);
            times.extend(timed(connection, std::iter::once(approval.as_slice()), 200).await?);
        }
    }
    Ok(vec![
        Row { what: "approving one of long ago", shown: in_ms(median_duration(old.into_iter())) },
        Row { what: "approving a new one", shown: in_ms(median_duration(new.into_iter())) },
    ])
}

/// How long each request takes.
async fn timed<'r>(
    connection: &mut Connection,
    requests: impl Iterator<Item = &'r [u8]>,
    wanted: u16,
) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for request in requests {
        let started = Instant::now();
        let status = connection.exchange(request).await?;
        times.push(started.elapsed());
        if status != wanted {
            let request = String::from_utf8_lossy(request);
            return Err(format!("{status} for {}", request.lines().next().unwrap_or_default()).into());
        }
    }
    Ok(times)
}
