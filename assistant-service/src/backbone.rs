//! What everything durable stands on: one log of events and buckets of entries, changed together or not at all.
//!
//! The port is small so that it has more than one form ([`sqlite`] is the embedded one). All forms keep what they know in a
//! `store` file and change it by the same code. Nothing of this is for callers outside the service.

mod event_json;
pub(crate) mod following;
pub mod jetstream;
#[cfg(test)]
pub(crate) mod passed_on;
pub mod retention;
pub mod sqlite;
mod store;

use futures_util::future::BoxFuture;
use thiserror::Error;
use time::OffsetDateTime;
use tokio::sync::watch;

pub use event_json::InvalidEventJson;
pub use store::CannotOpen;
pub(crate) use store::{StoreReader, rebuild};

/// Where an event stands in the log: growing, never given twice, with gaps.
pub type Position = u64;

/// The version of an entry: growing over the whole store, so that an entry that was removed and put again is no
/// match for what somebody read before.
pub type Revision = u64;

/// A store of events and entries.
pub trait Backbone: Send + Sync {
    /// Makes all of `batch` durable, or changes nothing.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, BackboneError>>;

    /// One entry, if it is there.
    fn get(&self, bucket: &'static str, key: String) -> BoxFuture<'_, Result<Option<Entry>, BackboneError>>;

    /// At most `limit` entries of a bucket with the largest keys below `before`, largest key first.
    fn list(
        &self,
        bucket: &'static str,
        before: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Entry>, BackboneError>>;

    /// At most `limit` entries of a bucket that have changed after a revision, the oldest change first. One that was removed
    /// is told for an hour; one that has expired is not told.
    fn changes(
        &self,
        bucket: &'static str,
        after: Revision,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, BackboneError>>;

    /// The events that match, in the order asked for.
    fn query(&self, filter: EventFilter) -> BoxFuture<'_, Result<Page, BackboneError>>;

    /// The newest position that is durable; changes as events come in, through whichever replica.
    fn newest_position(&self) -> watch::Receiver<Position>;

    /// The newest revision that is durable; changes as entries do, through whichever replica.
    fn newest_revision(&self) -> watch::Receiver<Revision>;

    /// Whether this replica knows what the others do.
    fn standing(&self) -> watch::Receiver<Standing>;
}

/// Whether a replica hears what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It knew everything a moment ago.
    Current,
    /// It is cut off from the log, or still reads what was said before it came.
    Behind,
}

/// What is to be made durable in one step.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Events to append, in this order.
    pub events: Vec<NewEvent>,
    /// Entries to change.
    pub puts: Vec<Put>,
}

/// How long the identity of an event is known: a second one within this time is not appended, as long as the first is kept.
pub const IDENTITY_HOURS: i64 = 24;

/// An event to append. Its source and id together are its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Who made it.
    pub source: String,
    /// Unique within the source.
    pub id: String,
    /// What kind of event it is.
    pub event_type: String,
    /// What it is about.
    pub subject: Option<String>,
    /// What it belongs to.
    pub correlation_id: Option<String>,
    /// Who made it happen, as a URI.
    pub principal: Option<String>,
    /// The whole event in CloudEvents' JSON format.
    pub json: String,
}

/// A change of one entry, made only if the entry is what its writer believes it to be.
#[derive(Clone, Debug)]
pub struct Put {
    /// The bucket.
    pub bucket: &'static str,
    /// The entry's name in it.
    pub key: String,
    /// What it becomes; `None` removes it.
    pub value: Option<Vec<u8>>,
    /// The revision that was read; `None` when it must not be there yet.
    pub expected_revision: Option<Revision>,
    /// From when on it counts as absent.
    pub expires_at: Option<OffsetDateTime>,
}

/// What became of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// One for each event of the batch.
    pub events: Vec<Appended>,
    /// One for each put of the batch.
    pub revisions: Vec<Revision>,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its position, or that of the first one with the same identity.
    pub position: Position,
    /// Whether one with the same identity was there before; then the first one is kept as it was.
    pub is_duplicate: bool,
}

/// An entry as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the bucket.
    pub key: String,
    /// Its content.
    pub value: Vec<u8>,
    /// Its version, to be given back in [`Put::expected_revision`].
    pub revision: Revision,
}

/// An entry that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name in the bucket.
    pub key: String,
    /// What it is now; `None` when it was removed.
    pub value: Option<Vec<u8>>,
    /// Its version now.
    pub revision: Revision,
}

/// Which events are asked for.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Of this type, or of all types below it.
    pub event_type: Option<TypeFilter>,
    /// Of this source.
    pub source: Option<String>,
    /// About this subject.
    pub subject: Option<String>,
    /// Belonging to this.
    pub correlation_id: Option<String>,
    /// That this principal, as a URI, made happen.
    pub principal: Option<String>,
    /// With this text somewhere in their JSON, byte by byte.
    pub text: Option<String>,
    /// That came in at this time or later.
    pub since: Option<OffsetDateTime>,
    /// That came in before this time.
    pub until: Option<OffsetDateTime>,
    /// Beyond this position, in the direction of `order`.
    pub after: Option<Position>,
    /// At most so many; fewer when they are large.
    pub limit: u32,
    /// From old to new or the other way.
    pub order: Order,
    /// How much of the log must be known.
    pub freshness: Freshness,
}

/// How much of the log an answer takes into account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// All that was answered to anybody before the question.
    #[default]
    Current,
    /// What is known here, for those who come again as soon as more is.
    Known,
}

/// A whole type, or what lies below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeFilter {
    /// The type itself.
    Exact(String),
    /// Every type that begins with this and a dot.
    Below(String),
}

impl TypeFilter {
    /// A type, or `prefix.*` for all below one.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text.strip_suffix(".*") {
            Some(prefix) => Self::Below(prefix.to_owned()),
            None => Self::Exact(text.to_owned()),
        }
    }
}

/// The direction of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Old ones first.
    #[default]
    Ascending,
    /// New ones first.
    Descending,
}

/// A part of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What matched, in the order asked for.
    pub events: Vec<StoredEvent>,
    /// Where to go on, which may be beyond the last event: one look ends early when little matches. `None` when there is no
    /// more.
    pub next_after: Option<Position>,
}

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Where it stands.
    pub position: Position,
    /// The event in CloudEvents' JSON format.
    pub json: String,
}

/// Why the store did not do what it was asked for.
#[derive(Clone, Debug, Error)]
pub enum BackboneError {
    /// An entry was not what its writer believed; nothing was changed.
    #[error("the entry {bucket}/{key} has changed since it was read")]
    Conflict {
        /// The bucket.
        bucket: &'static str,
        /// The entry's name in it.
        key: String,
    },
    /// A batch has more than one step can take; nothing was changed.
    #[error("the batch is larger than the store takes in one step")]
    TooLarge,
    /// There is no room. Nothing was changed, and nothing that was answered is lost.
    #[error("the store is full")]
    Full,
    /// The store failed. Nothing may be believed durable.
    #[error("the store failed: {0}")]
    Unavailable(String),
}
