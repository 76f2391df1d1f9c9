//! Tells what has changed: incidents, the events that say it and the place, in one commit.

use std::collections::BTreeMap;

use diagnosis::engine::Change;

use super::Follower;
use crate::backbone::{NewEvent, Position, Put};
use crate::incidents::hearing::{Changed, Outcome};
use crate::incidents::interrupted::Interrupted;
use crate::incidents::record::{Found, Record};
use crate::incidents::telling::{self, Said};

/// A commit takes nothing further when it has more than this. What one event or one word of the clock has changed is always one commit: it is
/// [few incidents](diagnosis::engine::MOST_CHANGES).
const BYTES_PER_COMMIT: usize = 512 * 1024;

/// What one commit will say.
#[derive(Default)]
struct Step {
    events: Vec<NewEvent>,
    records: BTreeMap<String, (Record, Option<Found>)>,
    bytes: usize,
    said: Vec<Said>,
}

impl Follower {
    /// Tells all that came of what was heard, in its order.
    pub(in crate::incidents) async fn tell(&mut self, outcome: Outcome) -> Result<(), Interrupted> {
        let before = self.place.place.heard;
        let (mut step, mut last) = (Step::default(), None);
        for Changed { at, heard, changes } in outcome.changed {
            if let Some((position, heard)) = last.replace((at, heard))
                && position < at
                && step.bytes > BYTES_PER_COMMIT
            {
                self.place.place.heard = before.saturating_add(heard);
                self.commit(std::mem::take(&mut step), position).await?;
            }
            for change in changes {
                self.add(change, at, &mut step).await?;
            }
        }
        self.place.place.heard = before.saturating_add(outcome.heard);
        if step.said.is_empty() { Ok(()) } else { self.commit(step, self.looked).await }
    }

    async fn add(&self, change: Change, position: Position, step: &mut Step) -> Result<(), Interrupted> {
        let (said, incident) = Said::of(change);
        let name = incident.incident.clone();
        let (mut record, found) = match step.records.remove(&name) {
            Some(changed) => changed,
            None => match Found::read(&*self.state.backbone, &name).await? {
                Some(found) => (found.record.clone(), Some(found)),
                None => (Record::new(incident.clone(), position), None),
            },
        };
        record.incident = incident;
        record.told = record.told.saturating_add(1);
        record.rests_on(position);
        if record.suggested.is_empty() {
            record.suggested.extend(telling::suggested(said, &record.incident, &*self.state.runbooks)?);
        }
        let event = telling::event(said, &record, self.state.clock.now())?;
        // An incident is kept twice, once in short, and some stores write both as base64.
        let kept = serde_json::to_vec(&record)?.len().saturating_mul(2);
        step.bytes = step.bytes.saturating_add(event.json.len()).saturating_add(kept);
        step.events.push(event);
        step.said.push(said);
        step.records.insert(name, (record, found));
        Ok(())
    }

    async fn commit(&mut self, step: Step, up_to: Position) -> Result<(), Interrupted> {
        let now = self.state.clock.now();
        let puts = step.records.values().map(|(record, found)| record.puts(found.as_ref(), now));
        let puts: Vec<Put> = puts.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        self.place.place.cursor = up_to;
        self.place.commit(step.events, puts).await?;
        self.written_at = self.state.clock.elapsed();
        step.said.into_iter().for_each(|said| self.state.metrics.incidents.told(said));
        Ok(())
    }

    /// Writes the place as far as has been looked, with other entries. All that came of it has been told.
    pub(in crate::incidents) async fn write(
        &mut self,
        events: Vec<NewEvent>,
        puts: Vec<Put>,
    ) -> Result<Vec<u64>, Interrupted> {
        self.place.place.cursor = self.looked;
        let revisions = self.place.commit(events, puts).await?;
        self.written_at = self.state.clock.elapsed();
        Ok(revisions)
    }
}
