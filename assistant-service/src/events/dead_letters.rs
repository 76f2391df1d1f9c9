//! Dead letters: what somebody may send and what could not be taken, kept until a person corrects it, sends it again, or
//! throws it away. Nothing of what policy refuses comes here: it is not its sender's to leave anywhere.
//!
//! Each is two entries under one key, a UUIDv7: the letter itself, and the little that a list shows. A letter comes, goes,
//! and becomes an event in one commit with the event that tells of it.

mod letter;
pub(crate) mod read;
pub(crate) mod replay;
mod room;

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::to_raw_value;
use time::Duration;
use tokio::sync::Mutex;

use super::cloud_event::{CloudEvent, Stamp};
use super::intake::Reason;
use crate::backbone::{Backbone, Batch, Committed, NewEvent, Put, Revision};
use crate::clock::Clock;
use crate::gate::Caller;
use crate::metrics::{Metrics, ReasonLabel};
use crate::problem::Problem;
pub(super) use letter::Letter;
use letter::Summary;
use room::Space;

const LETTERS: &str = "dead-letters";
const INDEX: &str = "dead-letters.index";

const DEAD_LETTERED: &str = "dev.watchgate.event.dead-lettered";
const REPLAYED: &str = "dev.watchgate.event.replayed";
const DISCARDED: &str = "dev.watchgate.event.discarded";

/// How long a letter is kept.
const KEPT_FOR: Duration = Duration::days(30);

/// All dead letters.
pub struct DeadLetters {
    backbone: Arc<dyn Backbone>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// What may come before they are counted again. Nothing at start: others may have left some.
    room: Mutex<Space>,
}

/// A letter, and what a change of it must give.
struct Kept {
    letter: Letter,
    letter_revision: Revision,
    index_revision: Revision,
}

/// What the event about a new letter says: nothing of what somebody sent.
#[derive(Serialize)]
struct DeadLettered<'a> {
    id: &'a str,
    reason: Reason,
}

/// What the event about a replay says.
#[derive(Serialize)]
struct Replayed<'a> {
    id: &'a str,
    event: Named<'a>,
    corrected: bool,
}

#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
}

/// Why a letter was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Because {
    Discarded,
    NoRoom,
}

#[derive(Serialize)]
struct Discarded<'a> {
    id: &'a str,
    because: Because,
}

impl DeadLetters {
    /// The dead letters in `backbone`.
    pub fn new(backbone: Arc<dyn Backbone>, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self { backbone, clock, metrics, room: Mutex::default() }
    }

    /// Commits events and dead letters as one step: of what one request brought, nothing is lost and nothing half kept.
    pub(super) async fn commit(&self, mut events: Vec<NewEvent>, letters: &[Letter]) -> Result<Committed, Problem> {
        let mut puts = Vec::new();
        for letter in letters {
            events.push(told_by_sender(letter)?);
            puts.extend(puts_of(letter)?);
        }
        if !letters.is_empty() {
            self.make_room(letters).await?;
        }
        let committed = self.backbone.commit(Batch { events, puts }).await?;
        for letter in letters {
            self.metrics.dead_letters.get_or_create(&ReasonLabel { reason: letter.reason.name() }).inc();
        }
        Ok(committed)
    }

    /// A letter that is still there.
    async fn find(&self, id: &str) -> Result<Kept, Problem> {
        let index = self.backbone.get(INDEX, id.to_owned()).await?.ok_or(Problem::NotFound)?;
        let entry = self.backbone.get(LETTERS, id.to_owned()).await?.ok_or(Problem::NotFound)?;
        let letter: Letter = serde_json::from_slice(&entry.value)
            .map_err(|error| Problem::mistake(format!("the dead letter {id} is not readable: {error}")))?;
        Ok(Kept { letter, letter_revision: entry.revision, index_revision: index.revision })
    }

    /// Makes an event of a letter: the event, the letter's end and what tells of it are one step.
    async fn replay(
        &self,
        kept: &Kept,
        taken: NewEvent,
        is_corrected: bool,
        replayer: &Caller,
    ) -> Result<Committed, Problem> {
        let event = Named { id: &taken.id, source: &taken.source, event_type: &taken.event_type };
        let told = Replayed { id: &kept.letter.id, event, corrected: is_corrected };
        let told = self.told(REPLAYED, &kept.letter.id, &told, Some(replayer))?;
        Ok(self.backbone.commit(Batch { events: vec![taken, told], puts: kept.removal().into() }).await?)
    }

    /// Throws a letter away.
    async fn discard(&self, kept: &Kept, caller: &Caller) -> Result<(), Problem> {
        let told = Discarded { id: &kept.letter.id, because: Because::Discarded };
        let told = self.told(DISCARDED, &kept.letter.id, &told, Some(caller))?;
        self.backbone.commit(Batch { events: vec![told], puts: kept.removal().into() }).await?;
        Ok(())
    }

    fn told(
        &self,
        event_type: &str,
        id: &str,
        data: &impl Serialize,
        caller: Option<&Caller>,
    ) -> Result<NewEvent, Problem> {
        let data = to_raw_value(data).map_err(Problem::internal)?;
        let event = CloudEvent::own(event_type.to_owned(), Some(id.to_owned()), data);
        let correlation_id = caller.map(Caller::transaction);
        let stamp = Stamp { caller, correlation_id, traceparent: None, arrived_at: self.clock.now() };
        NewEvent::try_from(event.stamped(&stamp)).map_err(Problem::internal)
    }
}

impl Kept {
    fn removal(&self) -> [Put; 2] {
        removal(&self.letter.id, self.letter_revision, self.index_revision)
    }
}

fn removal(id: &str, letter_revision: Revision, index_revision: Revision) -> [Put; 2] {
    [(LETTERS, letter_revision), (INDEX, index_revision)].map(|(bucket, revision)| Put {
        bucket,
        key: id.to_owned(),
        value: None,
        expected_revision: Some(revision),
        expires_at: None,
    })
}

/// That something of a sender could not be taken, told in the sender's name.
fn told_by_sender(letter: &Letter) -> Result<NewEvent, Problem> {
    let data = to_raw_value(&DeadLettered { id: &letter.id, reason: letter.reason }).map_err(Problem::internal)?;
    let event = CloudEvent::own(DEAD_LETTERED.to_owned(), Some(letter.id.clone()), data);
    let event = letter.submission.stamp(event, &letter.submission.principal.uri());
    NewEvent::try_from(event).map_err(Problem::internal)
}

fn puts_of(letter: &Letter) -> Result<[Put; 2], Problem> {
    let expires_at = Some(letter.submission.arrived_at.saturating_add(KEPT_FOR));
    let put =
        |bucket, value| Put { bucket, key: letter.id.clone(), value: Some(value), expected_revision: None, expires_at };
    let whole = serde_json::to_vec(letter).map_err(Problem::internal)?;
    let summary = serde_json::to_vec(&Summary::of(letter)).map_err(Problem::internal)?;
    Ok([put(LETTERS, whole), put(INDEX, summary)])
}

#[cfg(test)]
mod tests;
