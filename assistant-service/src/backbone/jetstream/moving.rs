//! Moving a store of one machine into a log on NATS: everything that is kept, with its positions and revisions, so that tails and
//! keepers go on where they were. Until all of it is there, no replica joins the log.

use std::path::Path;

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use thiserror::Error;
use uuid::Uuid;

use super::applier::{POSITION, REVISION};
use super::carried::{CARRIED, ENTRIES_PER_RECORD, WireCarried, fitting};
use super::record::encode_carried;
use super::snapshot::parts;
use super::stream::{MOVING, make_stream, subject};
use super::{CannotConnect, CannotOpenStream, Connection, StreamSettings, connect};
use crate::backbone::store::{CannotOpen, Durability, KeptEvent, Ledger, StoreFolder};

/// One record has so much at most.
const EVENTS_PER_RECORD: u32 = 500;

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Events.
    pub events: u64,
    /// Entries.
    pub entries: u64,
}

/// Why a store was not moved. It is as it was.
#[derive(Debug, Error)]
pub enum CannotMove {
    /// No store.
    #[error(transparent)]
    Store(#[from] CannotOpen),
    /// No server.
    #[error(transparent)]
    Connect(#[from] CannotConnect),
    /// No stream.
    #[error(transparent)]
    Stream(#[from] CannotOpenStream),
    /// Somebody else's events are there.
    #[error("the stream {0} holds a log already: name another one with --nats-stream")]
    InUse(String),
    /// The log did not take a part of it.
    #[error("the log did not take all of it: {0}; do it again, it begins anew")]
    Log(String),
    /// What is kept cannot be written down.
    #[error("an event that is kept is not JSON: {0}")]
    Event(#[from] serde_json::Error),
}

impl From<rusqlite::Error> for CannotMove {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Moves the store below `folder`, which nobody uses, into the log that `settings` name. `told` hears how far it has come, and how
/// many events there are.
pub async fn migrate(
    folder: &Path,
    settings: &StreamSettings,
    mut told: impl FnMut(Moved, u64),
) -> Result<Moved, CannotMove> {
    let folder = StoreFolder::take(folder)?;
    let ledger = folder.ledger(Durability::Truth)?;
    if ledger.stand().sequence > 0 {
        return Err(CannotOpen::Copy.into());
    }
    let Connection { jetstream, .. } = connect(&settings.connection).await?;
    let stream = empty_stream(&jetstream, settings, &ledger).await?;
    let records = Records { jetstream: &jetstream, subject: format!("{}.{CARRIED}", subject(&settings.stream)) };
    let (all, mut moved) = (ledger.count_events()?, Moved::default());
    let mut after = 0;
    loop {
        let kept = bounded(ledger.kept_events(after, EVENTS_PER_RECORD)?);
        let Some(last) = kept.last() else { break };
        after = last.position;
        records.put(encode_carried(WireCarried::events(&kept)?)?).await?;
        moved.events = moved.events.saturating_add(u64::try_from(kept.len()).unwrap_or_default());
        told(moved, all);
    }
    let mut after = 0;
    loop {
        let kept = ledger.kept_entries(after, ENTRIES_PER_RECORD)?;
        let Some(last) = kept.last() else { break };
        after = last.revision;
        for part in parts(&kept) {
            records.put(encode_carried(WireCarried::entries(part))?).await?;
        }
        moved.entries = moved.entries.saturating_add(u64::try_from(kept.len()).unwrap_or_default());
        told(moved, all);
    }
    finish(&jetstream, stream).await?;
    Ok(moved)
}

/// The first of them, so far as one record has room.
fn bounded(mut kept: Vec<KeptEvent>) -> Vec<KeptEvent> {
    kept.truncate(fitting(kept.iter().map(|event| event.json.len())));
    kept
}

/// A stream with nothing in it, which no replica joins yet.
async fn empty_stream(jetstream: &Context, settings: &StreamSettings, ledger: &Ledger) -> Result<Stream, CannotMove> {
    let stand = ledger.stand();
    let about = [
        (MOVING.to_owned(), "true".to_owned()),
        (POSITION.to_owned(), stand.position.to_string()),
        (REVISION.to_owned(), stand.revision.to_string()),
    ];
    let (name, replicas) = (&settings.stream, settings.replicas);
    let found = make_stream(jetstream, name, replicas, about.clone().into()).await?;
    let info = found.cached_info();
    if !info.config.metadata.contains_key(MOVING) && info.state.last_sequence > 0 {
        return Err(CannotMove::InUse(name.clone()));
    }
    // What an earlier try has left, or what a replica has made that never wrote anything: another stream, so that one which runs
    // already notices, and none counts without what was there before.
    jetstream.delete_stream(name).await.map_err(|error| CannotMove::Log(error.to_string()))?;
    Ok(make_stream(jetstream, name, replicas, about.into()).await?)
}

async fn finish(jetstream: &Context, stream: Stream) -> Result<(), CannotMove> {
    let failed = |error: &dyn std::fmt::Display| CannotMove::Log(error.to_string());
    let mut config = stream.get_info().await.map_err(|error| failed(&error))?.config;
    config.metadata.remove(MOVING);
    jetstream.update_stream(config).await.map(drop).map_err(|error| failed(&error))
}

struct Records<'a> {
    jetstream: &'a jetstream::Context,
    subject: String,
}

impl Records<'_> {
    /// Returns when the log has it.
    async fn put(&self, payload: Bytes) -> Result<(), CannotMove> {
        let name = Uuid::now_v7().simple().to_string();
        let message = PublishMessage::build().payload(payload).message_id(name);
        let put = async { self.jetstream.send_publish(self.subject.clone(), message).await?.await };
        put.await.map(drop).map_err(|error| CannotMove::Log(error.to_string()))
    }
}
