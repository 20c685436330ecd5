//! The use cases: one file a verb, one transaction each. Knows nothing of HTTP and nothing of SQL.

mod alarm;
mod caller;
mod cancel;
mod channels;
mod claim;
mod confirm;
mod decide;
mod error;
mod events;
mod expire;
mod feeds;
mod forget;
mod health;
mod import;
mod key;
mod login;
mod long_work;
mod notices;
mod outcome;
mod preview;
mod queries;
mod question;
mod register;
mod reject_all;
mod search;
mod secret;
mod snooze;
mod stats;
mod supersede;
mod take_secret;
mod tokens;
mod tool_call;
mod trust_rules;
mod views;
mod why;
mod wipe_secret;
mod withdraw;

use std::sync::{Arc, OnceLock, Weak};

use tokio::sync::{Notify, watch};
use zeroize::Zeroizing;

pub use self::caller::Caller;
pub use self::channels::{AddedChannel, ChangedChannel, NewChannel, Tested};
pub use self::claim::ClaimGrant;
pub use self::confirm::{Confirm, Selected};
pub use self::error::{Error, OpenError};
pub use self::forget::{Forgotten, forget_aged, give_back, older_than};
pub use self::import::{Change, Import, ImportError, Imported, active};
pub use self::key::{RotateError, Rotated, rotate_key};
pub use self::login::{Credential, IssuedCredential};
pub use self::preview::{Covers, NearMiss, Preview, PreviewCounts, PreviewList};
pub use self::question::Answer;
pub use self::register::{Register, Registered};
pub use self::reject_all::reject_some_of;
pub use self::secret::ProvideSecret;
pub use self::take_secret::SecretHandout;
pub use self::tokens::{FirstTokens, MadeToken, add_token};
pub use self::tool_call::{AfterWait, BegunCall};
pub use self::trust_rules::{MadeRule, RuleSource};
pub use self::why::Reasons;

use self::alarm::Alarm;
use self::feeds::Feeds;
use self::long_work::LongWork;
use self::search::Unsigned;
use crate::clock::{Clock, Timestamp};
use crate::config::{Config, Location, Quota, Ttl};
use crate::domain::id::RequestId;
use crate::domain::interaction::Interaction;
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::domain::tools::Profiles;
use crate::fair_queue::FairQueue;
use crate::metrics::Metrics;
use crate::notify::{Links, Outbound, SystemResolver};
use crate::sealer::Sealer;
use crate::store::{CommitSummary, ReadTx, Seen, Store, StoreLimits};
use crate::tokens::Tokens;
use crate::waiters::Waiters;

/// The result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that countersign does.
pub struct Service {
    store: Store,
    tokens: Tokens,
    sealer: Arc<Sealer>,
    waiters: Arc<Waiters>,
    alarm: Arc<Alarm>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    /// The streams of events; they end with the writer, which wakes them.
    feeds: Weak<Feeds>,
    /// Whether the server is on its way out.
    stopping: watch::Sender<bool>,
    allow_self_approval: bool,
    require_acknowledgements: bool,
    default_ttl: Ttl,
    claim_within: Ttl,
    retain: Ttl,
    /// Rings when something was forgotten by hand: what that leaves free is given back.
    forgotten: Notify,
    /// Says when there are interactions that have no signature yet.
    unsigned: Arc<Unsigned>,
    max_pending: u32,
    max_stored_per_day: Quota,
    max_pattern_bytes: usize,
    session_lifetime_ms: u64,
    profiles: Arc<Profiles>,
    long_work: LongWork,
    outbound: Outbound,
    /// Turns for tests of channels.
    tests: Arc<FairQueue>,
    /// What links in notices begin with; empty until the server listens.
    links: OnceLock<Links>,
    /// Rings when notices were written that are to be sent.
    noticed: Arc<Notify>,
}

impl Service {
    /// Opens the database, its key, and everything around it.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use countersign::clock::SystemClock;
    /// use countersign::config::{Config, Location};
    /// use countersign::service::{OpenError, Service};
    ///
    /// # async fn example(config: &Config) -> Result<(), OpenError> {
    /// let service = Service::open(&Location::File("countersign.db".into()), config, Arc::new(SystemClock::default())).await?;
    /// println!("{} requests wait", service.waiting());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the file of tool profiles is none, a file for notices cannot be read, the database cannot be opened, the key file is
    /// missing keys that seal something in it, or the machine's clock is more than a day behind the database and the configuration
    /// does not accept that.
    pub async fn open(
        location: &Location,
        config: &Config,
        clock: Arc<dyn Clock>,
    ) -> std::result::Result<Self, OpenError> {
        let key_path = config.key.beside(location)?;
        let profiles = Arc::new(config.tool_profiles.load()?);
        let outbound = Outbound::new(&config.notices, Arc::new(SystemResolver::default()))?;
        let waiters = Waiters::new(config.limits.max_waiters, config.limits.max_waiters_per_principal);
        let alarm = Arc::new(Alarm::default());
        let metrics = Arc::new(Metrics::default());
        let woken = Arc::new(Feeds::default());
        let feeds = Arc::downgrade(&woken);
        let noticed = Arc::new(Notify::new());
        let unsigned = Arc::new(Unsigned::default());
        let on_commit = {
            let unsigned = Arc::clone(&unsigned);
            let (waiters, alarm, metrics) = (Arc::clone(&waiters), Arc::clone(&alarm), Arc::clone(&metrics));
            let noticed = Arc::clone(&noticed);
            move |committed: CommitSummary| {
                for resolved in &committed.resolved {
                    waiters.wake(&resolved.request_id);
                }
                // Each server counts what it did itself.
                if !committed.is_of_others {
                    for resolved in &committed.resolved {
                        metrics.resolved(resolved.outcome, resolved.by);
                    }
                    committed.rule_hits.iter().for_each(|decision| metrics.rule_hit(*decision));
                    metrics.committed(committed.writes, committed.duration);
                    if let Some((waited, took)) = committed.turn {
                        metrics.took_turn(waited, took);
                    }
                }
                if let Some(deadline) = committed.next_deadline {
                    alarm.set_no_later_than(deadline);
                }
                unsigned.add(committed.registered);
                if committed.has_events {
                    woken.wake(&committed.owners);
                }
                if committed.has_notices {
                    noticed.notify_one();
                }
            }
        };
        let limits = StoreLimits {
            readers: config.readers,
            max_queued_reads: config.limits.max_queued_reads,
            max_own_queued_reads: config.limits.max_queued_reads_per_principal,
            max_queued_writes: config.limits.max_queued_writes,
            max_own_queued_writes: config.limits.max_queued_writes_per_principal,
        };
        let head_file = config.head_file.clone().unwrap_or_else(|| key_path.with_added_extension("head"));
        let seen = Seen { head_file, accepted_loss: config.accept_loss };
        let store = Store::open(location, &seen, limits, Arc::clone(&clock), Arc::new(on_commit)).await?;
        health::check_clock(location, &*clock, config.accept_clock)?;
        let sealer = key::open_sealer(&store, &key_path).await?;
        Ok(Self {
            store,
            tokens: Tokens::default(),
            sealer: Arc::new(sealer),
            waiters,
            alarm,
            metrics,
            clock,
            feeds,
            stopping: watch::Sender::new(false),
            allow_self_approval: config.allow_self_approval,
            require_acknowledgements: config.require_acknowledgements,
            default_ttl: config.default_ttl,
            claim_within: config.claim_within,
            retain: config.retain,
            forgotten: Notify::new(),
            unsigned,
            max_pending: config.limits.max_pending,
            max_stored_per_day: config.limits.max_stored_per_day,
            max_pattern_bytes: config.limits.max_pattern_bytes,
            session_lifetime_ms: config.session_lifetime.0,
            profiles,
            long_work: LongWork::new()?,
            outbound,
            tests: FairQueue::new(channels::MOST_TESTS, 1),
            links: OnceLock::new(),
            noticed,
        })
    }

    /// Says by which URL people reach the server: what the links in notices begin with. The first that is said stays.
    pub fn is_reached_at(&self, url: Option<String>) {
        let _ = self.links.set(Links::new(url));
    }

    /// What is known of tools.
    #[must_use]
    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// The key that seals what clients are given to bring back; it survives restarts.
    #[must_use]
    pub fn request_state_key(&self) -> Zeroizing<[u8; 32]> {
        self.sealer.derived_key("request state")
    }

    /// What time it is here.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether principals may resolve what they registered themselves.
    #[must_use]
    pub const fn allows_self_approval(&self) -> bool {
        self.allow_self_approval
    }

    /// Whether `principal` may not decide this because it has registered it itself.
    #[must_use]
    pub fn is_barred_as_own(&self, principal: &Principal, interaction: &Interaction) -> bool {
        interaction.check_not_own(principal, self.allow_self_approval).is_err()
    }

    /// Ends every wait, as the server shuts down.
    pub fn stop_waiting(&self) {
        self.stopping.send_replace(true);
    }

    /// Ends once [`Service::stop_waiting`] was called.
    async fn stopping(&self) {
        // The sender is `self`'s own: it outlives this wait.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Ends when nothing more can be acknowledged: after [`Service::close`], or when the disk cannot be trusted.
    pub async fn ended(&self) {
        self.store.ended().await;
    }

    /// Finishes what is queued and closes the database.
    ///
    /// # Errors
    ///
    /// An error of the store, which then cannot say what is on the disk.
    pub async fn close(&self) -> Result<()> {
        Ok(self.store.close().await?)
    }
}

/// The interaction with this id, as far as `principal` may know of it.
fn find(tx: &ReadTx<'_>, request_id: &RequestId, principal: &Principal) -> Result<Interaction> {
    let found = tx.interaction(request_id)?.filter(|interaction| interaction.is_visible_to(principal));
    Ok(found.ok_or(Refused::UnknownRequest)?)
}
