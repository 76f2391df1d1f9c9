use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::to_bytes;
use futures_util::FutureExt;

use super::*;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_cause_of_a_mistake_is_logged_once_and_told_to_nobody() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let response = tracing::subscriber::with_default(subscriber, || {
        let cause = anyhow::Error::new(std::io::Error::other("inner cause")).context("outer cause");
        Problem::internal(cause).into_response()
    });
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.matches("outer cause: inner cause").count(), 1, "{text}");
    let body = to_bytes(response.into_body(), usize::MAX).now_or_never().unwrap().unwrap();
    assert!(!String::from_utf8(body.to_vec()).unwrap().contains("cause"));
}

#[test]
fn only_what_waiting_helps_is_to_be_tried_again() {
    let unavailable = BackboneError::Unavailable("full".to_owned());
    for (problem, status, retry_after) in [
        (Problem::Busy, 503, true),
        (Problem::Store(unavailable), 503, true),
        (Problem::TooManyStreams, 429, true),
        (Problem::TooManyAtOnce, 429, true),
        (Problem::TookTooLong, 503, false),
        (Problem::Store(BackboneError::Full), 507, false),
        (Problem::Store(BackboneError::TooLarge), 413, false),
        (Problem::NotFound, 404, false),
    ] {
        let name = format!("{problem:?}");
        let response = problem.into_response();
        let found = (response.status().as_u16(), response.headers().contains_key(RETRY_AFTER));
        assert_eq!(found, (status, retry_after), "{name}");
    }
}
