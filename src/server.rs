//! The process of `countersign serve`: from the first line that it prints to its last checkpoint.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::clock::{Clock, SystemClock};
use crate::config::Config;
pub use crate::http::openapi;

use crate::http;
use crate::logging;
use crate::service::{self, FirstTokens, Service};
use crate::store;

/// How long the database may take to close: what is queued and the last checkpoint.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// How long clients may take their last answers once the disk has failed: what nobody can trust is not kept up for them.
const FAILURE_PATIENCE: Duration = Duration::from_millis(500);

/// Why the server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database or the key.
    #[error(transparent)]
    Open(#[from] service::OpenError),
    /// The address.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The logging filter.
    #[error("--log does not say what to log: {0}")]
    Log(String),
    /// The disk failed while the server ran.
    #[error("the database can no longer be trusted to keep what it is given; start again to read what is true")]
    Failed,
}

/// A server that is ready to serve.
pub struct Server {
    listener: TcpListener,
    service: Arc<Service>,
    config: Config,
    path: PathBuf,
}

/// Runs the server of the command line until SIGTERM or Ctrl-C.
pub fn run(config: &Config) -> Result<(), Error> {
    let _log = logging::start(&config.logging).map_err(Error::Log)?;
    keep_memory_private();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let server = Server::open(config.clone(), Arc::new(SystemClock::default())).await?;
        let address = server.address()?;
        if let Some(tokens) = server.service.first_tokens().await? {
            introduce(address, &tokens)?;
        }
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "listening on http://{address}")?;
        stdout.flush()?;
        drop(stdout);
        tracing::info!(database = %server.path.display(), %address, "serving");
        server.serve(signalled(signals)).await
    });
    // A long read may still run, and is not waited for: it changes nothing.
    runtime.shutdown_background();
    served
}

impl Server {
    /// Opens the database and binds the address; nothing is served yet.
    pub async fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let path = config.database.path()?;
        let service = Arc::new(Service::open(&path, &config, clock).await?);
        let listener = TcpListener::bind(config.listen).await.map_err(|error| Error::Listen(config.listen, error))?;
        Ok(Self { listener, service, config, path })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What it serves.
    #[must_use]
    pub fn service(&self) -> Arc<Service> {
        Arc::clone(&self.service)
    }

    /// Serves until `stop` ends, then answers what is in flight and closes the database.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let sweeper = tokio::spawn({
            let service = Arc::clone(&self.service);
            async move { service.run_sweeper().await }
        });
        let service = Arc::clone(&self.service);
        let mut failed = false;
        let stop_or_failure = async {
            tokio::select! {
                () = stop => {}
                () = service.ended() => failed = true,
            }
        };
        let serving = http::serve(self.listener, Arc::clone(&self.service), self.config.limits, stop_or_failure);
        let out_of_patience = async {
            self.service.ended().await;
            tokio::time::sleep(FAILURE_PATIENCE).await;
        };
        tokio::select! {
            () = serving => {}
            () = out_of_patience => {}
        }
        sweeper.abort();
        if failed {
            return Err(Error::Failed);
        }
        // Whatever was acknowledged is on the disk already; moving the log is a kindness to the next start, no more.
        match tokio::time::timeout(CLOSE_PATIENCE, self.service.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(service::Error::Store(store::Error::SyncFailed(_)))) => return Err(Error::Failed),
            Ok(Err(error)) => tracing::warn!(%error, "the log was not moved into the database; the next start does it"),
            Err(_) => tracing::warn!("somebody else holds the database; the next start moves the log into it"),
        }
        Ok(())
    }
}

/// No core dump and no other process of the same user gets to see what is in this one's memory: secrets pass through it.
fn keep_memory_private() {
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, nothing) {
        tracing::warn!(%error, "core dumps could not be turned off");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user can read this one's memory");
    }
}

/// Ends at the first signal that asks to stop.
async fn signalled((mut terminate, mut interrupt): (Signal, Signal)) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Shows the first tokens, once, with two lines to try them.
fn introduce(address: SocketAddr, FirstTokens { approver, agent }: &FirstTokens) -> io::Result<()> {
    let mut err = io::stderr().lock();
    writeln!(err, "This database is new. Two tokens were made for it; they are shown once, here:")?;
    writeln!(err)?;
    writeln!(err, "  agent     {agent}")?;
    writeln!(err, "  approver  {approver}")?;
    writeln!(err)?;
    writeln!(err, "Ask, as the agent, then allow it, as the approver:")?;
    writeln!(err)?;
    writeln!(
        err,
        "  curl -sS http://{address}/v1/interactions -H 'Authorization: Bearer {agent}' -H 'Content-Type: application/json' \
         -d '{{\"requestId\":\"first\",\"kind\":\"confirmation\",\"confirmation\":{{\"toolName\":\"shell\",\"input\":{{\"command\":\"ls\"}}}}}}'"
    )?;
    writeln!(
        err,
        "  curl -sS http://{address}/v1/confirm -H 'Authorization: Bearer {approver}' -H 'Content-Type: application/json' \
         -d '{{\"requestId\":\"first\",\"decision\":\"allow\"}}'"
    )?;
    writeln!(err)
}
