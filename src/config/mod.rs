//! The settings of the server and of the commands that talk to it: for each its flag, environment variable, default, unit and
//! limits.

mod access;
mod database;
mod http;
mod limits;
mod location;
mod notices;
mod password_file;
mod postgres_url;
mod profiles;
mod web_url;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::domain::bounded::LifetimeMs;
use crate::domain::chain::Head;
use crate::domain::moment::millis;
use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

pub(crate) use self::access::from_home;
pub use self::access::{Access, CredentialsFile, ServerUrl, token_of_environment};
pub use self::database::Database;
pub use self::http::{Authority, HttpConfig, Listen, Network, Origin};
pub use self::limits::{Limits, Quota};
pub use self::location::Location;
pub use self::notices::{NoticeConfig, NoticeConfigError, SmtpUrl};
pub use self::postgres_url::PostgresUrl;
pub use self::profiles::{ProfilesError, ToolProfiles};
pub use self::web_url::WebUrl;

/// The settings of `countersign serve`.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// The database.
    #[command(flatten)]
    pub database: Database,

    /// The address, TLS, and the hosts and origins that are accepted.
    #[command(flatten)]
    pub http: HttpConfig,

    /// Let principals resolve interactions that they registered themselves
    #[arg(long, env = "COUNTERSIGN_ALLOW_SELF_APPROVAL", value_parser = FalseyValueParser::new())]
    pub allow_self_approval: bool,

    /// Refuse an approval over the API, too, that does not acknowledge what the interaction's `acknowledgements` lists
    #[arg(long, env = "COUNTERSIGN_REQUIRE_ACKNOWLEDGEMENTS", value_parser = FalseyValueParser::new())]
    pub require_acknowledgements: bool,

    /// Start though the last event in the database is more than a day later than this machine's clock
    #[arg(long, env = "COUNTERSIGN_ACCEPT_CLOCK", value_parser = FalseyValueParser::new())]
    pub accept_clock: bool,

    /// With PostgreSQL: the file that remembers the last event that this server has seen, so that a loss is noticed [default: that of
    /// the key, and .head]
    #[arg(long, value_name = "PATH", env = "COUNTERSIGN_HEAD_FILE", value_parser = from_home())]
    pub head_file: Option<PathBuf>,

    /// With PostgreSQL: start though the database has lost events that it had acknowledged, up to this one, which the refusal to start
    /// names
    #[arg(long, value_name = "SEQ:HASH")]
    pub accept_loss: Option<Head>,

    /// How long an interaction without a deadline of its own stays pending, such as 90s, 24h or 7d; `none`: no deadline
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_DEFAULT_TTL", default_value = "24h")]
    pub default_ttl: Ttl,

    /// How long an approval is good for that names no time of its own, such as 10m or 24h, from the approval to its claim;
    /// `none`: forever
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_CLAIM_WITHIN", default_value = "24h")]
    pub claim_within: Ttl,

    /// How long an approval of a request by the Agent Approval Protocol is good for, where --claim-within is not shorter
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_AAP_CLAIM_WITHIN", default_value = "5m")]
    pub aap_claim_within: Millis,

    /// How long what was asked is kept after its resolution, such as 90d: then its content is forgotten; `none`: forever
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_RETAIN", default_value = "none")]
    pub retain: Ttl,

    /// How long a person stays logged in to the inbox, such as 90m, 12h or 7d
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_SESSION_LIFETIME", default_value = "12h")]
    pub session_lifetime: Millis,

    /// The key.
    #[command(flatten)]
    pub key: KeyFile,

    /// The file for the first tokens.
    #[command(flatten)]
    pub credentials: CredentialsFile,

    /// Make no tokens for a new database: create them with `countersign token create`, before the start or beside the server
    #[arg(long, env = "COUNTERSIGN_NO_FIRST_TOKENS", value_parser = FalseyValueParser::new())]
    pub no_first_tokens: bool,

    /// The tool profiles.
    #[command(flatten)]
    pub tool_profiles: ToolProfiles,

    /// What may be called for notices.
    #[command(flatten)]
    pub notices: NoticeConfig,

    /// The number of connections that read the database; one of them is reserved for people
    #[arg(long, value_name = "N", env = "COUNTERSIGN_READERS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..=64))]
    pub readers: u32,

    /// The log.
    #[command(flatten)]
    pub logging: Logging,

    /// The limits.
    #[command(flatten)]
    pub limits: Limits,
}

/// The settings of the log on stderr.
#[derive(Clone, Debug, Args)]
pub struct Logging {
    /// What to log to stderr, as a filter of the tracing crate; `debug` logs every request, not only those that are refused
    #[arg(long, value_name = "FILTER", env = "COUNTERSIGN_LOG", default_value = "warn,countersign=info")]
    pub log: String,

    /// A file with such a filter in its first line, in place of --log; it is read at the start and at each SIGHUP
    /// [default: none]
    #[arg(long, value_name = "PATH", env = "COUNTERSIGN_LOG_FILTER_FILE")]
    pub log_filter_file: Option<PathBuf>,

    /// The format of the log: `auto` is `human` on a terminal and `json` otherwise
    #[arg(long, value_name = "FORMAT", env = "COUNTERSIGN_LOG_FORMAT", value_enum, default_value_t = LogFormat::Auto)]
    pub log_format: LogFormat,
}

/// The format of the log's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `human` on a terminal, else `json`.
    Auto,
    /// Text, coloured on a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

/// The path of the key file.
#[derive(Clone, Debug, Args)]
pub struct KeyFile {
    /// The file with the key that seals secrets; on PostgreSQL it has to be named
    /// [default: beside the database, ending in .key]
    #[arg(long = "key-file", value_name = "PATH", env = "COUNTERSIGN_KEY_FILE")]
    key_path: Option<PathBuf>,
}

/// How long something lasts that names no time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// Without a deadline.
    None,
    /// So many milliseconds.
    Millis(u64),
}

impl Ttl {
    /// The shorter of this and `millis`.
    #[must_use]
    pub fn at_most(self, millis: u64) -> Self {
        match self {
            Self::None => Self::Millis(millis),
            Self::Millis(own) => Self::Millis(own.min(millis)),
        }
    }
}

impl FromStr for Ttl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::None);
        }
        millis(text).map(Self::Millis)
    }
}

/// A time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Millis(pub u64);

impl FromStr for Millis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        millis(text).map(Self)
    }
}

/// Reads a lifetime, such as 90s, 24h or 7d.
pub(crate) fn lifetime(text: &str) -> Result<LifetimeMs, String> {
    LifetimeMs::new(millis(text)?).ok_or_else(|| "a time is between 1 ms and 100 years".to_owned())
}

/// Reads a timeout.
pub(crate) fn timeout(text: &str) -> Result<Duration, String> {
    match millis(text)? {
        // Timers go no further than a year or two.
        time if time <= 366 * 24 * 60 * 60 * 1000 => Ok(Duration::from_millis(time)),
        _ => Err("a timeout is at most a year".to_owned()),
    }
}

impl KeyFile {
    /// Returns the key file that was given, or the one beside a database that is a file.
    ///
    /// # Errors
    ///
    /// If it is none, and no key file was given.
    pub fn beside(&self, database: &Location) -> std::io::Result<PathBuf> {
        let none =
            "a database of PostgreSQL has no key file beside it: name one with --key-file, the same for every server";
        match (&self.key_path, database) {
            (Some(key_path), _) => Ok(key_path.clone()),
            (None, Location::File(path)) => {
                let mut name = path.as_os_str().to_owned();
                name.push(".key");
                Ok(name.into())
            }
            (None, Location::Postgres(_)) => Err(std::io::Error::other(none)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_a_span_or_none() {
        assert_eq!("none".parse(), Ok(Ttl::None));
        assert_eq!("90s".parse(), Ok(Ttl::Millis(90_000)));
        assert_eq!("24h".parse(), Ok(Ttl::Millis(86_400_000)));
        assert_eq!("7d".parse(), Ok(Ttl::Millis(604_800_000)));
        for bad in ["", "0s", "-1h", "soon", "1000000d"] {
            assert!(bad.parse::<Ttl>().is_err(), "{bad:?} was taken");
        }
    }
}
