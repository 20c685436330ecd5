//! The process of `countersign serve`, from its first line of output to its last checkpoint.

mod startup;

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Weak};
use std::time::Duration;

#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::process::{Resource, Rlimit, setrlimit};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Location};

use crate::http::{self, Listener, Tls};
use crate::logging::{self, Log};
use crate::service::{self, Service};
use crate::store;
use crate::web;

/// How long the database may take to close: what is queued and the last checkpoint.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long clients may read their last responses once the disk has failed.
const FAILURE_TIMEOUT: Duration = Duration::from_millis(500);

/// Why the server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database or the key.
    #[error(transparent)]
    Open(#[from] service::OpenError),
    /// The path of the public URL.
    #[error(transparent)]
    Base(#[from] http::BaseError),
    /// The listening socket, or the files for TLS.
    #[error(transparent)]
    Bind(#[from] http::BindError),
    /// The operating system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The logging filter.
    #[error("{0}")]
    Log(String),
    /// The disk failed while the server ran.
    #[error("the database can no longer be trusted to keep what it is given; start again to read what is true")]
    Failed,
}

/// A server that is ready to serve.
pub struct Server {
    listener: Listener,
    service: Arc<Service>,
    config: Config,
    location: Location,
}

/// Runs the server of the command line until SIGTERM or Ctrl-C.
///
/// # Errors
///
/// If the server cannot start, or its disk fails.
pub fn run(config: &Config) -> Result<(), Error> {
    let log = Arc::new(logging::start(&config.logging).map_err(Error::Log)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let hangups = signal(SignalKind::hangup())?;
        let asked = config.limits.max_connections;
        let connections = startup::raise_descriptor_limit(asked);
        let mut config = config.clone();
        config.limits.max_connections = connections;
        let server = Server::open(config, Arc::new(SystemClock::default())).await?;
        let address = server.url();
        let first = match server.config.no_first_tokens {
            true => None,
            false => server.service.first_tokens().await?,
        };
        if let Some(tokens) = &first {
            startup::print_first_tokens(&address, tokens, &server.config.credentials)?;
        }
        if first.is_some() || io::stderr().is_terminal() {
            let url = server.config.http.public_url.as_ref().map(ToString::to_string);
            let url = url.or_else(|| startup::own_url(&address));
            startup::print_login_link(url.as_deref(), &server.service).await?;
        }
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "listening on {address}")?;
        stdout.flush()?;
        drop(stdout);
        tracing::info!(database = %server.location, %address, "serving");
        startup::warn_of_plain_http(&address, &server.config.http);
        if connections < asked {
            tracing::warn!(
                "file descriptors are enough for {connections} connections, not for {asked}: raise `ulimit -n`"
            );
        }
        tokio::spawn(reload_at(hangups, server.listener.tls(), Arc::downgrade(&log)));
        tell_systemd(&[NotifyState::Ready]);
        let stop = async {
            signalled(signals).await;
            tell_systemd(&[NotifyState::Stopping]);
        };
        server.serve(stop).await
    });
    // A long read may still run; it changes nothing, so there is no need to wait for it.
    runtime.shutdown_background();
    served
}

impl Server {
    /// Opens the database and binds the address; nothing is served yet.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use clap::Parser;
    /// use countersign::clock::SystemClock;
    /// use countersign::config::Config;
    /// use countersign::server::Server;
    ///
    /// #[derive(Parser)]
    /// struct Arguments {
    ///     #[command(flatten)]
    ///     config: Config,
    /// }
    ///
    /// # async fn example() -> Result<(), countersign::server::Error> {
    /// let config = Arguments::parse_from(["example", "--db", "/tmp/example.db", "--listen", "127.0.0.1:0"]).config;
    /// let server = Server::open(config, Arc::new(SystemClock::default())).await?;
    /// println!("{}", server.url());
    /// server.serve(std::future::pending()).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the database or its key cannot be opened, or the address cannot be bound.
    pub async fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        http::check_base(&config.http, web::paths())?;
        let location = config.database.location()?;
        let service = Arc::new(Service::open(&location, &config, clock).await?);
        let listener = http::bind(&config.http).await?;
        let own = || startup::own_url(&listener.url());
        service.is_reached_at(config.http.public_url.as_ref().map(ToString::to_string).or_else(own));
        Ok(Self { listener, service, config, location })
    }

    /// Returns the URL at which it listens.
    #[must_use]
    pub fn url(&self) -> String {
        self.listener.url()
    }

    /// Returns the service that it serves.
    #[must_use]
    pub fn service(&self) -> Arc<Service> {
        Arc::clone(&self.service)
    }

    /// Serves until `stop` ends, then answers what is in flight and closes the database.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] when the disk failed: what was not acknowledged may or may not be there.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let service = Arc::clone(&self.service);
        let sweeper = tokio::spawn(async move { service.run_sweeper().await });
        let service = Arc::clone(&self.service);
        let keeper = tokio::spawn(async move { service.run_keeper().await });
        let service = Arc::clone(&self.service);
        let notifier = tokio::spawn(async move { service.run_notifier().await });
        let service = Arc::clone(&self.service);
        let signer = tokio::spawn(async move { service.run_signer().await });
        let served = self.serve_without_sweeper(stop).await;
        sweeper.abort();
        keeper.abort();
        notifier.abort();
        signer.abort();
        served
    }

    /// Serves as [`Server::serve`] does, but nothing expires by itself: a test of what holds before the sweeper has run.
    ///
    /// # Errors
    ///
    /// As [`Server::serve`].
    pub async fn serve_without_sweeper(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let service = Arc::clone(&self.service);
        let mut failed = false;
        let stop_or_failure = async {
            tokio::select! {
                () = stop => {}
                () = service.ended() => failed = true,
            }
        };
        let serving = http::serve(self.listener, Arc::clone(&self.service), &self.config, web::router, stop_or_failure);
        let forced_end = async {
            self.service.ended().await;
            tokio::time::sleep(FAILURE_TIMEOUT).await;
        };
        tokio::select! {
            () = serving => {}
            () = forced_end => {}
        }
        if failed {
            return Err(Error::Failed);
        }
        // Whatever was acknowledged is on the disk already; moving the log is a kindness to the next start, no more.
        match tokio::time::timeout(CLOSE_TIMEOUT, self.service.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(service::Error::Store(store::Error::Unknown(_) | store::Error::Closed))) => {
                return Err(Error::Failed);
            }
            Ok(Err(error)) => tracing::warn!(%error, "the log was not moved into the database; the next start does it"),
            Err(_) => tracing::warn!("another process holds the database; the next start moves the log into it"),
        }
        Ok(())
    }
}

/// Keeps this process's memory, through which secrets pass, out of core dumps and from other processes of the same user.
pub fn keep_memory_private() {
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, nothing) {
        tracing::warn!(%error, "core dumps could not be turned off");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user can read this one's memory");
    }
}

/// Notifies systemd, if it started this process and asked for that.
fn tell_systemd(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd could not be notified");
    }
}

/// Reads the certificate and its key, and the filter of the log, anew at each SIGHUP, which never ends the server.
async fn reload_at(mut hangups: Signal, tls: Option<Arc<Tls>>, log: Weak<Log>) {
    while hangups.recv().await.is_some() {
        // It is dropped when the server ends, so that its last lines are written.
        let Some(log) = log.upgrade() else { return };
        let has_filter = match log.reload() {
            Ok(true) => {
                tracing::info!("the filter of the log was read anew");
                true
            }
            Ok(false) => false,
            Err(error) => {
                tracing::error!(%error, "the filter of the log could not be read anew; the one before stays in use");
                true
            }
        };
        match tls.as_ref().map(|tls| tls.reload()) {
            Some(Ok(())) => tracing::info!("the TLS certificate was read anew"),
            Some(Err(error)) => {
                tracing::error!(%error, "the TLS certificate could not be read anew; the one before stays in use");
            }
            None if has_filter => {}
            None => tracing::info!("SIGHUP reads the TLS certificate and --log-filter-file anew, and there is neither"),
        }
    }
}

/// Ends at the first signal that asks to stop.
async fn signalled((mut terminate, mut interrupt): (Signal, Signal)) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
