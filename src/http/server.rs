//! The accept loop: ours, for its timeouts and for an end that leaves nobody without an answer.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};

use super::drain::answer;
use super::{App, router};
use crate::config::Limits;
use crate::service::Service;

/// How long a client may take to send its headers, and how long an idle connection is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a request may be held before it is read: past the limit on headers, so that one answers for itself.
const BUFFER_BYTES: usize = 64 * 1024;

/// How many headers a request may have: so many that the limit on their size is what refuses, unless they are tiny. Room
/// for this many is made for every request.
const MOST_HEADERS: usize = 256;

/// How long requests that are being answered are waited for at the end.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

/// How long to rest when the system gives no more connections.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// Serves until `stop` ends; then takes no more connections, lets those who wait go, and answers what is in flight.
pub async fn serve(listener: TcpListener, service: Arc<Service>, limits: Limits, stop: impl Future<Output = ()>) {
    let app = router(App { service: Arc::clone(&service), limits });
    let connections = GracefulShutdown::new();
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(BUFFER_BYTES)
        .max_headers(MOST_HEADERS);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => spawn(&server, stream, app.clone(), limits, &connections),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    service.stop_waiting();
    if tokio::time::timeout(LAST_PATIENCE, connections.shutdown()).await.is_err() {
        tracing::warn!("some clients did not take their answers in time");
    }
}

fn spawn(
    server: &http1::Builder,
    stream: TcpStream,
    app: axum::Router,
    limits: Limits,
    connections: &GracefulShutdown,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection is gone before it was served");
        return;
    }
    let service = hyper::service::service_fn(move |request| answer(app.clone(), request, limits.max_body_bytes));
    let connection = connections.watch(server.serve_connection(TokioIo::new(stream), service));
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}
