//! One agent beside another that sends what costs most: how long an ordinary registration takes under ten thousand rules,
//! alone and beside it, in turns. The hostile one never rests and never comes again later when it is told to.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::client::Connection;
use crate::drive::Target;
use crate::plan::{Pace, Plan};
use crate::process::Site;
use crate::requests::{Ids, Request};
use crate::run::progress;
use crate::stats::{Percentiles, median};
use crate::{Result, rules};

/// The connections of the hostile agent, and those of the other.
const HOSTILE_CONNECTIONS: usize = 32;
const ORDINARY_CONNECTIONS: usize = 4;
/// How long the ordinary agent rests between two registrations on one connection.
const REST: Duration = Duration::from_millis(10);
/// How many times as long the other's p99 may be beside it.
const AIM: f64 = 2.0;
/// How many bytes of a line are looked into, and how many a member has at most by default.
const LOOKED_INTO: usize = 4 * 1024;
const LONGEST: usize = 64 * 1024;

/// The lines that cost most by `cargo bench --bench hostile`: what stands before, what is repeated, and how long it is.
const HOSTILE: [(&str, &str, usize); 4] = [
    ("sh -c 'git", " -c", LOOKED_INTO),
    ("git log", " --o", LOOKED_INTO),
    ("ls ", "é", LONGEST),
    ("", "a=b ", LOOKED_INTO),
];

/// Else the hostile agent would be refused after a while, which costs less than what it asks for.
const NO_END: &[&str] = &["--max-pending", "10000000", "--max-stored-per-day", "none"];

/// What one stretch brought.
struct Stretch {
    ordinary: Percentiles,
    registered: usize,
    /// What the hostile agent was answered: done, and refused.
    done: usize,
    refused: usize,
}

/// Measures it, and prints a row of figures.
pub(crate) async fn measure(site: Site, plan: Plan) -> Result<()> {
    let database = site.database()?;
    let mallory = site.token(&database, "bench-mallory", "agent")?;
    rules::import(&site, &database, "allow")?;
    let server = site.countersign_with(&database, NO_END).await?;
    let target = database.target(&server);
    let (mut alone, mut beside) = (vec![], vec![]);
    for round in 1..=plan.rounds {
        progress(&format!("round {round} of {}: an agent alone, and beside a hostile one", plan.rounds))?;
        alone.push(stretch(&target, None, plan.pace).await?);
        beside.push(stretch(&target, Some(&mallory), plan.pace).await?);
    }
    server.stop().await?;
    report(&alone, &beside)
}

fn report(alone: &[Stretch], beside: &[Stretch]) -> Result<()> {
    let p99 = |stretch: &Stretch| stretch.ordinary.p99.as_secs_f64();
    let ratio = median(alone.iter().zip(beside).map(|(alone, beside)| p99(beside) / p99(alone)));
    let of = |stretches: &[Stretch]| Percentiles::median(&stretches.iter().map(|it| it.ordinary).collect::<Vec<_>>());
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (alone, by_itself, others) = (of(alone), alone.iter().map(|it| it.registered).sum::<usize>(), of(beside));
    let sum = |count: fn(&Stretch) -> usize| beside.iter().map(count).sum::<usize>();
    let verdict = if ratio <= AIM { "holds" } else { "**not reached**" };
    let mut out = std::io::stdout().lock();
    writeln!(out, "| proof | result | figures |\n| --- | --- | --- |")?;
    writeln!(
        out,
        "| neighbour | {verdict} | {} rules; alone: {by_itself} registrations, p50 {:.1} ms, p99 {:.1} ms; beside a hostile \
         agent: {}, p50 {:.1} ms, p99 {:.1} ms, {ratio:.1} times (at most {AIM:.0}); the hostile one: {} connections, {} \
         answered, {} refused |",
        rules::RULES,
        ms(alone.p50),
        ms(alone.p99),
        sum(|it| it.registered),
        ms(others.p50),
        ms(others.p99),
        HOSTILE_CONNECTIONS,
        sum(|it| it.done),
        sum(|it| it.refused),
    )?;
    Ok(())
}

/// An ordinary agent's registrations for a while, beside those of `mallory`, if any.
async fn stretch(target: &Target, mallory: Option<&str>, pace: Pace) -> Result<Stretch> {
    let ids = Arc::new(Ids::starting_now());
    let from = Instant::now() + pace.warm_up;
    let to = from + pace.window;
    let (mut hostile, mut ordinary) = (JoinSet::new(), JoinSet::new());
    for (number, token) in std::iter::repeat_n(mallory, HOSTILE_CONNECTIONS).flatten().enumerate() {
        let (before, unit, bytes) = HOSTILE.get(number % HOSTILE.len()).copied().unwrap_or_default();
        let line = format!("{before}{}", unit.repeat((bytes - before.len()) / unit.len()));
        let request = Request::register_command(&ids, token, "ruled", &line);
        hostile.spawn(attack(Connection::open(target.server).await?, request, Arc::clone(&ids), to));
    }
    for number in 0..ORDINARY_CONNECTIONS {
        let request = Request::register(&ids, &target.agent, &format!("conversation-{number}"));
        let confirm = Request::confirm(&ids, &target.approver);
        let connections = [Connection::open(target.server).await?, Connection::open(target.server).await?];
        ordinary.spawn(register(connections, [request, confirm], Arc::clone(&ids), from, to));
    }
    let mut latencies = vec![];
    while let Some(done) = ordinary.join_next().await {
        latencies.extend(done??);
    }
    let (mut done, mut refused) = (0, 0);
    while let Some(answers) = hostile.join_next().await {
        let (some, others) = answers??;
        done += some;
        refused += others;
    }
    Ok(Stretch { registered: latencies.len(), ordinary: Percentiles::of(latencies), done, refused })
}

/// Registers without a rest; how often that was done, and how often it was refused.
async fn attack(
    mut connection: Connection,
    mut request: Request,
    ids: Arc<Ids>,
    to: Instant,
) -> Result<(usize, usize)> {
    let (mut done, mut refused) = (0, 0);
    while Instant::now() < to {
        match connection.exchange(request.numbered(ids.next())).await? {
            200..=299 => done += 1,
            _ => refused += 1,
        }
    }
    Ok((done, refused))
}

/// Registers, has it confirmed so that little is pending, and rests; how long each registration in the window took.
async fn register(
    [mut agent, mut approver]: [Connection; 2],
    [mut register, mut confirm]: [Request; 2],
    ids: Arc<Ids>,
    from: Instant,
    to: Instant,
) -> Result<Vec<Duration>> {
    let mut latencies = vec![];
    while Instant::now() < to {
        let number = ids.next();
        let begun = Instant::now();
        let status = agent.exchange(register.numbered(number)).await?;
        if status != 201 {
            return Err(format!("the ordinary agent was answered with {status}").into());
        }
        if begun >= from {
            latencies.push(begun.elapsed());
        }
        approver.exchange(confirm.numbered(number)).await?;
        tokio::time::sleep(REST).await;
    }
    Ok(latencies)
}
