//! The way of a span to the collector: into a queue with a bound, and from there in batches. Whoever ends a span never waits; what
//! finds no room, and what the collector does not take, is counted.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter as _, SpanProcessor};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::metrics::ReasonLabel;

/// Spans beyond these are dropped: they are worth less than memory.
pub(super) const SPANS_IN_QUEUE: usize = 2048;
const SPANS_AT_ONCE: usize = 256;

const QUEUE_FULL: &str = "queue_full";
const NOT_TAKEN: &str = "not_taken";

/// Why spans never reach a collector.
pub(crate) const WHY_DROPPED: [&str; 2] = [QUEUE_FULL, NOT_TAKEN];

/// Spans that never reached a collector, by reason.
pub(super) type Dropped = Family<ReasonLabel, Counter>;

/// The end of the queue that spans come in by.
#[derive(Debug)]
pub(super) struct Queue {
    sender: mpsc::Sender<SpanData>,
    dropped: Dropped,
}

/// The other end.
pub(super) struct Sending {
    queue: mpsc::Receiver<SpanData>,
    exporter: SpanExporter,
    every: Duration,
    dropped: Dropped,
    closing: watch::Receiver<bool>,
}

/// Both ends.
pub(super) fn queue(
    exporter: SpanExporter,
    every: Duration,
    room: usize,
    dropped: Dropped,
    closing: watch::Receiver<bool>,
) -> (Queue, Sending) {
    let (sender, queue) = mpsc::channel(room);
    (Queue { sender, dropped: dropped.clone() }, Sending { queue, exporter, every, dropped, closing })
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.sender.try_send(span).is_err() {
            self.dropped.get_or_create(&ReasonLabel { reason: QUEUE_FULL }).inc();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Sending {
    /// Sends until it is told to end, and then what is still there.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            let is_closing = *self.closing.borrow();
            let due = Instant::now().checked_add(self.every).unwrap_or_else(Instant::now);
            while batch.len() < SPANS_AT_ONCE {
                let span = if is_closing { self.queue.try_recv().ok() } else { self.next(due).await };
                match span {
                    Some(span) => batch.push(span),
                    None => break,
                }
            }
            let is_empty = batch.is_empty();
            self.send(std::mem::take(&mut batch)).await;
            if is_closing && is_empty {
                return;
            }
        }
    }

    /// The next span, unless the time has come to send what there is.
    async fn next(&mut self, due: Instant) -> Option<SpanData> {
        tokio::select! {
            span = self.queue.recv() => span,
            () = tokio::time::sleep_until(due) => None,
            _ = self.closing.changed() => None,
        }
    }

    async fn send(&self, batch: Vec<SpanData>) {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        if count == 0 {
            return;
        }
        if let Err(error) = self.exporter.export(batch).await {
            tracing::debug!(%error, "spans did not reach the collector");
            self.dropped.get_or_create(&ReasonLabel { reason: NOT_TAKEN }).inc_by(count);
        }
    }
}
