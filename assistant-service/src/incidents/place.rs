//! How far the log has been judged, and all that must be known to judge it alike once more: what time did between its events, and which
//! checkpoint there is. Every change of anything that is kept of incidents is one commit with it: whoever believes to follow the log
//! and does not any more changes nothing.

use std::ops::RangeInclusive;
use std::sync::Arc;

use diagnosis::Millis;
use serde::{Deserialize, Serialize};

use super::interrupted::Interrupted;
use crate::backbone::{Backbone, Batch, NewEvent, Position, Put, Revision};

const BUCKET: &str = "incidents.place";
const KEY: &str = "log";

/// What is written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    /// Up to here everything was judged, and what came of it is told.
    pub(super) cursor: Position,
    /// How many events with samples were judged, of all times.
    pub(super) heard: u64,
    /// What was said to the engine between the events since the checkpoint, in this order.
    pub(super) said: Vec<Said>,
    pub(super) checkpoint: Head,
}

/// That all that the engine knew is kept, as it was then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// Which one it is.
    pub(super) number: u64,
    pub(super) position: Position,
    pub(super) heard: u64,
    /// The first checkpoint after all was begun anew: what was kept of series for those before is read no more.
    #[serde(default)]
    pub(super) since: u64,
}

impl Head {
    /// The checkpoints for which what is kept may have been written.
    pub(super) fn written(&self) -> RangeInclusive<u64> {
        self.since..=self.number
    }
}

/// What the clock said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    /// When all events up to here had been judged.
    pub(super) after: Position,
    pub(super) what: What,
    pub(super) now: Millis,
}

/// What it meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// Time has passed.
    Tick,
    /// Nobody listened until now.
    Resume,
}

/// The place as it is kept.
pub(super) struct KeptPlace {
    pub(super) place: Place,
    backbone: Arc<dyn Backbone>,
    /// `None` as long as there is none.
    revision: Option<Revision>,
}

impl KeptPlace {
    /// The place that is kept, or one at `first` that is written with the first commit.
    pub(super) async fn open(backbone: Arc<dyn Backbone>, first: Position) -> Result<Self, Interrupted> {
        let entry = backbone.get(BUCKET, KEY.to_owned()).await?;
        let (place, revision) = match entry {
            Some(entry) => (serde_json::from_slice(&entry.value)?, Some(entry.revision)),
            None => {
                let checkpoint = Head { position: first, ..Head::default() };
                (Place { cursor: first, heard: 0, said: Vec::new(), checkpoint }, None)
            }
        };
        Ok(Self { place, backbone, revision })
    }

    /// Whether samples have been judged before, by whichever replica.
    pub(super) async fn is_there(backbone: &dyn Backbone) -> Result<bool, Interrupted> {
        Ok(backbone.get(BUCKET, KEY.to_owned()).await?.is_some())
    }

    /// Goes on in place of whoever has followed the log so far: he finds the place changed, and can commit nothing any more. `proof` says
    /// that this replica holds the lease.
    pub(super) async fn take_over(&mut self, proof: Put) -> Result<(), Interrupted> {
        self.commit(Vec::new(), vec![proof]).await.map(drop)
    }

    /// Makes the place, events and entries durable together. Gives the revisions of the entries.
    pub(super) async fn commit(&mut self, events: Vec<NewEvent>, puts: Vec<Put>) -> Result<Vec<Revision>, Interrupted> {
        let value = Some(serde_json::to_vec(&self.place)?);
        let (key, expected_revision) = (KEY.to_owned(), self.revision);
        let place = Put { bucket: BUCKET, key, value, expected_revision, expires_at: None };
        let puts = [place].into_iter().chain(puts).collect();
        let mut revisions = self.backbone.commit(Batch { events, puts }).await?.revisions.into_iter();
        self.revision = revisions.next();
        Ok(revisions.collect())
    }
}
