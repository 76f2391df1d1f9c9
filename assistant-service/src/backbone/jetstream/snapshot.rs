//! Where a replica begins whose log has lost its beginning because that was let go: with all entries as they were after some
//! record. A snapshot is taken long before it is needed, and named as the base when every event of the records up to it has been
//! let go; then the servers may forget those records.

use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, RawMessageErrorKind, Stream};
use bytes::Bytes;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::applier::Numbering;
use super::carried::{CARRIED, ENTRIES_PER_RECORD, WireCarried, fitting};
use super::publisher::MIXED;
use super::record::{self, InvalidRecord, encode_base, encode_snapshot};
use super::retaining::purge;
use crate::backbone::BackboneError;
use crate::backbone::store::{KeptEntry, Ledger, StoreReaders};

/// The last parts of the subjects of a snapshot's records, of the record that says it is whole, and of the base.
const SNAPSHOT: &str = "snapshot";
const WHOLE: &str = "whole";
const BASE: &str = "base";

/// What the subjects of records of events alone end with.
const EVENTS: &str = "events.>";

/// A snapshot that is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Base {
    name: String,
    /// The record after which entries were so.
    at: u64,
    /// Its records stand from here,
    first: u64,
    /// to here, among others,
    last: u64,
    /// so many of them.
    records: usize,
}

/// Why a snapshot was not read or written.
#[derive(Debug, Error)]
pub(super) enum CannotSnapshot {
    #[error("the log cannot be asked: {0}")]
    Ask(String),
    #[error("the log did not take it: {0}")]
    Publish(#[from] PublishError),
    #[error("of the snapshot's {records} records {found} are there")]
    Missing { found: usize, records: usize },
    #[error("record {sequence} of the log is not readable: {cause}")]
    Unreadable {
        sequence: u64,
        #[source]
        cause: InvalidRecord,
    },
    #[error(transparent)]
    Written(#[from] serde_json::Error),
    #[error(transparent)]
    Store(#[from] rusqlite::Error),
    #[error(transparent)]
    Read(#[from] BackboneError),
}

/// Fills a store in which there is nothing with the entries of the base, if the log has one.
pub(super) async fn begin(stream: &Stream, mut ledger: Ledger) -> Result<Ledger, CannotSnapshot> {
    let Some(base) = base_of(stream).await? else { return Ok(ledger) };
    let mut parts = Vec::new();
    for sequence in base.first..=base.last {
        let found = match stream.get_raw_message(sequence).await {
            Ok(found) => found,
            // One of the others, which was let go.
            Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => continue,
            Err(error) => return Err(CannotSnapshot::Ask(error.to_string())),
        };
        let record = record::decode(&found.payload).map_err(|cause| CannotSnapshot::Unreadable { sequence, cause })?;
        parts.extend(record.snapshot.filter(|(name, _)| *name == base.name).map(|(_, carried)| carried));
    }
    if parts.len() != base.records {
        return Err(CannotSnapshot::Missing { found: parts.len(), records: base.records });
    }
    tracing::info!(at = base.at, records = parts.len(), "beginning with the entries of a snapshot");
    ledger.together(|ledger| {
        parts.iter().try_for_each(|carried| carried.apply(ledger))?;
        ledger.begin_with_entries(base.at);
        Ok(())
    })?;
    Ok(ledger)
}

/// The record up to which the log was let go; whoever has not applied it cannot go on, and begins anew.
pub(super) async fn let_go_up_to(stream: &Stream) -> Result<u64, CannotSnapshot> {
    Ok(base_of(stream).await?.map_or(0, |base| base.at))
}

async fn base_of(stream: &Stream) -> Result<Option<Base>, CannotSnapshot> {
    let subject = super::stream::subject(&stream.cached_info().config.name);
    Ok(last_of(stream, &format!("{subject}.{BASE}")).await?.map(|(base, _)| base))
}

/// What takes snapshots and names bases.
pub(super) struct Snapshots<'a> {
    pub(super) jetstream: &'a Context,
    pub(super) stream: &'a Stream,
    /// What the subjects of all records begin with.
    pub(super) subject: &'a str,
    pub(super) numbering: Numbering,
    pub(super) readers: &'a StoreReaders,
}

impl Snapshots<'_> {
    /// Goes one step on: takes a snapshot when there are at least so many records with changes of entries and none is waiting, or
    /// names the one that waits as the base when it can be.
    pub(super) async fn step(&self, least_records: u64) -> Result<(), CannotSnapshot> {
        let base = last_of(self.stream, &self.of(BASE)).await?;
        let whole = last_of(self.stream, &self.of(WHOLE)).await?;
        let base_at = base.as_ref().map_or(0, |(base, _)| base.at);
        match whole {
            Some((whole, sequence)) if whole.at > base_at => {
                self.name_as_base(whole, sequence, base.map_or(0, |(_, sequence)| sequence)).await
            }
            _ if self.count(MIXED).await? >= least_records => self.take().await,
            _ => Ok(()),
        }
    }

    async fn take(&self) -> Result<(), CannotSnapshot> {
        let (at, entries) = self.readers.entries_at_once().await?;
        let name = Uuid::now_v7().simple().to_string();
        let mut records = Vec::new();
        for part in parts(&entries) {
            records.push(self.put(SNAPSHOT, encode_snapshot(&name, WireCarried::entries(part))?).await?);
        }
        // Without entries there is nothing between the two.
        let (first, last) = (records.first().copied().unwrap_or(1), records.last().copied().unwrap_or_default());
        let whole = Base { name, at, first, last, records: records.len() };
        self.put(WHOLE, encode_base(whole)?).await?;
        tracing::info!(at, entries = entries.len(), "a snapshot of all entries is in the log");
        Ok(())
    }

    async fn name_as_base(&self, whole: Base, whole_sequence: u64, last_base: u64) -> Result<(), CannotSnapshot> {
        let oldest = self.readers.oldest_position().await?.map(|position| self.numbering.record_of(position));
        if oldest.is_some_and(|oldest| oldest <= whole.at) {
            return Ok(());
        }
        let (at, first) = (whole.at, whole.first);
        // Of replicas that do this at the same time one names its base, and the others the next time see that it did.
        let message = PublishMessage::build().payload(encode_base(whole)?).expected_last_subject_sequence(last_base);
        let base_sequence = self.jetstream.send_publish(self.of(BASE), message).await?.await?.sequence;
        // From here on whoever begins does so after it, whatever is still there of what was before.
        let after = at.saturating_add(1);
        for kind in [MIXED, CARRIED, EVENTS] {
            self.purge(kind, after).await?;
        }
        self.purge(SNAPSHOT, first).await?;
        self.purge(WHOLE, whole_sequence).await?;
        self.purge(BASE, base_sequence).await?;
        tracing::info!(at, "the log was let go before a snapshot");
        Ok(())
    }

    fn of(&self, kind: &str) -> String {
        format!("{}.{kind}", self.subject)
    }

    /// Gives its place in the log.
    async fn put(&self, kind: &str, payload: Bytes) -> Result<u64, CannotSnapshot> {
        let message = PublishMessage::build().payload(payload).message_id(Uuid::now_v7().simple().to_string());
        Ok(self.jetstream.send_publish(self.of(kind), message).await?.await?.sequence)
    }

    async fn purge(&self, kind: &str, before: u64) -> Result<(), CannotSnapshot> {
        purge(self.stream, self.of(kind), before).await.map_err(|error| CannotSnapshot::Ask(error.to_string()))
    }

    async fn count(&self, kind: &str) -> Result<u64, CannotSnapshot> {
        let ask = |error: &dyn std::fmt::Display| CannotSnapshot::Ask(error.to_string());
        let subjects = self.stream.info_with_subjects(self.of(kind)).await.map_err(|error| ask(&error))?;
        let counts: Vec<_> = subjects.try_collect().await.map_err(|error| ask(&error))?;
        Ok(counts.iter().map(|(_, count)| u64::try_from(*count).unwrap_or(u64::MAX)).sum())
    }
}

/// As many entries as go into one record, by count and by size.
pub(super) fn parts(mut entries: &[KeptEntry]) -> Vec<&[KeptEntry]> {
    let mut parts = Vec::new();
    while !entries.is_empty() {
        let sizes = entries.iter().map(|entry| entry.value.len());
        let count = fitting(sizes.take(usize::try_from(ENTRIES_PER_RECORD).unwrap_or(usize::MAX)));
        let (part, rest) = entries.split_at(count.min(entries.len()));
        parts.push(part);
        entries = rest;
    }
    parts
}

/// The snapshot that the last record of a subject names, and the record's place.
async fn last_of(stream: &Stream, subject: &str) -> Result<Option<(Base, u64)>, CannotSnapshot> {
    match stream.get_last_raw_message_by_subject(subject).await {
        Ok(found) => {
            let unreadable = |cause| CannotSnapshot::Unreadable { sequence: found.sequence, cause };
            let record = record::decode(&found.payload).map_err(unreadable)?;
            Ok(record.base.map(|base| (base, found.sequence)))
        }
        Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => Ok(None),
        Err(error) => Err(CannotSnapshot::Ask(error.to_string())),
    }
}
