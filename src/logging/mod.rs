//! The server's log: lines on stderr, as text on a terminal and as JSON otherwise.

mod fields;

use std::io::{self, IsTerminal};

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use self::fields::JsonObject;
use crate::config::{LogFormat, Logging};

/// Starts the log; it ends when the returned guard is dropped. Every line about a request carries that request's id.
///
/// A thread of its own writes, so that no request waits for the reader of the log. Lines are dropped while 128,000 of them
/// are unread.
///
/// # Errors
///
/// If the filter cannot be read.
pub fn start(config: &Logging) -> Result<WorkerGuard, String> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| error.to_string())?;
    let terminal = io::stderr().is_terminal();
    let (stderr, until) = tracing_appender::non_blocking(io::stderr());
    // No errors of its own where stderr is closed: a log without a reader must not end the server.
    let log = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(terminal);
    match config.log_format {
        LogFormat::Auto if terminal => log.init(),
        LogFormat::Human => log.init(),
        LogFormat::Auto | LogFormat::Json => {
            log.json().flatten_event(true).with_span_list(false).fmt_fields(JsonObject).init();
        }
    }
    // A panic is logged like any other line, with the request that it ends.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "a bug: this program panicked");
    }));
    Ok(until)
}
