//! Reads the log from where this replica stands, for ever, and hands each record to whoever applies it, in order and without a gap.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::stream::Stream;
use bytes::Bytes;
use futures_util::StreamExt;
use time::OffsetDateTime;
use tokio::sync::{Notify, mpsc};

/// Records that are asked for at once: each may have some megabytes.
const RECORDS_AT_ONCE: i64 = 64;

/// For so long one question for records is open; a server that is gone is noticed within this.
const ASK_FOR: Duration = Duration::from_secs(2);

const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A record as it comes out of the log.
#[derive(Debug)]
pub(super) struct Arrived {
    /// Its place in the log.
    pub(super) sequence: u64,
    /// When the log took it.
    pub(super) time: OffsetDateTime,
    /// The name that its publisher gave it.
    pub(super) name: String,
    pub(super) payload: Bytes,
}

/// Reads from `next` on, until nobody applies any more. `again` asks it to ask anew.
pub(super) async fn follow(stream: Stream, mut next: u64, arrived: mpsc::Sender<Arrived>, again: Arc<Notify>) {
    loop {
        let read = read(&stream, &mut next, &arrived);
        tokio::select! {
            outcome = read => match outcome {
                Ok(()) => return,
                Err(error) => tracing::debug!(%error, next, "reading the log was interrupted"),
            },
            () = again.notified() => tracing::debug!(next, "the log is asked anew"),
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn read(stream: &Stream, next: &mut u64, arrived: &mpsc::Sender<Arrived>) -> Result<(), async_nats::Error> {
    let config = OrderedConfig {
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: *next },
        max_batch: RECORDS_AT_ONCE,
        max_expires: ASK_FOR,
        ..OrderedConfig::default()
    };
    let mut messages = stream.create_consumer(config).await?.messages().await?;
    while let Some(message) = messages.next().await {
        let message = message?;
        let info = message.info()?;
        let (sequence, time) = (info.stream_sequence, info.published);
        if sequence < *next {
            continue;
        }
        let name = message.headers.as_ref().and_then(|headers| headers.get(async_nats::header::NATS_MESSAGE_ID));
        let name = name.map(|name| name.as_str().to_owned()).unwrap_or_default();
        let record = Arrived { sequence, time, name, payload: message.message.payload };
        if arrived.send(record).await.is_err() {
            return Ok(());
        }
        *next = sequence.saturating_add(1);
    }
    Err("the log ended".into())
}
