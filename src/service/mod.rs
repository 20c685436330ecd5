//! The use cases: one file a verb, one transaction each. Knows nothing of HTTP and nothing of SQL.

mod alarm;
mod cancel;
mod claim;
mod confirm;
mod decide;
mod error;
mod events;
mod expire;
mod import;
mod login;
mod measure;
mod outcome;
mod preview;
mod queries;
mod question;
mod register;
mod rotate;
mod secret;
mod supersede;
mod take_secret;
mod trust_rules;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

pub use self::claim::ClaimGrant;
pub use self::confirm::Confirm;
pub use self::error::{Error, OpenError};
pub use self::import::{Change, Import, ImportError, Imported, active};
pub use self::login::{Credential, IssuedCredential};
pub use self::preview::{Preview, Previewed, Shown};
pub use self::question::Answer;
pub use self::register::{Register, Registered};
pub use self::rotate::{RotateError, Rotated, rotate_key};
pub use self::secret::ProvideSecret;
pub use self::take_secret::SecretHandout;
pub use self::trust_rules::{MadeRule, RuleSource};

use self::alarm::Alarm;
use crate::clock::{Clock, Timestamp};
use crate::config::{Config, Ttl};
use crate::domain::enums::Role;
use crate::domain::id::{RequestId, TokenId};
use crate::domain::interaction::Interaction;
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::metrics::Metrics;
use crate::sealer::{KeyError, Sealer};
use crate::store::Priority;
use crate::store::{self, Committed, ReadTx, Size, Store, TokenHash};
use crate::tokens::{self, Tokens};
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
    /// The last audit event that is committed.
    last_seq: watch::Receiver<i64>,
    /// Whether the server is on its way out.
    stopping: watch::Sender<bool>,
    allow_self_approval: bool,
    require_acknowledgements: bool,
    default_ttl: Ttl,
    max_pending: u32,
    max_pattern_bytes: usize,
    session_lifetime_ms: u64,
}

/// The tokens that a new database begins with.
pub struct FirstTokens {
    /// May resolve.
    pub approver: String,
    /// May register.
    pub agent: String,
}

impl Service {
    /// Opens the database at `path` and everything around it.
    pub async fn open(path: &Path, config: &Config, clock: Arc<dyn Clock>) -> std::result::Result<Self, OpenError> {
        let waiters = Waiters::new(config.limits.max_waiters, config.limits.max_waiters_per_principal);
        let alarm = Arc::new(Alarm::default());
        let metrics = Arc::new(Metrics::default());
        let (seq, last_seq) = watch::channel(0);
        let on_commit = {
            let (waiters, alarm, metrics) = (Arc::clone(&waiters), Arc::clone(&alarm), Arc::clone(&metrics));
            move |committed: Committed| {
                for ending in &committed.resolved {
                    waiters.wake(&ending.request_id);
                    metrics.resolved(ending.outcome, ending.by);
                }
                committed.rule_hits.iter().for_each(|decision| metrics.rule_hit(*decision));
                metrics.committed(committed.works, committed.took);
                if let Some(deadline) = committed.next_deadline {
                    alarm.set_no_later_than(deadline);
                }
                if let Some(last) = committed.last_seq {
                    seq.send_replace(last);
                }
            }
        };
        let size = Size {
            readers: config.readers,
            max_queued_reads: config.limits.max_queued_reads,
            max_queued_writes: config.limits.max_queued_writes,
        };
        let store = Store::open(path, size, Arc::clone(&clock), Box::new(on_commit)).await?;
        let key_path = config.key.path(path);
        let sealer = open_sealer(&store, &key_path).await?;
        Ok(Self {
            store,
            tokens: Tokens::default(),
            sealer: Arc::new(sealer),
            waiters,
            alarm,
            metrics,
            clock,
            last_seq,
            stopping: watch::Sender::new(false),
            allow_self_approval: config.allow_self_approval,
            require_acknowledgements: config.require_acknowledgements,
            default_ttl: config.default_ttl,
            max_pending: config.limits.max_pending,
            max_pattern_bytes: config.limits.max_pattern_bytes,
            session_lifetime_ms: config.session_lifetime.0,
        })
    }

    /// What time it is here.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether `principal` may not decide this because it has registered it itself.
    #[must_use]
    pub fn is_barred_as_own(&self, principal: &Principal, interaction: &Interaction) -> bool {
        interaction.check_not_own(principal, self.allow_self_approval).is_err()
    }

    /// Who holds `token`.
    pub async fn authenticate(&self, token: &str) -> Result<Option<Arc<Principal>>> {
        Ok(self.tokens.holder(token, &self.store).await?)
    }

    /// Makes an approver's and an agent's token where the database has none at all.
    pub async fn first_tokens(&self) -> std::result::Result<Option<FirstTokens>, OpenError> {
        let [approver, agent] = [tokens::generate()?, tokens::generate()?];
        let holders =
            [(&approver, "approver", Role::Approver), (&agent, "agent", Role::Agent)].map(|(token, name, role)| {
                let principal = name.parse().map(|name| Principal { name, role });
                principal.map(|principal| TokenHash { token_sha256: tokens::digest(token), principal })
            });
        let made = self.store.write(Priority::Human, move |tx| {
            if !tx.tokens()?.is_empty() {
                return Ok::<_, store::Error>(false);
            }
            for holder in holders.iter().flatten() {
                tx.insert_token(&TokenId::generate(), holder)?;
            }
            Ok(true)
        });
        Ok(made.await?.then(|| FirstTokens { approver: approver.to_string(), agent: agent.to_string() }))
    }

    /// Whether the database takes writes: one is committed, and changes nothing.
    pub async fn ready(&self, priority: Priority) -> Result<()> {
        self.store.write(priority, |tx| Ok(tx.rewrite_header()?)).await
    }

    /// How many requests wait for a resolution.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiters.count()
    }

    /// Lets everybody who waits go.
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
    pub async fn close(&self) -> Result<()> {
        Ok(self.store.close().await?)
    }
}

async fn open_sealer(store: &Store, key_path: &Path) -> std::result::Result<Sealer, OpenError> {
    let needed = store.read(Priority::Human, |tx| tx.keys_in_use()).await?;
    let sealer = Sealer::from_existing_file(key_path)?;
    let found = sealer.as_ref().map(Sealer::key_ids).unwrap_or_default();
    check_keys(key_path, &found, &needed)?;
    Ok(match sealer {
        Some(sealer) => sealer,
        None => Sealer::from_file(key_path)?,
    })
}

/// Refuses keys that do not open all that is sealed.
fn check_keys(key_path: &Path, found: &[String], needed: &[String]) -> std::result::Result<(), KeyError> {
    match needed.iter().find(|needed| !found.contains(needed)) {
        Some(needed) => {
            let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
            Err(KeyError::Other { path: key_path.to_owned(), found, needed: needed.clone() })
        }
        None => Ok(()),
    }
}

/// The interaction with this id, as far as `principal` may know of it.
fn find(tx: &ReadTx<'_>, request_id: &RequestId, principal: &Principal) -> Result<Interaction> {
    let found = tx.interaction(request_id)?.filter(|interaction| interaction.is_visible_to(principal));
    Ok(found.ok_or(Refused::UnknownRequest)?)
}
