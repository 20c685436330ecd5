//! What the server says while it runs: lines on stderr, for people on a terminal and as JSON otherwise.

mod fields;

use std::io::{self, IsTerminal};

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use self::fields::JsonObject;
use crate::config::{LogFormat, Logging};

/// Begins to log, until what comes back is dropped. What is logged about a request carries that request's id.
///
/// A thread of its own writes: nobody who answers requests waits for whoever reads the log. Where that is nobody, lines
/// are dropped once 128,000 wait.
pub fn start(config: &Logging) -> Result<WorkerGuard, String> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| error.to_string())?;
    let terminal = io::stderr().is_terminal();
    let (stderr, until) = tracing_appender::non_blocking(io::stderr());
    // Without a word of its own when stderr is gone: a log that nobody reads must not end what it tells of.
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
    // A panic is a line like any other, within the request that it ends.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("without a word");
        tracing::error!(place, message, "a bug: this program panicked");
    }));
    Ok(until)
}
