//! What PostgreSQL's failures are to the store, and in which words they are told.

use std::error::Error as _;
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use tokio_postgres::error::SqlState;
use tokio_rustls::rustls::{self, CertificateError};

use crate::config::PostgresUrl;
use crate::store::{Error, OpenError};

/// The condition of a statement did not hold: `must_be` says so.
pub(super) const NOT_AS_MANY: &str = "CS002";

pub(super) fn store_error(error: tokio_postgres::Error) -> Error {
    let Some(code) = error.code() else {
        // The connection is gone, or what came over it was none of the protocol.
        return Error::Unavailable(Arc::new(Told(error)));
    };
    let is = |codes: &[SqlState]| codes.contains(code);
    if code.code() == NOT_AS_MANY {
        Error::Corrupt { table: "the database", key: Told(error).to_string() }
    } else if is(&[SqlState::DISK_FULL, SqlState::OUT_OF_MEMORY]) {
        Error::Full
    } else if is(&[SqlState::QUERY_CANCELED]) {
        Error::TooSlow
    } else if is(&[SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE])
    {
        Error::Busy
    } else if is(&[
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ]) {
        Error::Unavailable(Arc::new(Told(error)))
    } else {
        Error::Internal(Arc::new(Told(error)))
    }
}

/// What the lack of a connection is to the store.
pub(super) fn unavailable(error: OpenError) -> Error {
    if let OpenError::Store(error) = error { error } else { Error::Unavailable(Arc::new(error)) }
}

/// What is wrong where the statements of one connection go to several sessions.
pub(super) const POOLED: &str = "a proxy gives every transaction another session, as PgBouncer does with pool_mode = transaction: connect \
     to PostgreSQL itself, or use pool_mode = session";

const PREPARED_ELSEWHERE: [SqlState; 2] = [SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::DUPLICATE_PSTATEMENT];

/// An error of the driver, told in the words of what caused it: its own are "db error" and the like.
#[derive(Debug)]
struct Told(tokio_postgres::Error);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.as_db_error(), self.0.source()) {
            // What one session has prepared, another one does not know.
            (Some(error), _) if PREPARED_ELSEWHERE.contains(error.code()) => write!(f, "{POOLED}"),
            (Some(error), _) => write!(f, "{} ({})", error.message(), error.code().code()),
            (None, Some(cause)) => write!(f, "{cause}"),
            (None, None) => write!(f, "{}", self.0),
        }
    }
}

impl std::error::Error for Told {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// Why there is no connection, as the sentence goes on.
pub(super) fn no_connection(error: &tokio_postgres::Error, url: &PostgresUrl) -> String {
    if let Some(refused) = error.as_db_error() {
        return not_let_in(refused.code(), refused.message(), url);
    }
    let Some(cause) = error.source() else { return format!("{error}") };
    if let Some(io) = cause.downcast_ref::<io::Error>() {
        let tls = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        return tls.map_or_else(|| no_answer(io), |tls| no_tls(tls, url));
    }
    match cause.to_string().as_str() {
        "server does not support TLS" => {
            "it does not speak TLS: turn on ssl there, or say sslmode=disable in the URL if nobody can listen on the way".to_owned()
        }
        "password missing" => "it asks for a password, and there is none: give the URL with one in --db-url-file or COUNTERSIGN_DB, or \
             the password in PGPASSWORD or ~/.pgpass"
            .to_owned(),
        other => other.to_owned(),
    }
}

/// What its server says to somebody whom it does not let in.
fn not_let_in(code: &SqlState, message: &str, url: &PostgresUrl) -> String {
    let user = url.setting("user").unwrap_or("this user");
    match code {
        code if *code == SqlState::INVALID_PASSWORD => format!("the password of {user} is wrong"),
        code if *code == SqlState::INVALID_CATALOG_NAME => {
            format!("{message}: make it with `createdb`, or name another one")
        }
        code if *code == SqlState::TOO_MANY_CONNECTIONS => {
            format!(
                "{message}: a server needs one for its writer, one for its follower and one for each of its --readers"
            )
        }
        _ => message.to_owned(),
    }
}

fn no_answer(error: &io::Error) -> String {
    let told = [
        (ErrorKind::ConnectionRefused, "nothing listens there"),
        (ErrorKind::NotFound, "there is no socket of PostgreSQL in that folder"),
        (ErrorKind::TimedOut, "it does not answer"),
    ];
    if error.to_string() == "database does not allow writes" {
        return "it takes no writes, since it is a standby or has default_transaction_read_only on: the primary is needed".to_owned();
    }
    let told = told.iter().find(|(kind, _)| *kind == error.kind());
    told.map_or_else(|| error.to_string(), |(_, why)| (*why).to_owned())
}

fn no_tls(error: &rustls::Error, url: &PostgresUrl) -> String {
    let hosts = url.hosts().iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>().join(", ");
    let rustls::Error::InvalidCertificate(why) = error else { return format!("TLS failed: {error}") };
    if matches!(why, CertificateError::UnknownIssuer) {
        "its certificate is of no authority that is trusted: name the file of the authority with --db-ca-file"
            .to_owned()
    } else if matches!(why, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) {
        format!("its certificate is for another name than {hosts}")
    } else if matches!(why, CertificateError::Expired | CertificateError::ExpiredContext { .. }) {
        "its certificate has expired".to_owned()
    } else {
        format!("TLS failed: {error}")
    }
}
