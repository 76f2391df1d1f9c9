//! Reads the log from where this replica stands, for ever, and hands each record to whoever applies it, in order and without a gap.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::stream::Stream;
use bytes::Bytes;
use futures_util::StreamExt;
use time::OffsetDateTime;
use tokio::sync::{Notify, watch};

use super::applier::Applied;
use super::barrier::{Place, look};
use super::in_hand::{Handing, Room};

/// Records that are asked for at once: the client keeps half as many more, each of some megabytes at most. With fewer it waits now and then.
const RECORDS_AT_ONCE: i64 = 32;

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
    /// What it takes of the room for records in hand.
    pub(super) _room: Room,
}

/// Where a follower is, and whom it tells.
pub(super) struct Follower {
    pub(super) stream: Stream,
    /// The last record that was handed over.
    pub(super) last: Applied,
    pub(super) handing: Handing,
    pub(super) applied: watch::Sender<Applied>,
    /// Asks it to ask anew.
    pub(super) again: Arc<Notify>,
}

impl Follower {
    /// Reads until nobody applies any more, or the log turns out to be another one.
    pub(super) async fn run(mut self) {
        let again = Arc::clone(&self.again);
        loop {
            tokio::select! {
                outcome = self.read() => match outcome {
                    Ok(()) => return,
                    Err(error) => tracing::debug!(%error, after = self.last.sequence, "reading the log was interrupted"),
                },
                () = again.notified() => tracing::debug!("the log is asked anew"),
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    async fn read(&mut self) -> Result<(), async_nats::Error> {
        let config = OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.last.sequence.saturating_add(1) },
            max_batch: RECORDS_AT_ONCE,
            max_expires: ASK_FOR,
            ..OrderedConfig::default()
        };
        let mut messages = self.stream.create_consumer(config).await?.messages().await?;
        let mut consumer = String::new();
        while let Some(message) = messages.next().await {
            let message = message?;
            let info = message.info()?;
            let (sequence, time) = (info.stream_sequence, info.published);
            // The client makes its consumer anew when the server has lost it, and the server may have lost more than that.
            if info.consumer != consumer {
                info.consumer.clone_into(&mut consumer);
                if !self.is_same_log().await? {
                    return Ok(());
                }
            }
            if sequence <= self.last.sequence {
                continue;
            }
            let name = message.headers.as_ref().and_then(|headers| headers.get(async_nats::header::NATS_MESSAGE_ID));
            let name = name.map(|name| name.as_str().to_owned()).unwrap_or_default();
            let last = name.clone();
            let payload = message.message.payload;
            let Ok(room) = self.handing.room_for(payload.len()).await else { return Ok(()) };
            if self.handing.hand_over(Arrived { sequence, time, name, payload, _room: room }).await.is_err() {
                return Ok(());
            }
            // After it was handed over: until then this may be cut off and begin anew.
            (self.last.sequence, self.last.name) = (sequence, last);
        }
        Err("the log ended".into())
    }

    /// Whether what comes next stands behind what came last.
    async fn is_same_log(&self) -> Result<bool, async_nats::Error> {
        match look(&self.stream, &self.last).await? {
            Place::Same => Ok(true),
            Place::Lost(why) => {
                tracing::error!(why, "this replica has read what the log has lost; it must begin anew");
                self.applied.send_modify(|applied| applied.stuck = Some(why));
                Ok(false)
            }
        }
    }
}
