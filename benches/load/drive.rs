//! The load: every connection registers a confirmation and has it confirmed, again and again, for a fixed time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;
use crate::client::Connection;
use crate::plan::Pace;
use crate::requests::{Ids, Request, Wire};
use crate::stats::Percentiles;

/// How long after the end of a window the last answers may come: longer than any busy timeout or pool timeout.
const STRAGGLERS: Duration = Duration::from_secs(60);

/// Where the load goes, and with whose tokens.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) server: SocketAddr,
    pub(crate) agent: String,
    pub(crate) approver: String,
    pub(crate) wire: Wire,
}

impl Target {
    /// A server that checks no token: it still gets one, so that the requests are as long.
    pub(crate) fn without_tokens(server: SocketAddr, wire: Wire) -> Self {
        let token = "t".repeat(48);
        Self { server, agent: token.clone(), approver: token, wire }
    }
}

/// What one run brought.
pub(crate) struct Measured {
    pub(crate) pairs_per_second: f64,
    /// Of a register together with its confirm.
    pub(crate) pair: Percentiles,
    /// Of each of the two requests.
    pub(crate) request: Percentiles,
    /// Pairs of which one half was answered with anything but a success.
    pub(crate) refused: usize,
    /// All requests, those of the warm-up, too.
    pub(crate) exchanged: u32,
}

/// Loads a server with so many connections; the answers' statuses are checked, their bodies are not.
pub(crate) async fn drive(target: &Target, connections: usize, pace: Pace) -> Result<Measured> {
    let ids = Arc::new(Ids::starting_now());
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(target.server).await?);
    }
    let from = Instant::now() + pace.warm_up;
    let window = Window { from, to: from + pace.window };
    let mut conversations = JoinSet::new();
    for (number, connection) in open.into_iter().enumerate() {
        let [register, confirm] = Request::pair(&ids, target, &format!("conversation-{number:03}"));
        conversations.spawn(converse(connection, register, confirm, Arc::clone(&ids), window));
    }
    let mut total = Tally::default();
    let limit = pace.warm_up + pace.window + STRAGGLERS;
    tokio::time::timeout(limit, async {
        while let Some(tally) = conversations.join_next().await {
            total.add(tally??);
        }
        Ok::<_, crate::Error>(())
    })
    .await
    .map_err(|_| "the server stopped answering")??;
    Ok(total.measured(pace.window))
}

/// What counts as measured.
#[derive(Clone, Copy)]
struct Window {
    from: Instant,
    to: Instant,
}

/// One connection's share.
#[derive(Default)]
struct Tally {
    exchanged: u32,
    finished: u32,
    refused: usize,
    pairs: Vec<Duration>,
    requests: Vec<Duration>,
}

async fn converse(
    mut connection: Connection,
    mut register: Request,
    mut confirm: Request,
    ids: Arc<Ids>,
    window: Window,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut started = Instant::now();
    while started < window.to {
        let number = ids.next();
        let first = connection.exchange(register.numbered(number)).await?;
        let between = Instant::now();
        let second = connection.exchange(confirm.numbered(number)).await?;
        let finished = Instant::now();
        tally.pair(window, [started, between, finished], matches!(first, 200..=299) && matches!(second, 200..=299));
        started = finished;
    }
    Ok(tally)
}

impl Tally {
    /// Counts towards the throughput what finished inside the window, and towards the latencies what started inside: the
    /// slowest answers come after the end, and leaving them out would flatter a server that stalls.
    fn pair(&mut self, window: Window, [started, between, finished]: [Instant; 3], succeeded: bool) {
        self.exchanged += 2;
        if !succeeded {
            self.refused += 1;
        } else if (window.from..window.to).contains(&finished) {
            self.finished += 1;
        }
        if started >= window.from {
            self.pairs.push(finished - started);
            self.requests.extend([between - started, finished - between]);
        }
    }

    fn add(&mut self, other: Self) {
        self.exchanged += other.exchanged;
        self.finished += other.finished;
        self.refused += other.refused;
        self.pairs.extend(other.pairs);
        self.requests.extend(other.requests);
    }

    fn measured(self, window: Duration) -> Measured {
        Measured {
            pairs_per_second: f64::from(self.finished) / window.as_secs_f64(),
            pair: Percentiles::of(self.pairs),
            request: Percentiles::of(self.requests),
            refused: self.refused,
            exchanged: self.exchanged,
        }
    }
}
