//! Bodies that no handler has read to the end: the rest is read and thrown away before the answer, so that the connection is
//! good for the next request. Where that would be too much or take too long, the answer goes out at once, and the
//! connection ends with it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::oneshot;
use tower::ServiceExt;

use super::timeouts::Activity;

/// How long a client may take to send the rest of a body that no handler reads.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers a request, once what was left of its body is out of the way: not more of it than a body may have, and not for
/// longer than a client that means well takes.
pub(crate) async fn answer(
    app: axum::Router,
    request: Request<Incoming>,
    most_bytes: usize,
    activity: Arc<Activity>,
) -> Result<Response<Body>, Infallible> {
    let (back, mut left) = oneshot::channel();
    let request = request.map(|body| Body::new(Returned { body: Some((body, back)), is_read: false }));
    let mut response = app.oneshot(request).await?;
    let Ok(body) = left.try_recv() else { return Ok(response) };
    if !is_worth_reading(&response, &body, most_bytes) || !drain(body, most_bytes).await {
        activity.leave_unread();
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Whether the rest of a body is waited for: a client that was too slow, or says that it sends too much, is not.
fn is_worth_reading(response: &Response<Body>, body: &Incoming, most_bytes: usize) -> bool {
    let is_hopeless = [StatusCode::REQUEST_TIMEOUT, StatusCode::PAYLOAD_TOO_LARGE].contains(&response.status());
    !is_hopeless && usize::try_from(body.size_hint().lower()).is_ok_and(|bytes| bytes <= most_bytes)
}

/// Reads the rest of a body; whether it has come to its end in time.
async fn drain(mut body: Incoming, most_bytes: usize) -> bool {
    let rest = async {
        let mut skipped = 0;
        while skipped <= most_bytes {
            match body.frame().await {
                Some(Ok(frame)) => skipped += frame.data_ref().map_or(0, Bytes::len),
                Some(Err(_)) => return false,
                None => return true,
            }
        }
        false
    };
    tokio::time::timeout(PATIENCE, rest).await.unwrap_or(false)
}

/// A body that is handed back when it is dropped, with what was not read of it.
struct Returned {
    /// There until it is dropped.
    body: Option<(Incoming, oneshot::Sender<Incoming>)>,
    /// Whether it was read to its end.
    is_read: bool,
}

impl hyper::body::Body for Returned {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some((body, _)) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        self.is_read = frame.is_none();
        Poll::Ready(frame)
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
        if let Some((body, back)) = self.body.take()
            && !self.is_read
            && !body.is_end_stream()
        {
            // There is no receiver once the answer is out.
            let _ = back.send(body);
        }
    }
}
