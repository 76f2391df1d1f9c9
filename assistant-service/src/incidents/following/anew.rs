//! Begins without what was kept, as far as that is of a program that wrote it in another form, or is no more in the log: series learn what is
//! usual once more, and incidents that nobody can follow any further are over.

use diagnosis::engine::{Change, MOST_CHANGES};
use diagnosis::incident::{Incident, IncidentState};

use super::Follower;
use crate::backbone::Backbone;
use crate::clock::millis;
use crate::incidents::hearing::{Changed, Outcome};
use crate::incidents::interrupted::Interrupted;
use crate::incidents::record::{Found, LISTED, Listed};

/// As many of the newest incidents are remembered: the engine compares with no more.
const MOST: u32 = 256;

/// Entries of one look through the list.
const LOOK: u32 = 200;

/// The newest incidents that are kept, oldest first.
pub(super) async fn newest(backbone: &dyn Backbone) -> Result<Vec<Incident>, Interrupted> {
    let mut incidents = Vec::new();
    for entry in backbone.list(LISTED, None, MOST).await?.into_iter().rev() {
        let listed: Listed = serde_json::from_slice(&entry.value)?;
        incidents.extend(Found::read(backbone, &listed.incident).await?.map(|found| found.record.incident));
    }
    Ok(incidents)
}

impl Follower {
    /// Ends all that is open and that the engine does not know: its knowledge was lost, or samples that it came of are no more in the log.
    /// A few in each commit. Whoever is cut off ends the rest when he begins
    /// again: what is over is not looked at any more.
    pub(super) async fn end_unknown(&mut self) -> Result<(), Interrupted> {
        let known = self.judge.run(|judged| judged.engine.open_incidents()).await?;
        let mut before = None;
        loop {
            let entries = self.state.backbone.list(LISTED, before, LOOK).await?;
            let mut open = Vec::new();
            for entry in &entries {
                let Listed { incident, state, .. } = serde_json::from_slice(&entry.value)?;
                if state == IncidentState::Open && !known.contains(&incident) {
                    open.extend(Found::read(&*self.state.backbone, &incident).await?);
                }
            }
            let now = millis(self.state.clock.now());
            for some in open.chunks(MOST_CHANGES) {
                let changes = some.iter().map(|found| Change::Resolved(over(found.record.incident.clone(), now)));
                let changed = vec![Changed { at: self.looked, heard: 0, changes: changes.collect() }];
                self.tell(Outcome { changed, ..Outcome::default() }).await?;
            }
            before = match entries.last() {
                Some(last) => Some(last.key.clone()),
                None => return Ok(()),
            };
        }
    }
}

fn over(incident: Incident, now: diagnosis::Millis) -> Incident {
    Incident { state: IncidentState::Resolved, resolved_at: Some(now), ..incident }
}
