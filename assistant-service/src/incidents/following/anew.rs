//! Begins without what was kept, where that is of a program that wrote it in another form: series learn what is usual once more, and
//! incidents that nobody can follow any further are over.

use diagnosis::engine::Change;
use diagnosis::incident::{Incident, IncidentState};

use super::Follower;
use crate::backbone::Backbone;
use crate::clock::millis;
use crate::incidents::hearing::{Changed, Outcome};
use crate::incidents::interrupted::Interrupted;
use crate::incidents::record::{Found, LISTED, Listed};

/// As many of the newest incidents are looked at: the engine remembers no more, and of older ones none is open.
const MOST: u32 = 256;

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
    /// Ends what was open when the engine's knowledge was lost.
    pub(super) async fn end_unknown(&mut self) -> Result<(), Interrupted> {
        let open =
            newest(&*self.state.backbone).await?.into_iter().filter(|incident| incident.state == IncidentState::Open);
        let now = millis(self.state.clock.now());
        let ended = |incident: Incident| {
            Change::Resolved(Incident { state: IncidentState::Resolved, resolved_at: Some(now), ..incident })
        };
        let changes: Vec<Change> = open.map(ended).collect();
        let changed = vec![Changed { at: self.looked, heard: 0, changes }];
        self.tell(Outcome { changed, ..Outcome::default() }).await
    }
}
