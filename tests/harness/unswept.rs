//! A server that never sweeps: what must be true though nobody has swept, and what a look sweeps.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use countersign::clock::{Clock, ManualClock};
use countersign::config::Config;
use countersign::server::Error;
use countersign::service::Service;
use tempfile::TempDir;

use super::{START, TestServer};

/// Whether anything happens by itself when time passes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sweeper {
    Runs,
    Never,
}

impl TestServer {
    /// One whose sweeper never runs.
    pub(crate) fn without_sweeper() -> Self {
        Self::without_sweeper_with(&[])
    }

    /// The same with flags as on the command line.
    pub(crate) fn without_sweeper_with(flags: &[&str]) -> Self {
        let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
        Self::on(TempDir::new().unwrap(), clock, flags, Sweeper::Never)
    }
}

/// What [`countersign::server::Server::serve`] does, without the sweeper.
pub(super) async fn serve_unswept(
    config: Config,
    clock: Arc<dyn Clock>,
    started: Sender<(String, Arc<Service>)>,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let service = Arc::new(Service::open(&config.database.path()?, &config, clock).await?);
    let listener = countersign::http::bind(&config.door).await?;
    started.send((listener.url(), Arc::clone(&service))).unwrap();
    countersign::http::serve(listener, Arc::clone(&service), &config, stop).await;
    service.close().await.unwrap();
    Ok(())
}
