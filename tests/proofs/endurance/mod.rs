//! Endurance: many minutes of ordinary work beside a hostile agent, people who decide in every way that there is, backups,
//! and SIGKILLs. At the end everything that was acknowledged is there with the same answer, no agent was starved, and memory,
//! write-ahead log and log stayed within bounds. On PostgreSQL, backups and the write-ahead log are its own.
//!
//! `scripts/endure` runs it for an hour. Every client keeps a pace, so that a run takes less than the machine can give.

mod agents;
mod hostile;
mod people;
mod upkeep;
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::json;

use self::agents::Worked;
use self::upkeep::Measured;
use self::world::{World, percentile};
use crate::harness::{Client, Database, Named as _, countersign, is_postgres, key_file, sql, token};
use crate::ledger::audit;
use crate::run::{Found, Run};

/// The agents that mean well; beside them stands one that does not.
const AGENTS: usize = 7;

/// No more memory, in MiB, whatever the hostile agent does.
const MOST_RESIDENT_MIB: u64 = 512;

/// No longer write-ahead log, in MiB.
const MOST_WAL_MIB: u64 = 64;

/// No more on stderr a minute, in KiB.
const MOST_LOG_KIB_A_MINUTE: u64 = 512;

/// An agent is starved that has not come to the end of half as many rounds as most.
const STARVED_BELOW: usize = 2;

/// The limits of the server: of what one agent may have waiting, and may store a day.
const FLAGS: [&str; 4] = ["--max-pending", "500", "--max-stored-per-day", "268435456"];

/// How long it takes, and how often the server is killed.
struct Plan {
    time: Duration,
    kill_every: Duration,
    backup_every: Duration,
}

impl Plan {
    fn of(run: &Run) -> Self {
        let time = run.minutes.map_or(run.amount(36, 300), |minutes| minutes * 60);
        let kill_every = run.kill_every.unwrap_or(run.amount(12, 60)).max(1);
        let backup_every = if time < 180 { 10 } else { 60 };
        let seconds = |seconds| Duration::from_secs(seconds);
        Self { time: seconds(time), kill_every: seconds(kill_every), backup_every: seconds(backup_every) }
    }
}

pub(crate) fn prove(run: &Run) -> Found {
    let plan = Plan::of(run);
    let db = Database::new();
    let names = (0..AGENTS).map(|number| format!("agent{number}")).collect::<Vec<_>>();
    let tokens = names.iter().map(|name| token(&db, name, "agent")).collect::<Vec<_>>();
    let (mallory, ada) = (token(&db, "mallory", "agent"), token(&db, "ada", "approver"));
    let world = World::new(run.seed);
    let server = upkeep::Server::start(&world.url, &db, &FLAGS);
    // Who has logged in stays so, whatever happens to the server.
    let browser = Client::new(&world.url, &ada).browser();
    let csrf = browser.csrf();
    let mut worked = Vec::new();
    let mut decided = Vec::new();
    let (mut attacks, mut measured) = (Default::default(), Measured::default());
    thread::scope(|scope| {
        let world = &world;
        let (to_calls, for_calls) = channel();
        let (to_forms, for_forms) = channel();
        let (to_terminal, for_terminal) = channel();
        let ways = agents::Ways { calls: to_calls, forms: to_forms, terminal: to_terminal };
        let agents = tokens.iter().zip(&names).enumerate().map(|(number, (token, name))| {
            let (ways, client) = (ways.clone(), Client::new(&world.url, token));
            scope.spawn(move || agents::work(world, &client, name, number, &ways))
        });
        let agents = agents.collect::<Vec<_>>();
        drop(ways);
        let approver = Client::new(&world.url, &ada);
        let (by_calls, by_terminal) = (approver.clone(), approver);
        let people = [
            ("calls", scope.spawn(move || people::by_calls(world, &by_calls, &for_calls))),
            ("forms", scope.spawn(move || people::by_forms(world, &browser, &csrf, &for_forms))),
            ("terminal", scope.spawn(move || people::by_terminal(world, &by_terminal, &for_terminal))),
        ];
        let mallory = scope.spawn(move || hostile::attack(world, &mallory));
        let backups = scope.spawn(|| if is_postgres() { 0 } else { upkeep::back_up(world, &db, plan.backup_every) });
        measured = upkeep::keep(world, server, &db, plan.time, plan.kill_every);
        world.end();
        worked.extend(agents.into_iter().map(|agent| agent.join().unwrap()));
        decided.extend(people.into_iter().map(|(way, person)| (way, person.join().unwrap())));
        attacks = mallory.join().unwrap();
        measured.backups = backups.join().unwrap();
        measured.stop();
    });
    tell(&names, &worked, &decided, &attacks);
    check_agents(&names, &worked);
    assert_eq!(world.complaints(), Vec::<String>::new());
    check_record(&world, &db);
    measured.check();
    Found::Held(figures(&world, &worked, &decided, &attacks, &measured))
}

/// What people did in one way, each with its time.
type Decided = (&'static str, Vec<Duration>);

/// Prints a table of the agents, one of the people, and one of what was tried.
fn tell(names: &[String], worked: &[Worked], decided: &[Decided], attacks: &hostile::Attacks) {
    println!("| agent | rounds | half of the waits under | 99 of 100 under |\n| --- | --- | --- | --- |");
    for (name, worked) in names.iter().zip(worked) {
        let (p50, p99) = (percentile(&worked.waits, 50), percentile(&worked.waits, 99));
        println!("| {name} | {} | {} ms | {} ms |", worked.waits.len(), p50.as_millis(), p99.as_millis());
    }
    println!("\n| people, by | decided | half under | 99 of 100 under |\n| --- | --- | --- | --- |");
    for (way, times) in decided {
        let (p50, p99) = (percentile(times, 50), percentile(times, 99));
        println!("| {way} | {} | {} ms | {} ms |", times.len(), p50.as_millis(), p99.as_millis());
    }
    println!("\n| tried by the hostile agent | answers |\n| --- | --- |");
    for (attack, statuses) in attacks {
        let statuses = statuses.iter().map(|(status, count)| format!("{count} × {status}")).collect::<Vec<_>>();
        println!("| {attack} | {} |", statuses.join(", "));
    }
}

fn check_agents(names: &[String], worked: &[Worked]) {
    let mut rounds = worked.iter().map(|worked| worked.waits.len()).collect::<Vec<_>>();
    rounds.sort_unstable();
    let least = rounds[rounds.len() / 2] / STARVED_BELOW;
    for (name, worked) in names.iter().zip(worked) {
        assert!(worked.waits.len() > least, "{name} came to {} rounds only", worked.waits.len());
    }
}

/// Everything that was acknowledged is there, with the very answer; nothing was resolved twice; all checks pass.
fn check_record(world: &World, db: &Path) {
    let record = world.record();
    assert_eq!(audit(db, &record.ledger), (Vec::new(), Vec::new()));
    let rows = sql(db, "SELECT request_id, status, resolved_at_ms FROM interactions");
    let found = rows.iter().map(|row| (row[0].as_str().unwrap(), &row[1..])).collect::<BTreeMap<_, _>>();
    for (id, (status, at)) in &record.seen {
        assert_eq!(found[id.as_str()], [json!(status), json!(at)], "{id} was told to its agent otherwise");
    }
    for check in [&["doctor"][..], &["audit", "verify"]] {
        let output = countersign().args(check).named(db).output().unwrap();
        assert!(output.status.success(), "{check:?}: {output:?}");
    }
}

fn figures(
    world: &World,
    worked: &[Worked],
    decided: &[Decided],
    attacks: &hostile::Attacks,
    measured: &Measured,
) -> Vec<(&'static str, String)> {
    let rounds = worked.iter().map(|worked| worked.waits.len()).collect::<Vec<_>>();
    let slowest = worked.iter().map(|worked| percentile(&worked.waits, 99)).max().unwrap_or_default();
    let people = decided.iter().flat_map(|(_, times)| times.iter().copied()).collect::<Vec<_>>();
    let tried: usize = attacks.values().flat_map(|statuses| statuses.values()).sum();
    let mut figures = vec![
        ("acknowledged", world.record().ledger.len().to_string()),
        ("lost", "0".to_owned()),
        ("resolved twice", "0".to_owned()),
        ("kills", measured.kills.to_string()),
        ("rounds of an agent", format!("{:?} to {:?}", rounds.iter().min().unwrap(), rounds.iter().max().unwrap())),
        ("99 of 100 of its waits under", format!("{} ms", slowest.as_millis())),
        ("decisions of people", people.len().to_string()),
        ("99 of 100 of them under", format!("{} ms", percentile(&people, 99).as_millis())),
        ("hostile requests", tried.to_string()),
    ];
    figures.extend(measured.figures());
    figures
}

/// The log of the server, beside its key.
fn log_of(db: &Path) -> PathBuf {
    key_file(db).with_extension("log")
}
