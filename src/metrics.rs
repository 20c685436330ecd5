//! What is counted and measured for Prometheus, in the OpenMetrics text format.
//!
//! Counters begin with the process. What is true of the database as it stands, such as how much is pending, is asked of it
//! when the metrics are, in a [`Snapshot`].

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::domain::enums::{Kind, Outcome, RuleDecision};

/// The type of what [`Metrics::encode`] makes.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A request that was answered.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfRoute {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
    by: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfDecision {
    decision: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfKind {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfResult {
    result: &'static str,
}

/// What came of one attempt to send a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeResult {
    /// It has arrived.
    Sent,
    /// It could not be sent.
    Failed,
    /// There was nothing to say any more.
    Dropped,
}

impl NoticeResult {
    const ALL: [Self; 3] = [Self::Sent, Self::Failed, Self::Dropped];

    const fn label(self) -> OfResult {
        let result = match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        };
        OfResult { result }
    }
}

type Histograms = Family<OfRoute, Histogram, fn() -> Histogram>;

/// Every metric of the server.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    request_duration: Histograms,
    resolutions: Family<Ended, Counter>,
    rule_hits: Family<OfDecision, Counter>,
    notices: Family<OfResult, Counter>,
    commit_group: Histogram,
    commit_duration: Histogram,
    turn_wait: Histogram,
    turn_duration: Histogram,
    follower_silence: Gauge<f64, std::sync::atomic::AtomicU64>,
    clock_ahead: Gauge<f64, std::sync::atomic::AtomicU64>,
    queued_writes: Gauge,
    waiters: Gauge,
    pending: Family<OfKind, Gauge>,
    oldest_pending_age: Gauge<f64, std::sync::atomic::AtomicU64>,
}

/// What stands in the server's memory and in its database at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// How many pieces of work wait for the writer.
    pub queued_writes: usize,
    /// How many requests wait for a resolution.
    pub waiters: usize,
    /// How many interactions of each kind are pending.
    pub pending: Vec<(Kind, u64)>,
    /// For how long the oldest of them has been; zero where there is none.
    pub oldest_pending_age: Duration,
    /// How long ago this server last knew all that others had committed; zero where it has the database to itself.
    pub follower_silence: Duration,
    /// How much the time of the database is ahead of this machine's clock.
    pub clock_ahead: Duration,
}

/// From 0.1 ms to 6.5 s, each twice the one before: a request that only reads takes the first, a waiting one passes the last.
fn request_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 2.0, 17))
}

/// The turns of several servers on one PostgreSQL, from 0.2 ms to 6.5 s: those of SQLite are commits.
fn turns(registry: &mut Registry) -> [Histogram; 2] {
    let measures = [
        ("turn_wait", "From asking for a turn on PostgreSQL to having it: what other servers take"),
        ("turn_duration", "From having a turn on PostgreSQL to the end of its commit"),
    ];
    measures.map(|(name, help)| {
        let histogram = Histogram::new(exponential_buckets(0.000_2, 2.0, 16));
        registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        histogram
    })
}

/// With every way in which an interaction may end: what has not happened yet is a zero, not a gap.
fn resolutions() -> Family<Ended, Counter> {
    let resolutions = Family::default();
    for outcome in Outcome::ALL {
        let ways: &[&'static str] = match outcome {
            Outcome::Approved | Outcome::Rejected => &["principal", "trust_rule"],
            Outcome::Answered | Outcome::Cancelled | Outcome::Superseded => &["principal"],
            Outcome::Expired => &["system"],
        };
        for by in ways {
            drop(resolutions.get_or_create(&Ended { outcome: outcome.as_str(), by }));
        }
    }
    resolutions
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("countersign");
        let requests = Family::default();
        registry.register("http_requests", "Requests answered, by route and status", requests.clone());
        let request_duration = Histograms::new_with_constructor(request_buckets);
        let help = "From a request's headers to its answer's, in which a long-poll waits";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, request_duration.clone());
        let resolutions = resolutions();
        registry.register("resolutions", "Interactions resolved, by how and by whom", resolutions.clone());
        let rule_hits: Family<OfDecision, Counter> = Family::default();
        for decision in [RuleDecision::Allow, RuleDecision::Deny] {
            drop(rule_hits.get_or_create(&OfDecision { decision: decision.as_str() }));
        }
        registry.register("trust_rule_hits", "Uses of trust rules, by what they decide", rule_hits.clone());
        let notices: Family<OfResult, Counter> = Family::default();
        for result in NoticeResult::ALL {
            drop(notices.get_or_create(&result.label()));
        }
        registry.register("notices", "Attempts to send a notice, by what came of them", notices.clone());
        let commit_group = Histogram::new(exponential_buckets(1.0, 2.0, 11));
        registry.register("commit_group_size", "Pieces of work that shared one commit", commit_group.clone());
        // From 25 µs, which only a disk that does not sync is faster than, to 0.8 s.
        let commit_duration = Histogram::new(exponential_buckets(0.000_025, 2.0, 16));
        let help = "From COMMIT to its return: writing the log and syncing it (fdatasync)";
        registry.register_with_unit("commit_sync_duration", help, Unit::Seconds, commit_duration.clone());
        let [turn_wait, turn_duration] = turns(&mut registry);
        let follower_silence = Gauge::default();
        let help = "Since this server last knew all that others had committed; 0 on SQLite";
        registry.register_with_unit("follower_silence", help, Unit::Seconds, follower_silence.clone());
        let clock_ahead = Gauge::default();
        let help = "How much the time of the database is ahead of this machine's clock";
        registry.register_with_unit("clock_ahead", help, Unit::Seconds, clock_ahead.clone());
        let queued_writes = Gauge::default();
        registry.register("queued_writes", "Pieces of work that wait for the writer", queued_writes.clone());
        let waiters = Gauge::default();
        registry.register("waiters", "Requests that wait for a resolution", waiters.clone());
        let pending = Family::default();
        registry.register("pending_interactions", "Pending interactions, by kind", pending.clone());
        let oldest_pending_age = Gauge::default();
        let help = "For how long the oldest pending interaction has been waiting; 0 when nothing is pending";
        registry.register_with_unit("oldest_pending_age", help, Unit::Seconds, oldest_pending_age.clone());
        Self {
            registry,
            requests,
            request_duration,
            resolutions,
            rule_hits,
            notices,
            commit_group,
            commit_duration,
            turn_wait,
            turn_duration,
            follower_silence,
            clock_ahead,
            queued_writes,
            waiters,
            pending,
            oldest_pending_age,
        }
    }
}

impl Metrics {
    /// Counts a request; `route` is the pattern of its path, never the path itself, which clients may vary at will.
    pub fn answered(&self, method: &'static str, route: &str, status: u16, duration: Duration) {
        let route = route.to_owned();
        self.request_duration.get_or_create(&OfRoute { route: route.clone() }).observe(duration.as_secs_f64());
        self.requests.get_or_create(&Answered { method, route, status }).inc();
    }

    /// Counts a resolution; `by` is `principal`, `trust_rule` or `system`.
    pub fn resolved(&self, outcome: Outcome, by: &'static str) {
        self.resolutions.get_or_create(&Ended { outcome: outcome.as_str(), by }).inc();
    }

    /// Counts a use of a rule.
    pub fn rule_hit(&self, decision: RuleDecision) {
        self.rule_hits.get_or_create(&OfDecision { decision: decision.as_str() }).inc();
    }

    /// Counts an attempt to send a notice.
    pub fn noticed(&self, result: NoticeResult) {
        self.notices.get_or_create(&result.label()).inc();
    }

    /// Measures a commit that so many writes shared.
    pub fn committed(&self, writes: usize, duration: Duration) {
        #[expect(clippy::cast_precision_loss, reason = "a group is small")]
        self.commit_group.observe(writes as f64);
        self.commit_duration.observe(duration.as_secs_f64());
    }

    /// Measures a turn among the servers of one database: how long it was waited for, and how long it took.
    pub fn took_turn(&self, waited: Duration, took: Duration) {
        self.turn_wait.observe(waited.as_secs_f64());
        self.turn_duration.observe(took.as_secs_f64());
    }

    /// Everything, as Prometheus reads it.
    pub fn encode(&self, snapshot: &Snapshot) -> Result<String, fmt::Error> {
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.queued_writes.set(whole(snapshot.queued_writes));
        self.waiters.set(whole(snapshot.waiters));
        for kind in Kind::ALL {
            let count = snapshot.pending.iter().find(|(of, _)| of == kind).map_or(0, |(_, count)| *count);
            let label = OfKind { kind: kind.as_str() };
            self.pending.get_or_create(&label).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.oldest_pending_age.set(snapshot.oldest_pending_age.as_secs_f64());
        self.follower_silence.set(snapshot.follower_silence.as_secs_f64());
        self.clock_ahead.set(snapshot.clock_ahead.as_secs_f64());
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
