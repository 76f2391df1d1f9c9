//! An alarm of one series, as the book keeps it.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::incident::Movement;
use crate::series::SeriesKey;
use crate::watch::Finding;

/// An alarm.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Alarm {
    pub(crate) finding: Finding,
    /// The newest sample with which it was open.
    pub(crate) last_at: Millis,
    /// When it was heard of last, by the clock of those who listen: those of devices may say anything.
    pub(crate) heard_at: Millis,
    pub(crate) closed_at: Option<Millis>,
    pub(crate) standing: Standing,
}

/// Where an alarm stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// Somebody wants to hear nothing of it.
    Silenced,
    /// It waits for others like it.
    Waits {
        /// Until when.
        until: Millis,
    },
    /// It belongs to an incident.
    Of(String),
}

impl Alarm {
    pub(crate) fn new(finding: Finding, at: Millis, heard_at: Millis) -> Self {
        Self { finding, last_at: at, heard_at, closed_at: None, standing: Standing::Silenced }
    }

    /// It is still open. Whether it was closed, and is open again.
    pub(crate) fn go_on(&mut self, finding: &Finding, at: Millis, heard_at: Millis) -> bool {
        self.finding.now = self.finding.worse(finding.now);
        self.finding.score = self.finding.score.max(finding.score);
        self.last_at = self.last_at.max(at);
        self.heard_at = self.heard_at.max(heard_at);
        self.closed_at.take().is_some()
    }

    pub(crate) fn waits(&self) -> bool {
        matches!(self.standing, Standing::Waits { .. })
    }

    /// The incident that it belongs to.
    pub(crate) fn incident(&self) -> Option<&String> {
        match &self.standing {
            Standing::Of(incident) => Some(incident),
            Standing::Silenced | Standing::Waits { .. } => None,
        }
    }

    /// What an incident says of it.
    pub(crate) fn movement(&self, key: &SeriesKey) -> Movement {
        let Finding { kind, direction, began_at, before, now, score } = self.finding;
        let is_over = self.closed_at.is_some();
        Movement { series: key.clone(), kind, direction, began_at, before, now, score, is_over }
    }
}
