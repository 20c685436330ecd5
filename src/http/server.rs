//! The accept loop: ours, for its timeouts and for an end that leaves nobody without an answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt;

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

/// A connection on which a body was left unread ends without the client having read its answer, so what is left of a
/// refused request's body is read and thrown away first; not more of it than a body may have.
async fn answer(
    app: axum::Router,
    request: Request<Incoming>,
    most_bytes: usize,
) -> Result<Response<Body>, Infallible> {
    let (back, mut left) = oneshot::channel();
    let response = app.oneshot(request.map(|body| Body::new(Returned { body: Some((body, back)) }))).await;
    if let Ok(mut body) = left.try_recv() {
        let mut skipped = 0;
        while skipped <= most_bytes
            && !body.is_end_stream()
            && let Some(Ok(frame)) = body.frame().await
        {
            skipped += frame.data_ref().map_or(0, Bytes::len);
        }
    }
    response
}

/// A body that is handed back by whoever drops it, with what was not read of it.
struct Returned {
    /// There until it is dropped.
    body: Option<(Incoming, oneshot::Sender<Incoming>)>,
}

impl hyper::body::Body for Returned {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.body.as_mut().map_or(Poll::Ready(None), |(body, _)| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, |(body, _)| body.size_hint())
    }
}

impl Drop for Returned {
    fn drop(&mut self) {
        if let Some((body, back)) = self.body.take() {
            // Nobody takes it back once the answer is out.
            let _ = back.send(body);
        }
    }
}
