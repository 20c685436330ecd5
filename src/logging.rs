//! What the server says while it runs: lines on stderr, for people on a terminal and as JSON otherwise.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Logging};

/// Begins to log. What is logged about a request carries that request's id.
pub fn start(config: &Logging) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| error.to_string())?;
    let terminal = io::stderr().is_terminal();
    // Without a word of its own when stderr is gone: a log that nobody reads must not end what it tells of.
    let log = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(terminal);
    match config.log_format {
        LogFormat::Auto if terminal => log.init(),
        LogFormat::Human => log.init(),
        LogFormat::Auto | LogFormat::Json => log.json().flatten_event(true).with_span_list(false).init(),
    }
    // A panic is a line like any other, within the request that it ends.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("without a word");
        tracing::error!(place, message, "a bug: this program panicked");
    }));
    Ok(())
}
