//! Answers that hold their caller's seat until they are written: a large one is memory for as long as its reader takes.

use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

/// A smaller one fits what a connection holds anyhow.
const LARGE_BYTES: u64 = 64 * 1024;

/// As much is handed on at once, so that the rest is known not to be written.
const PIECE_BYTES: usize = 32 * 1024;

/// Within this it is written whole: who reads slower than that, and never stops, would hold a seat for nothing. The largest
/// answers have some 4 MiB.
pub(super) const WRITTEN_WITHIN: Duration = Duration::from_secs(120);

/// Has a large answer hold this seat. One that is made while it is written has no known size, and bounds of its own.
pub(super) fn holding<S: Send + Unpin + 'static>(seat: S, response: Response) -> Response {
    if response.body().size_hint().exact().is_none_or(|bytes| bytes < LARGE_BYTES) {
        return response;
    }
    response.map(|body| Body::new(Held { body, rest: Bytes::new(), since: Instant::now(), _seat: seat }))
}

struct Held<S> {
    body: Body,
    /// Of the piece that was had last.
    rest: Bytes,
    since: Instant,
    _seat: S,
}

impl<S: Unpin> HttpBody for Held<S> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // Looked at whenever there is room for more. Who reads nothing at all is the connection's concern.
        if self.since.elapsed() > WRITTEN_WITHIN {
            return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::from(ErrorKind::TimedOut)))));
        }
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return other,
            }
        }
        let bytes = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        self.body
            .size_hint()
            .exact()
            .map_or_else(SizeHint::default, |bytes| SizeHint::with_exact(bytes.saturating_add(rest)))
    }
}
