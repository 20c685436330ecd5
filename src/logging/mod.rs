//! The server's log: lines on stderr, as text on a terminal and as JSON otherwise.

mod fields;

use std::fs;
use std::io::{self, IsTerminal};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::reload::Handle;

use self::fields::JsonObject;
use crate::config::{LogFormat, Logging};

/// How many lines may wait for the reader of stderr: room is made for all of them when the log is started.
const MOST_UNREAD_LINES: usize = 16_000;

/// The log while it is written; it ends when this is dropped.
pub struct Log {
    config: Logging,
    replace: Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>,
    _until: WorkerGuard,
}

impl Log {
    /// Reads the filter anew from the file that holds it; `false` where none does.
    ///
    /// # Errors
    ///
    /// If the file or the filter cannot be read: the filter before stays in use.
    pub fn reload(&self) -> Result<bool, String> {
        if self.config.log_filter_file.is_none() {
            return Ok(false);
        }
        (self.replace)(filter(&self.config)?).map(|()| true)
    }
}

/// The filter that the settings say.
fn filter(config: &Logging) -> Result<EnvFilter, String> {
    let read = |text: &str| EnvFilter::try_new(text).map_err(|error| error.to_string());
    let Some(path) = &config.log_filter_file else {
        return read(&config.log).map_err(|error| format!("--log does not say what to log: {error}"));
    };
    let failed = |error: String| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err(failed("its first line is to be a filter, such as warn,countersign=debug".to_owned()));
    }
    read(line).map_err(failed)
}

fn replacing<S: 'static>(handle: Handle<EnvFilter, S>) -> Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>
where
    Handle<EnvFilter, S>: Send + Sync,
{
    Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string()))
}

/// Starts the log. Every line about a request carries that request's id.
///
/// A thread of its own writes, so that no request waits for the reader of the log. Lines are dropped while 16,000 of them
/// are unread.
///
/// # Errors
///
/// If the filter, or the file that holds it, cannot be read.
pub fn start(config: &Logging) -> Result<Log, String> {
    let filter = filter(config)?;
    let terminal = io::stderr().is_terminal();
    let (stderr, until) = NonBlockingBuilder::default().buffered_lines_limit(MOST_UNREAD_LINES).finish(io::stderr());
    // No errors of its own where stderr is closed: a log without a reader must not end the server.
    let log = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(terminal);
    let is_human = match config.log_format {
        LogFormat::Auto => terminal,
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let replace = if is_human {
        let log = log.with_filter_reloading();
        let replace = replacing(log.reload_handle());
        log.init();
        replace
    } else {
        let log = log.json().flatten_event(true).with_span_list(false).fmt_fields(JsonObject).with_filter_reloading();
        let replace = replacing(log.reload_handle());
        log.init();
        replace
    };
    // A panic is logged like any other line, with the request that it ends.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "a bug: this program panicked");
    }));
    Ok(Log { config: config.clone(), replace, _until: until })
}
