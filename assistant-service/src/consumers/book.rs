//! All consumers: makes, reads, changes and removes them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use trust_core::principal::Principal;

use super::names::{self, Names};
use super::record::{Delivery, Record};
use super::settings::Settings;
use crate::backbone::{Backbone, BackboneError, Batch, Freshness, Position, Put, Revision};
use crate::clock::{Clock, Sightings};
use crate::events::{DeadLetters, Letter};
use crate::metrics::Metrics;
use crate::problem::Problem;

pub(super) const CONSUMERS: &str = "consumers";
const NAMES: &str = "consumers.names";
const ALL: &str = "all";

/// Replicas that hand out of one consumer at once meet in its entry; so often in a row is no chance.
pub(super) const ATTEMPTS: u32 = 24;

/// The consumers of the log.
pub struct Consumers {
    pub(super) backbone: Arc<dyn Backbone>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    dead_letters: Arc<DeadLetters>,
    local: Mutex<HashMap<String, Arc<Local>>>,
}

/// What this process knows of a consumer beside its entry. Nothing is lost with it.
#[derive(Default)]
pub(super) struct Local {
    /// One look at a time: whoever waits for his turn here meets no conflict.
    pub(super) turn: tokio::sync::Mutex<()>,
    pub(super) seen: Sightings<Position, Delivery>,
    /// Up to where nothing more was found, by the consumer's birth, and when that was last written down.
    pub(super) looked: Mutex<Looked>,
    /// Changes when the entry has changed.
    pub(super) changed: watch::Sender<u64>,
    /// The newest revision of the entry that this process has made.
    written: AtomicU64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Looked {
    pub(super) born: u64,
    pub(super) up_to: Position,
    pub(super) written_at: Duration,
}

impl Local {
    pub(super) fn has_changed(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn has_written(&self, revision: Revision) -> bool {
        revision <= self.written.load(Ordering::Relaxed)
    }
}

/// What is said and kept of events that are given up, in one step with the record.
#[derive(Default)]
pub(super) struct GaveUp {
    pub(super) batch: Batch,
    pub(super) letters: Vec<Letter>,
}

/// A record, and the revision that a change of it must give.
pub(super) struct Kept {
    pub(super) record: Record,
    pub(super) revision: Revision,
}

impl Consumers {
    /// The consumers in `backbone`.
    pub fn new(
        backbone: Arc<dyn Backbone>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        dead_letters: Arc<DeadLetters>,
    ) -> Self {
        Self { backbone, clock, metrics, dead_letters, local: Mutex::default() }
    }

    /// Makes a consumer, or changes the numbers of the one that is there. Says whether it is new.
    pub(crate) async fn put(&self, owner: &Principal, name: &str, settings: Settings) -> Result<bool, Problem> {
        let mut errors = settings.mistakes();
        errors.extend(names::check(name).err());
        if !errors.is_empty() {
            return Err(errors.into());
        }
        for attempt in 0..ATTEMPTS {
            let done = match self.find(owner, name).await {
                Ok(Kept { record, .. }) if record.settings == settings => return Ok(false),
                Ok(kept) if kept.record.settings.may_become(&settings) => {
                    let record = Record { settings: settings.clone(), ..kept.record };
                    self.write(Kept { record, ..kept }, GaveUp::default()).await.map(|()| false)
                }
                Ok(_) => return Err(Problem::ConsumerDiffers),
                Err(Problem::NotFound) => self.make(owner, name, settings.clone()).await.map(|()| true),
                Err(problem) => Err(problem),
            };
            match done {
                Err(Problem::Store(BackboneError::Conflict { .. })) => pause(attempt).await,
                done => return done,
            }
        }
        Err(conflict(owner, name))
    }

    async fn make(&self, owner: &Principal, name: &str, settings: Settings) -> Result<(), Problem> {
        let (mut names, names_revision) = self.names().await?;
        names.add(owner, name)?;
        let cursor = self.first_cursor(&settings).await?;
        // A fence grows by one with each commit of its consumer, so it stays below the revisions.
        let born = *self.backbone.newest_revision().borrow();
        let record = Record::new(name.to_owned(), owner.clone(), settings, cursor, born);
        let record = serde_json::to_vec(&record).map_err(Problem::internal)?;
        let names = serde_json::to_vec(&names).map_err(Problem::internal)?;
        let puts = vec![
            put(CONSUMERS, names::key(owner, name), Some(record), None),
            put(NAMES, ALL.to_owned(), Some(names), names_revision),
        ];
        self.backbone.commit(Batch { events: Vec::new(), puts }).await?;
        Ok(())
    }

    /// To be called after a current read: only then is the newest position one of now.
    async fn first_cursor(&self, settings: &Settings) -> Result<Position, Problem> {
        let newest = *self.backbone.newest_position().borrow();
        if settings.begin.time.is_none() {
            return Ok(settings.begin.after.unwrap_or(newest));
        }
        // The time stays a part of the filter: this only spares a look at all that came before.
        let everything = Settings { begin: settings.begin.clone(), ..Settings::default() };
        let page = self.backbone.query(everything.event_filter(0, 1, Freshness::Current)).await?;
        Ok(page.events.first().map_or(page.next_after.unwrap_or(0), |event| event.position.saturating_sub(1)))
    }

    /// Removes a consumer, with all that is in flight.
    pub(crate) async fn remove(&self, owner: &Principal, name: &str) -> Result<(), Problem> {
        for attempt in 0..ATTEMPTS {
            let kept = self.find(owner, name).await?;
            let (mut names, names_revision) = self.names().await?;
            names.remove(owner, name);
            let names = serde_json::to_vec(&names).map_err(Problem::internal)?;
            let key = names::key(owner, name);
            let puts = vec![
                put(CONSUMERS, key.clone(), None, Some(kept.revision)),
                put(NAMES, ALL.to_owned(), Some(names), names_revision),
            ];
            match self.backbone.commit(Batch { events: Vec::new(), puts }).await {
                Ok(_) => {
                    self.locals().remove(&key);
                    return Ok(());
                }
                Err(BackboneError::Conflict { .. }) => pause(attempt).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(conflict(owner, name))
    }

    /// The names of an owner's consumers.
    pub(crate) async fn names_of(&self, owner: &Principal) -> Result<Vec<String>, Problem> {
        Ok(self.names().await?.0.of(owner))
    }

    async fn names(&self) -> Result<(Names, Option<Revision>), Problem> {
        match self.backbone.get(NAMES, ALL.to_owned()).await? {
            Some(entry) => Ok((serde_json::from_slice(&entry.value).map_err(Problem::internal)?, Some(entry.revision))),
            None => Ok((Names::default(), None)),
        }
    }

    pub(super) async fn find(&self, owner: &Principal, name: &str) -> Result<Kept, Problem> {
        let entry = self.backbone.get(CONSUMERS, names::key(owner, name)).await?.ok_or(Problem::NotFound)?;
        let record: Record = serde_json::from_slice(&entry.value).map_err(Problem::internal)?;
        // Two owners whose digests meet are still two.
        if record.owner != *owner {
            return Err(Problem::NotFound);
        }
        Ok(Kept { record, revision: entry.revision })
    }

    /// Commits a changed record with what is given up; what this process sees of it begins here.
    pub(super) async fn write(&self, kept: Kept, gave_up: GaveUp) -> Result<(), Problem> {
        let Kept { record, revision } = kept;
        let key = names::key(&record.owner, &record.name);
        let value = serde_json::to_vec(&record).map_err(Problem::internal)?;
        let GaveUp { mut batch, letters } = gave_up;
        batch.puts.extend(self.dead_letters.beside(&letters).await?);
        batch.puts.push(put(CONSUMERS, key.clone(), Some(value), Some(revision)));
        let committed = self.backbone.commit(batch).await?;
        self.dead_letters.count_given_up(letters.len());
        let local = self.local(&key);
        self.see(&local, &record);
        local.written.fetch_max(committed.revisions.last().copied().unwrap_or_default(), Ordering::Relaxed);
        local.has_changed();
        Ok(())
    }

    /// Sees every delivery as it is.
    pub(super) fn see(&self, local: &Local, record: &Record) {
        let elapsed = self.clock.elapsed();
        for (position, delivery) in &record.in_flight {
            local.seen.seen_for(*position, *delivery, elapsed);
        }
        local.seen.keep(elapsed, |position| record.in_flight.contains_key(position));
    }

    pub(super) fn local(&self, key: &str) -> Arc<Local> {
        Arc::clone(self.locals().entry(key.to_owned()).or_default())
    }

    /// The same, where this process knows anything of the consumer.
    pub(super) fn known(&self, key: &str) -> Option<Arc<Local>> {
        self.locals().get(key).cloned()
    }

    fn locals(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Local>>> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(bucket: &'static str, key: String, value: Option<Vec<u8>>, expected_revision: Option<Revision>) -> Put {
    Put { bucket, key, value, expected_revision, expires_at: None }
}

pub(super) fn conflict(owner: &Principal, name: &str) -> Problem {
    BackboneError::Conflict { bucket: CONSUMERS, key: names::key(owner, name) }.into()
}

/// Between two attempts at an entry that another replica has just changed: longer each time, and not the same for both.
pub(super) async fn pause(attempt: u32) {
    let spread = uuid::Uuid::now_v7().as_bytes().last().copied().unwrap_or_default() % 4;
    let millis = u64::from(attempt.min(8)).saturating_mul(u64::from(spread).saturating_add(1));
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
