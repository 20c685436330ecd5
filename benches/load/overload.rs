//! Four times the load that the server can take: what it still gets done, beside what it does at its best, while an
//! approver goes on working. Clients come again when they are told to; nothing that the approver asks may be refused.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;
use crate::client::Connection;
use crate::drive::{Target, drive};
use crate::plan::{Pace, Plan};
use crate::process::{Server, Site};
use crate::requests::{Ids, Request, get};
use crate::run::progress;
use crate::stats::{Percentiles, median};

/// Numbers of connections among which the peak is looked for.
const LEVELS: [usize; 3] = [64, 128, 256];
/// What counts as the peak, too.
const NEAR: f64 = 0.95;
/// How many times the connections of the peak.
const TIMES: usize = 4;
/// What the goodput is to be of the peak.
const AIM: f64 = 0.9;
/// How long the approver rests between two looks, as a person does who reads what is asked.
const REST: Duration = Duration::from_millis(20);
/// How often the server's memory is read.
const SAMPLE: Duration = Duration::from_millis(100);

/// What one overload brought.
struct Overloaded {
    pairs_per_second: f64,
    shed: usize,
    approver: Percentiles,
    looks: usize,
    most_bytes: u64,
}

/// Measures it in turns with the peak, and prints a row of figures.
pub(crate) async fn measure(site: Site, plan: Plan) -> Result<()> {
    let database = site.database()?;
    let person = site.token(&database, "bench-person", "approver")?;
    let server = site.countersign(&database).await?;
    let target = database.target(&server);
    let mut rates = vec![];
    for level in LEVELS {
        let rate = drive(&target, level, plan.pace).await?.pairs_per_second;
        progress(&format!("{level} connections: {rate:.0} pairs/s"))?;
        rates.push((level, rate));
    }
    // The rate is flat near its peak: the most connections that give it make the heaviest overload.
    let best = rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let level = rates.iter().rfind(|(_, rate)| *rate >= best * NEAR).map_or(LEVELS[0], |(level, _)| *level);
    let (mut peaks, mut overloads) = (vec![], vec![]);
    for _ in 0..plan.rounds {
        peaks.push(drive(&target, level, plan.pace).await?.pairs_per_second);
        overloads.push(overload(&server, &target, &person, level * TIMES, plan.pace).await?);
    }
    server.stop().await?;
    report(level, &peaks, &overloads)
}

fn report(level: usize, peaks: &[f64], overloads: &[Overloaded]) -> Result<()> {
    let peak = median(peaks.iter().copied());
    let goodput = median(overloads.iter().map(|run| run.pairs_per_second));
    let share = median(peaks.iter().zip(overloads).map(|(peak, run)| run.pairs_per_second / peak));
    let approver = Percentiles::median(&overloads.iter().map(|run| run.approver).collect::<Vec<_>>());
    let megabytes = overloads.iter().map(|run| run.most_bytes).max().unwrap_or_default() / 1_000_000;
    let [shed, looks] =
        [|run: &Overloaded| run.shed, |run: &Overloaded| run.looks].map(|of| overloads.iter().map(of).sum::<usize>());
    let verdict = if share >= AIM { "holds" } else { "**not reached**" };
    let mut out = std::io::stdout().lock();
    writeln!(out, "| proof | result | figures |\n| --- | --- | --- |")?;
    writeln!(
        out,
        "| overload | {verdict} | connections: {} for {level}; goodput: {goodput:.0} of {peak:.0} pairs/s, {:.0} % of the \
         peak (at least {:.0} %); shed: {shed}; approver: {looks} requests, none refused, p50 {:.1} ms, p99 {:.1} ms; \
         memory: {megabytes} MB at most |",
        level * TIMES,
        share * 100.0,
        AIM * 100.0,
        approver.p50.as_secs_f64() * 1e3,
        approver.p99.as_secs_f64() * 1e3,
    )?;
    Ok(())
}

/// Loads the server with so many connections, while an approver works and the memory is watched.
async fn overload(
    server: &Server,
    target: &Target,
    person: &str,
    connections: usize,
    pace: Pace,
) -> Result<Overloaded> {
    let ids = Arc::new(Ids::starting_now());
    let from = Instant::now() + pace.warm_up;
    let to = from + pace.window;
    let mut agents = JoinSet::new();
    for number in 0..connections {
        let connection = Connection::open(target.server).await?;
        let register = Request::register(&ids, &target.agent, &format!("conversation-{number:03}"));
        let confirm = Request::confirm(&ids, &target.approver);
        agents.spawn(insist(connection, register, confirm, Arc::clone(&ids), from, to));
    }
    let approver = tokio::spawn(approve(target.clone(), person.to_owned(), Arc::clone(&ids), from, to));
    let mut most_bytes = 0;
    while Instant::now() < to {
        most_bytes = most_bytes.max(server.resident_bytes()?);
        tokio::time::sleep(SAMPLE).await;
    }
    let (mut finished, mut shed) = (0_u32, 0);
    while let Some(done) = agents.join_next().await {
        let (pairs, refusals) = done??;
        finished += pairs;
        shed += refusals;
    }
    let latencies = approver.await??;
    Ok(Overloaded {
        pairs_per_second: f64::from(finished) / pace.window.as_secs_f64(),
        shed,
        looks: latencies.len(),
        approver: Percentiles::of(latencies),
        most_bytes,
    })
}

/// Registers and has it confirmed, again and again; how many pairs were finished in the window, and how often it was told
/// to come again.
async fn insist(
    mut connection: Connection,
    mut register: Request,
    mut confirm: Request,
    ids: Arc<Ids>,
    from: Instant,
    to: Instant,
) -> Result<(u32, usize)> {
    let (mut finished, mut shed) = (0, 0);
    while Instant::now() < to {
        let number = ids.next();
        for request in [register.numbered(number), confirm.numbered(number)] {
            loop {
                match connection.ask(request).await? {
                    (200..=299, _) => break,
                    (429 | 503, Some(pause)) => {
                        shed += 1;
                        tokio::time::sleep(pause).await;
                    }
                    (status, _) => return Err(format!("a request was answered with {status}").into()),
                }
            }
        }
        finished += u32::from((from..to).contains(&Instant::now()));
    }
    Ok((finished, shed))
}

/// Lists what is pending and allows one thing of its own, again and again; how long each of its requests took.
async fn approve(target: Target, person: String, ids: Arc<Ids>, from: Instant, to: Instant) -> Result<Vec<Duration>> {
    let [mut agents, mut persons] = [Connection::open(target.server).await?, Connection::open(target.server).await?];
    let mut register = Request::register(&ids, &target.agent, "conversation-of-the-person");
    let mut confirm = Request::confirm(&ids, &person);
    let list = get("/v1/pending-interactions?limit=10", Some(&person));
    let mut latencies = vec![];
    while Instant::now() < to {
        let number = ids.next();
        let is_registered = matches!(agents.ask(register.numbered(number)).await?, (200..=299, _));
        let asked: [&[u8]; 2] = [&list, confirm.numbered(number)];
        for request in asked.into_iter().take(1 + usize::from(is_registered)) {
            let begun = Instant::now();
            let status = persons.exchange(request).await?;
            if !matches!(status, 200..=299) {
                return Err(format!("the approver was answered with {status}").into());
            }
            if begun >= from {
                latencies.push(begun.elapsed());
            }
        }
        tokio::time::sleep(REST).await;
    }
    Ok(latencies)
}
