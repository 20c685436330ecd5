//! The accept loop: our own, for its timeouts and limits, and for a shutdown that answers every request.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;

use super::connection::Connection;
use super::connection_limit::{ConnectionLimiter, ConnectionSlot, LEAVING, RESERVED, Source};
use super::drain::answer;
use super::listen::Listener;
use super::refusals::Refusing;
use super::stream::Stream;
use super::timeouts::{Activity, Timed, Timeouts};
use super::tls::Tls;
use crate::config::{Config, Limits};
use crate::http::base_path::take_off;
use crate::http::middleware::load_shed::LoadShedder;
use crate::http::middleware::refusal_log::{INTERVAL, RefusalLog};
use crate::http::state::Shared;
use crate::http::{App, router};
use crate::service::Service;

/// How much of a request may be buffered: more than the limit on headers, so that a request over that limit gets its answer.
const BUFFER_BYTES: usize = 64 * 1024;

/// How many headers a request may have: so many that the limit on their size is what refuses, unless they are tiny. Room
/// for this many is made for every request.
const MOST_HEADERS: usize = 256;

/// How long a client on a reserved connection may take to send its headers.
const RESERVED_HEADER_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the shutdown waits for requests that are being answered.
const LAST_TIMEOUT: Duration = Duration::from_secs(3);

/// How long to wait after a connection could not be accepted.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// How many file descriptors are needed beside one for each connection of the limit.
pub const DESCRIPTORS_BESIDE: usize = RESERVED + LEAVING;

/// Serves until `stop` ends; then accepts no more connections, ends long-polls, and answers what is in progress.
pub(crate) async fn serve(
    listener: Listener,
    service: Arc<Service>,
    config: &Config,
    pages: impl FnOnce(&App) -> axum::Router<App>,
    stop: impl Future<Output = ()>,
) {
    let limits = config.limits;
    let http = config.http.clone();
    let load = LoadShedder::new(&limits);
    let refusals = RefusalLog::default();
    let shared = App::new(Shared {
        service: Arc::clone(&service),
        limits,
        http,
        aap_claim_within: config.aap_claim_within,
        load,
        refusals,
    });
    let pages = pages(&shared);
    let app = router(Arc::clone(&shared), pages);
    let server = Server {
        app,
        base: shared.http.base().into(),
        limits,
        tls: listener.tls(),
        limiter: ConnectionLimiter::new(limits.max_connections),
        connections: GracefulShutdown::new(),
    };
    tokio::pin!(stop);
    let mut telling = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, connection)) => server.handle(stream, connection),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            },
            _ = telling.tick() => shared.refusals.tell(),
            () = &mut stop => break,
        }
    }
    drop(listener);
    service.stop_waiting();
    if tokio::time::timeout(LAST_TIMEOUT, server.connections.shutdown()).await.is_err() {
        tracing::warn!("some clients did not read their responses in time");
    }
    shared.refusals.tell();
}

struct Server {
    app: axum::Router,
    /// The path under which a proxy has put the server.
    base: Arc<str>,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    limiter: ConnectionLimiter,
    connections: GracefulShutdown,
}

impl Server {
    fn handle(&self, stream: Stream, mut connection: Connection) {
        let Some(slot) = self.limiter.acquire(Instant::now(), Source::of(connection.peer)) else {
            // Over TLS an answer needs a handshake, which costs too much here.
            if self.tls.is_none() {
                self.limiter.reject(stream);
            }
            return;
        };
        connection.is_reserved = slot.is_reserved();
        let ends_with = slot.ends_with();
        let header_timeout = self.timeouts(&slot).header;
        let Some(tls) = self.tls.as_ref().map(|tls| tls.acceptor()) else {
            ends_with(tokio::spawn(self.serve(connection, slot)(stream)).abort_handle());
            return;
        };
        let serve = self.serve(connection, slot);
        let served = tokio::spawn(async move {
            match tokio::time::timeout(header_timeout, stream.secured(tls)).await {
                Ok(Ok(stream)) => serve(stream).await,
                Ok(Err(error)) => tracing::debug!(%error, "the TLS handshake failed"),
                Err(_) => tracing::debug!("the TLS handshake timed out"),
            }
        });
        ends_with(served.abort_handle());
    }

    /// Returns the function that serves a connection, once its bytes can be read.
    fn serve(
        &self,
        connection: Connection,
        slot: ConnectionSlot,
    ) -> impl FnOnce(Stream) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + use<> {
        let timeouts = self.timeouts(&slot);
        let watcher = self.connections.watcher();
        let activity = Arc::new(Activity::default());
        let (timed, refusing) = (Arc::clone(&activity), Arc::clone(&activity));
        let (app, base, connection) = (self.app.clone(), Arc::clone(&self.base), Arc::new(connection));
        let Limits { max_body_bytes, max_header_bytes, .. } = self.limits;
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            let busy = activity.begin();
            request.extensions_mut().insert(Arc::clone(&connection));
            take_off(&base, request.uri_mut());
            let answered = answer(app.clone(), request, max_body_bytes, Arc::clone(&activity));
            async move {
                let response = answered.await?;
                // A stream of events is being answered until it ends.
                Ok::<_, Infallible>(if response.body().size_hint().exact().is_some() {
                    response
                } else {
                    response.map(|body| {
                        Body::new(body.map_frame(move |frame| {
                            let _until_dropped = &busy;
                            frame
                        }))
                    })
                })
            }
        });
        let mut http = http1::Builder::new();
        http.header_read_timeout(None)
            .max_buf_size(BUFFER_BYTES)
            .max_headers(MOST_HEADERS)
            // A reserved slot is for one request, so that it is soon the next one's.
            .keep_alive(!slot.is_reserved());
        move |stream| {
            let stream = Timed::new(Refusing::new(stream, refusing, max_header_bytes), timed, timeouts);
            let served = watcher.watch(http.serve_connection(TokioIo::new(stream), service));
            Box::pin(async move {
                let _slot = slot;
                if let Err(error) = served.await {
                    tracing::debug!(%error, "a connection ended early");
                }
            })
        }
    }

    fn timeouts(&self, slot: &ConnectionSlot) -> Timeouts {
        let Limits { header_timeout, idle_timeout, write_timeout, .. } = self.limits;
        let header = if slot.is_reserved() { header_timeout.min(RESERVED_HEADER_TIMEOUT) } else { header_timeout };
        Timeouts { header, idle: idle_timeout, write: write_timeout }
    }
}
