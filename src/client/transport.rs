//! The wires to a server: TCP, TLS over it, or a socket in the file system, each with the patience that it deserves.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::config::Config;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport};
use ureq::{Agent, Error, Timeout};

use super::OpenError;
use crate::config::ServerUrl;

/// The longest time to establish a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server may be silent: longer than a long-poll of ours waits, and than its feed lets pass without a sign.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a server is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    connect: Duration,
    silence: Duration,
    /// For all of a call; `None` where its parts have their own.
    all: Option<Duration>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: CONNECT_TIMEOUT, silence: SILENCE_TIMEOUT, all: None }
    }
}

impl Patience {
    /// No call takes longer.
    pub(super) const fn of(all: Duration) -> Self {
        Self { connect: all, silence: all, all: Some(all) }
    }
}

/// An agent that reaches `url`, and what its requests' addresses begin with.
pub(super) fn agent(url: &ServerUrl, ca_file: Option<&Path>, patience: Patience) -> Result<(Agent, String), OpenError> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // A token goes to the server that was named, and to no other.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(patience.all)
        .timeout_connect(Some(patience.connect))
        .timeout_per_read(Some(patience.silence))
        .timeout_per_write(Some(patience.silence))
        .tls_config(tls(ca_file)?)
        .build();
    Ok(match url {
        ServerUrl::Web(base) => (config.into(), base.clone()),
        ServerUrl::Unix(path) => (over_socket(config, path.clone()), "http://127.0.0.1".to_owned()),
    })
}

/// Whether a call failed before any of it was sent: there was no connection.
pub(super) fn is_unsent(error: &Error) -> bool {
    // Others, such as an unreachable host, are also told of a connection that was there.
    let refused = [io::ErrorKind::ConnectionRefused, io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied];
    let is_late = |timeout: &Timeout| matches!(timeout, Timeout::Resolve | Timeout::Connect);
    matches!(error, Error::HostNotFound | Error::ConnectionFailed)
        || matches!(error, Error::Timeout(timeout) if is_late(timeout))
        || matches!(error, Error::Io(error) if refused.contains(&error.kind()))
}

fn tls(ca_file: Option<&Path>) -> Result<TlsConfig, OpenError> {
    let Some(path) = ca_file else { return Ok(TlsConfig::default()) };
    let failed = |error| OpenError::File(path.to_owned(), error);
    let pem = fs::read(path).map_err(failed)?;
    let mut roots = Vec::<Certificate<'static>>::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| failed(io::Error::other(error)))? {
            roots.push(certificate);
        }
    }
    if roots.is_empty() {
        return Err(failed(io::Error::other("there is no certificate in it")));
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots)).build())
}

fn over_socket(config: Config, path: PathBuf) -> Agent {
    Agent::with_parts(config, SocketConnector { path }, DefaultResolver::default())
}

/// Connects to one socket, whatever a request's address says.
#[derive(Debug)]
struct SocketConnector {
    path: PathBuf,
}

impl<In: Transport> Connector<In> for SocketConnector {
    type Out = Socket;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<In>) -> Result<Option<Socket>, Error> {
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Socket { stream: UnixStream::connect(&self.path)?, buffers }))
    }
}

#[derive(Debug)]
struct Socket {
    stream: UnixStream,
    buffers: LazyBuffers,
}

impl Socket {
    fn failed(error: io::Error, reason: Timeout) -> Error {
        let is_late = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
        if is_late { Error::Timeout(reason) } else { error.into() }
    }
}

impl Transport for Socket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        self.stream.set_write_timeout(timeout.not_zero().map(|time| *time))?;
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output).map_err(|error| Self::failed(error, timeout.reason))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        self.stream.set_read_timeout(timeout.not_zero().map(|time| *time))?;
        let amount = loop {
            match self.stream.read(self.buffers.input_append_buf()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(|error| Self::failed(error, timeout.reason))?,
            }
        };
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        // Between two requests a server has nothing to say: whatever there is to read is an end.
        let is_quiet = |stream: &mut UnixStream| {
            stream.set_nonblocking(true)?;
            let quiet = matches!(stream.read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
            stream.set_nonblocking(false)?;
            io::Result::Ok(quiet)
        };
        is_quiet(&mut self.stream).unwrap_or(false)
    }
}
