//! What idle waiters cost, and how soon they hear: thousands of connections, each waiting for an interaction of its own,
//! while an approver resolves some of them one after the other, in no order.

use std::collections::HashMap;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::Result;
use crate::client::Connection;
use crate::drive::drive;
use crate::plan::{Plan, TARGET_CONNECTIONS};
use crate::process::{Database, Server, Site};
use crate::report::{in_ms, megabytes};
use crate::requests::{Ids, Request, get};
use crate::run::progress;
use crate::stats::Percentiles;

/// How many an agent has waiting: the server lets none have more than ten thousand pending.
const OF_ONE_AGENT: usize = 5_000;
/// Connections that register, for each agent.
const REGISTRARS: usize = 16;
/// How long the server is left alone before its memory is read.
const SETTLE: Duration = Duration::from_secs(2);
/// How long after the last resolution the last waiter may hear of it.
const LAST_WAKE: Duration = Duration::from_secs(10);
/// Descriptors that are needed for other things than waiters: the server keeps some, and there are other clients.
const SPARE_DESCRIPTORS: usize = 1_000;

pub(crate) struct Waiters {
    pub(crate) waiting: usize,
    pub(crate) before_bytes: u64,
    pub(crate) with_bytes: u64,
    pub(crate) woken: usize,
    /// Resolved, but the waiter was not told.
    pub(crate) lost: usize,
    /// From the approver's answer to the waiter's; nothing where the waiter was the first to hear.
    pub(crate) latency: Percentiles,
}

/// A waiter's answer: of which number, when.
type Wake = (u64, Instant);

pub(crate) async fn measure(site: &Site, plan: &Plan) -> Result<Waiters> {
    let waiting = possible(plan.waiters)?;
    progress(&format!("{waiting} waiters"))?;
    let database = site.database()?;
    let agents = agents(site, &database, waiting)?;
    let server = site.countersign(&database).await?;
    let waiters = Crowd::waiting([&server, &server], &agents, waiting).await?;
    let waiters = waiters.wake(&server, &database, plan.wakes).await?;
    server.stop().await?;
    Ok(waiters)
}

/// Measures what waiters cost the others as well, and prints it.
pub(crate) async fn alone(site: Site, plan: Plan) -> Result<()> {
    let waiting = possible(plan.waiters)?;
    let database = site.database()?;
    let agents = agents(&site, &database, waiting)?;
    let connections = (waiting + TARGET_CONNECTIONS).to_string();
    let server = site.countersign_with(&database, &["--max-connections", &connections]).await?;
    let target = database.target(&server);
    progress("load without waiters")?;
    let without = drive(&target, TARGET_CONNECTIONS, plan.pace).await?;
    progress(&format!("{waiting} waiters"))?;
    let crowd = Crowd::waiting([&server, &server], &agents, waiting).await?;
    progress("load beside them")?;
    let beside = drive(&target, TARGET_CONNECTIONS, plan.pace).await?;
    let Waiters { before_bytes, with_bytes, woken, lost, latency, .. } =
        crowd.wake(&server, &database, plan.wakes).await?;
    server.stop().await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "| with so many waiters | 0 | {waiting} |\n| --- | ---: | ---: |")?;
    let pairs = [&without, &beside].map(|measured| format!("{:.0}", measured.pairs_per_second));
    writeln!(out, "| pairs a second at {TARGET_CONNECTIONS} connections | {} |", pairs.join(" | "))?;
    for (what, of) in PERCENTILES {
        let [without, beside] = [&without, &beside].map(|measured| in_ms(of(&measured.request)));
        writeln!(out, "| a request then, {what} | {without} | {beside} |")?;
    }
    writeln!(out, "| resident | {:.0} MB | {:.0} MB |", megabytes(before_bytes), megabytes(with_bytes))?;
    for (what, of) in PERCENTILES {
        writeln!(out, "| woken after the answer, {woken} of them, {what} | | {} |", in_ms(of(&latency)))?;
    }
    Ok(writeln!(out, "| never woken | | {lost} |")?)
}

/// What is printed of times, and its name.
type Percentile = (&'static str, fn(&Percentiles) -> Duration);

const PERCENTILES: [Percentile; 2] = [("p50", |of| of.p50), ("p99", |of| of.p99)];

/// As many of these as there may be descriptors for.
fn possible(wanted: usize) -> Result<usize> {
    let waiting = wanted.min(descriptors()?.saturating_sub(SPARE_DESCRIPTORS));
    if waiting < wanted {
        progress(&format!("`ulimit -n` is too low for {wanted} waiters and could not be raised: {waiting}"))?;
    }
    Ok(waiting)
}

/// Agents for so many waiters.
pub(crate) fn agents(site: &Site, database: &Database, waiting: usize) -> Result<Vec<String>> {
    let token = |number| site.token(database, &format!("bench-waiter-{number}"), "agent");
    (0..waiting.div_ceil(OF_ONE_AGENT)).map(token).collect()
}

/// Connections that wait, each for an interaction of its own.
pub(crate) struct Crowd {
    ids: Arc<Ids>,
    registered: Vec<u64>,
    heard: UnboundedReceiver<Wake>,
    before_bytes: u64,
    with_bytes: u64,
    /// They wait for as long as this is there.
    waiting: JoinSet<Result<()>>,
}

impl Crowd {
    /// So many register at the first of two servers on one database, and wait at the second.
    pub(crate) async fn waiting([asked, waited_at]: [&Server; 2], agents: &[String], count: usize) -> Result<Self> {
        let ids = Arc::new(Ids::starting_now());
        let shares = register(asked, agents, &ids, count).await?;
        let before_bytes = waited_at.resident_bytes()?;
        let (tell, heard) = unbounded_channel();
        let waiting = start_waiting(waited_at, agents, &ids, &shares, &tell).await?;
        tokio::time::sleep(SETTLE).await;
        let with_bytes = waited_at.resident_bytes()?;
        if !heard.is_empty() {
            return Err("a waiter was answered before its interaction was resolved".into());
        }
        Ok(Self { ids, registered: shares.concat(), heard, before_bytes, with_bytes, waiting })
    }

    /// Some of them are woken by what a server is asked.
    pub(crate) async fn wake(mut self, asked: &Server, database: &Database, wakes: usize) -> Result<Waiters> {
        let waiting = self.registered.len();
        let wakes = wakes.min(waiting);
        let resolved = resolve(asked, database, &self.ids, self.registered, wakes).await?;
        let latencies = latencies(&resolved, &mut self.heard).await?;
        // Whoever was not only late has failed.
        while let Some(ended) = self.waiting.try_join_next() {
            ended??;
        }
        let lost = wakes - latencies.len();
        let latency = Percentiles::of(latencies);
        let (before_bytes, with_bytes) = (self.before_bytes, self.with_bytes);
        Ok(Waiters { waiting, before_bytes, with_bytes, woken: wakes, lost, latency })
    }
}

/// Registers so many in all; gives each agent's numbers.
async fn register(server: &Server, agents: &[String], ids: &Arc<Ids>, count: usize) -> Result<Vec<Vec<u64>>> {
    let mut registered = vec![];
    let mut left = count;
    for token in agents {
        let share = left.min(OF_ONE_AGENT);
        left -= share;
        let numbers = (0..share).map(|_| ids.next()).collect::<Vec<_>>();
        let mut registrars = JoinSet::new();
        for share in numbers.chunks(numbers.len().div_ceil(REGISTRARS).max(1)) {
            let request = Request::register(ids, token, "conversation-of-waiters");
            registrars.spawn(register_share(server.address, request, share.to_vec()));
        }
        while let Some(done) = registrars.join_next().await {
            done??;
        }
        registered.push(numbers);
    }
    Ok(registered)
}

async fn register_share(server: SocketAddr, mut request: Request, numbers: Vec<u64>) -> Result<()> {
    let mut connection = Connection::open(server).await?;
    for number in numbers {
        expect(201, connection.exchange(request.numbered(number)).await?)?;
    }
    Ok(())
}

/// Opens the waiters' connections one after the other, which no backlog is too short for, and leaves them waiting.
async fn start_waiting(
    server: &Server,
    agents: &[String],
    ids: &Ids,
    registered: &[Vec<u64>],
    tell: &UnboundedSender<Wake>,
) -> Result<JoinSet<Result<()>>> {
    let mut waiting = JoinSet::new();
    let ports_per_source = ephemeral_ports()? / 2;
    for (token, numbers) in agents.iter().zip(registered) {
        for &number in numbers {
            let source =
                Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + u32::try_from(waiting.len() / ports_per_source)?);
            let connection = Connection::open_from(source, server.address).await?;
            let request = get(&format!("/v1/interactions/{}?waitMs=300000", ids.text(number)), Some(token));
            waiting.spawn(wait(connection, request, number, tell.clone()));
        }
    }
    Ok(waiting)
}

/// Comes again when it is told to: thousands that come at once are more than a busy machine reads for at once.
async fn wait(mut connection: Connection, request: Vec<u8>, number: u64, tell: UnboundedSender<Wake>) -> Result<()> {
    let mut answered = connection.ask(&request).await?;
    while let (_, Some(later)) = answered {
        tokio::time::sleep(later).await;
        answered = connection.ask(&request).await?;
    }
    expect(200, answered.0)?;
    Ok(tell.send((number, Instant::now()))?)
}

/// Resolves so many, each when the one before was answered; gives when each answer came.
async fn resolve(
    server: &Server,
    database: &Database,
    ids: &Ids,
    registered: Vec<u64>,
    count: usize,
) -> Result<HashMap<u64, Instant>> {
    let mut confirm = Request::confirm(ids, &database.approver);
    let mut connection = Connection::open(server.address).await?;
    let mut resolved = HashMap::with_capacity(count);
    for number in shuffled(registered).into_iter().take(count) {
        expect(200, connection.exchange(confirm.numbered(number)).await?)?;
        resolved.insert(number, Instant::now());
    }
    Ok(resolved)
}

/// A waiter that has not heard when the time is up is missing from the result.
async fn latencies(resolved: &HashMap<u64, Instant>, heard: &mut UnboundedReceiver<Wake>) -> Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(resolved.len());
    let deadline = tokio::time::Instant::now() + LAST_WAKE;
    while latencies.len() < resolved.len() {
        let Ok(Some((number, at))) = tokio::time::timeout_at(deadline, heard.recv()).await else {
            break;
        };
        let answered = resolved.get(&number).ok_or("a waiter was answered whose interaction was not resolved")?;
        latencies.push(at.saturating_duration_since(*answered));
    }
    Ok(latencies)
}

/// In an order that looks random and is the same in every run.
fn shuffled(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_by_cached_key(|number| {
        // The finishing steps of SplitMix64: neighbouring numbers end far apart.
        let mixed = (number ^ (number >> 30)).wrapping_add(1).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    });
    numbers
}

fn expect(wanted: u16, status: u16) -> Result<()> {
    if status == wanted { Ok(()) } else { Err(format!("answered {status} instead of {wanted}").into()) }
}

/// The soft limit of open files, which the server inherits.
fn descriptors() -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).ok_or("no limit of open files")?;
    let soft = line.split_whitespace().next().unwrap_or_default();
    Ok(if soft == "unlimited" { usize::MAX } else { soft.parse()? })
}

/// How many connections one address can have to one server.
fn ephemeral_ports() -> Result<usize> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")?;
    let mut ends = range.split_whitespace().map(str::parse::<usize>);
    let (Some(low), Some(high)) = (ends.next(), ends.next()) else {
        return Err("no range of ports".into());
    };
    Ok((high? + 1).saturating_sub(low?).max(2))
}
