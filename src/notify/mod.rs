//! What leaves the machine: the one place that calls out, and how each kind of channel wants to be called.
//!
//! [`Outbound::deliver`] resolves the address, looks at it (`guard.rs`), connects to what it looked at, asks once more whether there is
//! anything to say, and says it. It knows nothing of the database and repeats nothing: the service does.

mod channels;
mod exchange;
mod guard;
mod mail;
mod places;
mod push;
mod resolve;
mod target;
mod webhook;
mod words;

use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::ClientConfig;

pub use self::guard::{Guard, is_public};
pub use self::mail::MailServer;
pub use self::push::PushKey;
pub use self::resolve::{Resolve, Resolving, SystemResolver};
pub use self::target::{Target, TargetError};
pub use self::webhook::generate_secret;
pub use self::words::Links;

use self::exchange::Request;
use self::places::Places;
use crate::clock::Timestamp;
use crate::config::{NoticeConfig, NoticeConfigError};
use crate::domain::channel::{ChannelAddress, ChannelKind};
use crate::domain::notice::Notice;

/// How long one attempt may take, from the look-up of the name to the end of the answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// How much of an answer is read, in bytes.
pub const LARGEST_ANSWER: usize = 64 * 1024;

/// What a receiver has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status of HTTP, or the code of SMTP.
    pub status: u16,
    /// The text, as far as it was read.
    pub text: String,
}

/// Why a notice was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is nothing to say any more.
    #[error("there is nothing to say any more")]
    NothingToSay,
    /// What is to be said could not be read.
    #[error("what is to be said could not be read")]
    Unread,
    /// The address is none that may be called.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The receiver cannot be reached, or does not speak as it should.
    #[error("{0}")]
    Unreachable(String),
    /// The attempt took too long.
    #[error("it took longer than {} seconds", TIMEOUT.as_secs())]
    TooSlow,
    /// The receiver has answered, and not that it has taken it.
    #[error("{}", refusal(.0.status))]
    Refused(Answered),
    /// The receiver says that it is gone for good.
    #[error("the receiver says that it is gone ({})", .0.status)]
    Gone(Answered),
    /// The channel needs something that is not here: a server for mail, or a key.
    #[error("{0}")]
    NotConfigured(&'static str),
}

fn refusal(status: u16) -> String {
    match status {
        300..=399 => format!("it answered {status}: redirects are not followed"),
        _ => format!("it answered {status}"),
    }
}

/// Says what a notice says now, right before it is sent; `None` where there is nothing to say any more.
pub trait Compose: Send + Sync {
    /// What is to be said, and from which moment.
    ///
    /// # Errors
    ///
    /// If that cannot be found out now.
    fn compose(&self) -> impl Future<Output = Result<Option<(Notice, Timestamp)>, Failure>> + Send;
}

/// One attempt.
pub struct Delivery<'d> {
    /// What takes it.
    pub kind: ChannelKind,
    /// Where.
    pub address: &'d ChannelAddress,
    /// What links begin with.
    pub links: &'d Links,
    /// The key for push services, where there is one.
    pub push_key: Option<&'d PushKey>,
}

/// Calls out.
pub struct Outbound {
    guard: Guard,
    resolver: Arc<dyn Resolve>,
    tls: Arc<ClientConfig>,
    mail: Option<MailServer>,
    places: Places,
}

impl Outbound {
    /// As it is configured; `resolver` finds the addresses of names.
    ///
    /// # Errors
    ///
    /// If a file that the configuration names cannot be read.
    pub fn new(config: &NoticeConfig, resolver: Arc<dyn Resolve>) -> Result<Self, NoticeConfigError> {
        let ca = config.ca()?;
        let tls = exchange::tls(ca.as_deref()).map_err(NoticeConfigError::Tls)?;
        let mail = MailServer::of(config, ca.as_deref())?;
        let guard = Guard::new(config.allow_notice_net.clone());
        Ok(Self { guard, resolver, tls: Arc::new(tls), mail, places: Places::default() })
    }

    /// Whether there is a server that takes mail.
    #[must_use]
    pub const fn sends_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// Checks an address as far as that can be done without calling it; what may be shown of it.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn check(&self, kind: ChannelKind, address: &ChannelAddress) -> Result<String, Failure> {
        match kind {
            ChannelKind::Email if self.mail.is_none() => Err(Failure::NotConfigured(mail::NO_SERVER)),
            ChannelKind::Email => Ok(mail::host_of(&address.address)?),
            ChannelKind::WebPush => {
                push::check(address)?;
                Ok(Target::parse(&address.address, &self.guard)?.shown())
            }
            ChannelKind::Webhook
            | ChannelKind::Ntfy
            | ChannelKind::Gotify
            | ChannelKind::Slack
            | ChannelKind::Mattermost
            | ChannelKind::Teams => {
                let target = Target::parse(&address.address, &self.guard)?;
                channels::check(kind, &target, address)?;
                Ok(target.shown())
            }
        }
    }

    /// Sends what `notice` composes once the receiver is reached.
    ///
    /// # Errors
    ///
    /// Why it was not sent. After [`Failure::TooSlow`] and [`Failure::Unreachable`] it may have arrived all the same.
    pub async fn deliver(&self, delivery: &Delivery<'_>, notice: &impl Compose) -> Result<Answered, Failure> {
        match tokio::time::timeout(TIMEOUT, self.attempt(delivery, notice)).await {
            Ok(answered) => answered,
            Err(_) => Err(Failure::TooSlow),
        }
    }

    async fn attempt(&self, delivery: &Delivery<'_>, notice: &impl Compose) -> Result<Answered, Failure> {
        if delivery.kind == ChannelKind::Email {
            let server = self.mail.as_ref().ok_or(Failure::NotConfigured(mail::NO_SERVER))?;
            return server.send(delivery, notice).await;
        }
        let target = channels::target(delivery.kind, Target::parse(&delivery.address.address, &self.guard)?);
        let addresses = self.guard.admitted(&target, &*self.resolver).await?;
        let connection = exchange::connect(&target, &addresses, &self.places, &self.tls).await?;
        let (notice, now) = notice.compose().await?.ok_or(Failure::NothingToSay)?;
        let request = request(delivery, &notice, now)?;
        let answered = connection.send(&target, request).await?;
        let is_gone = answered.status == 410 || (delivery.kind == ChannelKind::WebPush && answered.status == 404);
        match answered.status {
            200..=299 => Ok(answered),
            _ if is_gone => Err(Failure::Gone(answered)),
            _ => Err(Failure::Refused(answered)),
        }
    }
}

/// What is sent over HTTP.
fn request(delivery: &Delivery<'_>, notice: &Notice, now: Timestamp) -> Result<Request, Failure> {
    let Delivery { kind, address, links, push_key } = delivery;
    match kind {
        ChannelKind::Webhook => webhook::request(address, links, notice, now),
        ChannelKind::WebPush => {
            let key = push_key.ok_or(Failure::NotConfigured("there is no key for push services"))?;
            push::request(address, key, links, notice, now)
        }
        ChannelKind::Ntfy
        | ChannelKind::Gotify
        | ChannelKind::Slack
        | ChannelKind::Mattermost
        | ChannelKind::Teams
        | ChannelKind::Email => channels::request(*kind, address, links, notice),
    }
}
