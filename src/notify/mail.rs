//! Mail: plain text, by the operator's own server. Mails about the same interaction are one thread.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use sha2::{Digest as _, Sha256};

use super::target::TargetError;
use super::words::Words;
use super::{Answered, Compose, Delivery, Failure, TIMEOUT};
use crate::clock::Timestamp;
use crate::config::{NoticeConfig, NoticeConfigError, SmtpUrl};
use crate::domain::notice::Notice;

/// Why there is no channel to a mailbox.
pub(super) const NO_SERVER: &str = "the server sends no mail: start it with --smtp-url and --mail-from";

/// The ways to log in, the safest first.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// The server that takes mail, and whom it comes from.
pub struct MailServer {
    url: SmtpUrl,
    credentials: Option<Credentials>,
    from: Mailbox,
    tls: TlsParameters,
}

/// How long a server may take to answer to the end of a conversation.
const FAREWELL: Duration = Duration::from_secs(1);

impl MailServer {
    /// As it is configured; `None` where no server is named.
    pub(super) fn of(config: &NoticeConfig, ca: Option<&[u8]>) -> Result<Option<Self>, NoticeConfigError> {
        let (Some(url), Some(from)) = (&config.smtp_url, &config.mail_from) else { return Ok(None) };
        let refused = |error: &dyn std::fmt::Display| NoticeConfigError::Mail(error.to_string());
        let from = from.parse::<Mailbox>().map_err(|error| refused(&error))?;
        let credentials = match (&url.user, config.smtp_password()?) {
            (Some(user), Some(password)) => Some(Credentials::new(user.clone(), password.to_string())),
            (Some(_), None) => return Err(refused(&"a user has a password: --smtp-password-file")),
            (None, _) => None,
        };
        let mut tls = TlsParameters::builder(url.host.clone());
        if let Some(ca) = ca {
            tls = tls.add_root_certificate(Certificate::from_pem(ca).map_err(|error| refused(&error))?);
        }
        let tls = tls.build_rustls().map_err(|error| refused(&error))?;
        Ok(Some(Self { url: url.clone(), credentials, from, tls }))
    }

    pub(super) async fn send(&self, delivery: &Delivery<'_>, notice: &impl Compose) -> Result<Answered, Failure> {
        let mut connection = self.connect().await?;
        let Some((notice, now)) = notice.compose().await? else {
            return Err(Failure::NothingToSay);
        };
        let message = self.message(delivery, &notice, now)?;
        let sent = connection.send(message.envelope(), &message.formatted()).await.map_err(|error| failure(&error))?;
        // The mail is taken, whether or not the server answers to a farewell.
        let _ = tokio::time::timeout(FAREWELL, connection.abort()).await;
        Ok(Answered { status: sent.code().into(), text: sent.message().collect::<Vec<_>>().join("\n") })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let at_once = self.url.is_tls.then(|| self.tls.clone());
        let server = (self.url.host.as_str(), self.url.port);
        let connection = AsyncSmtpConnection::connect_tokio1(server, Some(TIMEOUT), &hello, at_once, None).await;
        let mut connection = connection.map_err(|error| failure(&error))?;
        if self.starts_tls(&connection) {
            connection.starttls(self.tls.clone(), &hello).await.map_err(|error| failure(&error))?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&MECHANISMS, credentials).await.map_err(|error| failure(&error))?;
        }
        Ok(connection)
    }

    /// Whether TLS begins with STARTTLS: where what is said leaves this machine, and on it where no password is taken without.
    fn starts_tls(&self, connection: &AsyncSmtpConnection) -> bool {
        let takes_password = connection.server_info().get_auth_mechanism(&MECHANISMS).is_some();
        let is_needed = self.credentials.is_some() && !takes_password && connection.can_starttls();
        !self.url.is_tls && (!self.is_this_machine() || is_needed)
    }

    /// Whether what is said to the server leaves this machine at all.
    fn is_this_machine(&self) -> bool {
        let address = self.url.host.parse::<std::net::IpAddr>();
        self.url.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    fn message(&self, delivery: &Delivery<'_>, notice: &Notice, now: Timestamp) -> Result<Message, Failure> {
        let words = Words::of(notice, delivery.links);
        let to = address(&delivery.address.address)?;
        let host = self.from.email.domain();
        let thread = Sha256::digest(&words.topic);
        let thread = format!("<thread.{}@{host}>", hex::encode(thread.get(..16).unwrap_or(&thread)));
        let date = UNIX_EPOCH + Duration::from_millis(now.as_millis().unsigned_abs());
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(words.title.clone())
            .date(date)
            .message_id(Some(format!("<{}@{host}>", notice.notice_id)))
            .in_reply_to(thread.clone())
            .references(thread)
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(format!("{}\n", words.with_link()));
        message.map_err(|error| Failure::Unreachable(format!("no mail could be written: {error}")))
    }
}

/// What a server for mail has said: by its code, never by its words, which may be anybody's.
fn failure(error: &lettre::transport::smtp::Error) -> Failure {
    match error.status() {
        Some(code) => Failure::Refused(Answered { status: code.into(), text: String::new() }),
        None if error.is_timeout() => Failure::TooSlow,
        // What cannot be read stands in the error itself.
        None if error.is_response() => Failure::Unreachable("it does not speak SMTP as it should".to_owned()),
        None => Failure::Unreachable(format!("no mail could be sent: {}", cause(error))),
    }
}

/// What an error comes from in the end: those above it say only where it came up.
fn cause(error: &lettre::transport::smtp::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

fn address(text: &str) -> Result<Address, TargetError> {
    text.parse().map_err(|_| TargetError::Malformed("it is no address of a mailbox, such as ada@example.org"))
}

/// What may be shown of a mailbox: where it is.
pub(super) fn host_of(text: &str) -> Result<String, TargetError> {
    Ok(address(text)?.domain().to_owned())
}
