//! One writer: what it is not sure of it offers again, as a good client does, until it is answered.

use std::sync::Arc;
use std::time::Duration;

use assistant_service::backbone::{Backbone, BackboneError, Batch, Committed, Entry};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::journal::{Journal, Line};
use crate::operation::{BUCKET, COUNTER, Kind, Operation};

/// After a refusal or a failure.
const AGAIN_AFTER: Duration = Duration::from_millis(25);

/// Each such operation is offered once more after its answer.
const OFFERED_TWICE: u64 = 7;

pub(super) struct Writer {
    pub(super) store: Arc<dyn Backbone>,
    pub(super) journal: Arc<Journal>,
    pub(super) next: Operation,
    pub(super) pause: Duration,
    pub(super) padding: usize,
    pub(super) ending: watch::Receiver<bool>,
}

impl Writer {
    pub(super) async fn run(mut self) {
        while !*self.ending.borrow() {
            let is_answered = match self.next.kind() {
                Kind::Count => self.count().await,
                Kind::Single | Kind::Batch | Kind::Both => self.offer().await,
            };
            if is_answered {
                self.next = self.next.next();
            }
            sleep(if is_answered { self.pause } else { AGAIN_AFTER }).await;
        }
    }

    /// Whether it was acknowledged.
    async fn offer(&self) -> bool {
        let operation = self.next;
        self.journal.put_down(&Line::Tried(operation));
        let line = match self.store.commit(operation.batch(self.padding)).await {
            Ok(committed) => kept(operation, &committed),
            // It was applied before, when no answer came: its entry is there already.
            Err(BackboneError::Conflict { .. }) => self.look_for_entry().await,
            Err(error) => failed(operation, &error),
        };
        self.journal.put_down(&line);
        let Line::Kept(_, position) = line else { return false };
        if operation.number.is_multiple_of(OFFERED_TWICE) && operation.kind() != Kind::Both {
            self.offer_again(operation.batch(self.padding), position).await;
        }
        true
    }

    async fn offer_again(&self, batch: Batch, position: u64) {
        let operation = self.next;
        // No answer is no promise.
        let Ok(committed) = self.store.commit(batch).await else { return };
        let is_first = committed.events.first().is_some_and(|event| event.position == position);
        let line = if is_first && committed.events.iter().all(|event| event.is_duplicate) {
            Line::Again(operation)
        } else {
            Line::Wrong(operation, format!("offered again at {position}: {:?}", committed.events))
        };
        self.journal.put_down(&line);
    }

    async fn look_for_entry(&self) -> Line {
        let operation = self.next;
        match self.store.get(BUCKET, operation.key()).await {
            Ok(Some(Entry { value, .. })) if value == operation.key().as_bytes() => Line::Kept(operation, 0),
            Ok(found) => Line::Wrong(operation, format!("a conflict with {found:?}")),
            Err(error) => failed(operation, &error),
        }
    }

    /// A number that was not counted is left out: somebody else may have been faster, or nobody knows.
    async fn count(&self) -> bool {
        let operation = self.next;
        let entry = match self.store.get(BUCKET, COUNTER.to_owned()).await {
            Ok(entry) => entry,
            Err(_) => return false,
        };
        let revision = entry.as_ref().map(|entry| entry.revision);
        let value = entry.map(|entry| String::from_utf8_lossy(&entry.value).into_owned());
        let Ok(count) = value.as_deref().unwrap_or("0").parse::<u64>() else {
            self.journal.put_down(&Line::Wrong(operation, format!("the counter is {value:?}")));
            return false;
        };
        self.journal.put_down(&Line::Tried(operation));
        let line = match self.store.commit(operation.count(count + 1, revision, self.padding)).await {
            Ok(committed) => kept(operation, &committed),
            Err(error) => failed(operation, &error),
        };
        self.journal.put_down(&line);
        true
    }
}

fn kept(operation: Operation, Committed { events, .. }: &Committed) -> Line {
    let duplicates = events.iter().filter(|event| event.is_duplicate).count();
    let is_in_order = events.iter().map(|event| event.position).is_sorted();
    match events.first() {
        Some(first) if (duplicates == 0 || duplicates == events.len()) && is_in_order => {
            Line::Kept(operation, first.position)
        }
        _ => Line::Wrong(operation, format!("half of it was there: {events:?}")),
    }
}

fn failed(operation: Operation, error: &BackboneError) -> Line {
    match error {
        BackboneError::Conflict { .. } => Line::Refused(operation, "conflict".to_owned()),
        BackboneError::Full => Line::Refused(operation, "full".to_owned()),
        BackboneError::TooLarge => Line::Refused(operation, "too_large".to_owned()),
        BackboneError::Unavailable(why) => Line::Unknown(operation, why.clone()),
    }
}
