//! Refusals that arrive: a connection on which a body was left unread is reset under the client, which then never reads its
//! answer. So what is left of a refused request's body is read and thrown away first.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::oneshot;
use tower::ServiceExt;

/// How long a client may take to send the rest of a body that no handler reads.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers a request, once what was left of its body is out of the way: not more of it than a body may have, and not for
/// longer than a client that means well takes.
pub(crate) async fn answer(
    app: axum::Router,
    request: Request<Incoming>,
    most_bytes: usize,
) -> Result<Response<Body>, Infallible> {
    let (back, mut left) = oneshot::channel();
    let response = app.oneshot(request.map(|body| Body::new(Returned { body: Some((body, back)) }))).await?;
    // Who was too slow already is not waited for once more.
    if response.status() != StatusCode::REQUEST_TIMEOUT
        && let Ok(body) = left.try_recv()
    {
        // Whether it came to its end or to that of our patience, the answer goes out.
        let _ = tokio::time::timeout(PATIENCE, drain(body, most_bytes)).await;
    }
    Ok(response)
}

async fn drain(mut body: Incoming, most_bytes: usize) {
    let mut skipped = 0;
    while skipped <= most_bytes
        && !body.is_end_stream()
        && let Some(Ok(frame)) = body.frame().await
    {
        skipped += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// A body that is handed back when it is dropped, with what was not read of it.
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
            // There is no receiver once the answer is out.
            let _ = back.send(body);
        }
    }
}
