//! All series of all devices, and the incidents that they make.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::Millis;
use crate::batch::{Batch, Row};
use crate::incident::{Incident, IncidentState, Movement};
use crate::series::{Series, SeriesKey, Taken};

/// From which score on a sample opens an incident.
const OPENS_AT: f64 = 0.9;

/// After how long without a further such sample it is over.
const OVER_AFTER_MS: Millis = 60_000;

/// All that is known.
#[derive(Default)]
pub struct Engine {
    series: BTreeMap<SeriesKey, Series>,
    open: BTreeMap<SeriesKey, (Millis, Incident)>,
}

/// What changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// There is a new incident.
    Opened(Incident),
    /// More, or less, belongs to it.
    Updated(Incident),
    /// It is over.
    Resolved(Incident),
}

/// What was counted of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Judged samples.
    pub judged: usize,
    /// Not numbers, or there before.
    pub left_out: usize,
    /// Later than a minute.
    pub too_late: usize,
}

/// What was parked cannot be read.
#[derive(Debug, Error)]
#[error("what was parked of a device cannot be read: {0}")]
pub struct InvalidParked(#[from] postcard::Error);

impl Engine {
    /// Takes a batch that has been [checked](Batch::check), in the order of the log.
    pub fn take(&mut self, batch: &Batch) -> (Vec<Change>, Counted) {
        let (mut changes, mut counted) = (Vec::new(), Counted::default());
        for Row(offset, values) in &batch.rows {
            let at = batch.start.saturating_add(Millis::from(*offset));
            for (metric, value) in batch.metrics.iter().zip(values) {
                let Some(value) = *value else { continue };
                let key = SeriesKey {
                    device: batch.device.clone(),
                    build: batch.build.clone(),
                    scene: batch.scene.clone(),
                    metric: metric.clone(),
                };
                match self.series.entry(key.clone()).or_insert_with(|| Series::new(at)).take(at, value) {
                    Taken::Judged(verdict) => {
                        counted.judged = counted.judged.saturating_add(1);
                        if verdict.score >= OPENS_AT {
                            changes.extend(self.alarm(key, at, value, verdict));
                        }
                    }
                    Taken::LeftOut => counted.left_out = counted.left_out.saturating_add(1),
                    Taken::TooLate => counted.too_late = counted.too_late.saturating_add(1),
                }
            }
        }
        (changes, counted)
    }

    /// Tells what time does: what is silent, what is over.
    pub fn tick(&mut self, now: Millis) -> Vec<Change> {
        let over: Vec<SeriesKey> = self
            .open
            .iter()
            .filter(|(_, (last, _))| now.saturating_sub(*last) > OVER_AFTER_MS)
            .map(|(key, _)| key.clone())
            .collect();
        let closed = over.into_iter().filter_map(|key| self.open.remove(&key));
        closed
            .map(|(_, incident)| {
                Change::Resolved(Incident { state: IncidentState::Resolved, resolved_at: Some(now), ..incident })
            })
            .collect()
    }

    /// Takes a device's series out of memory, as bytes for [`Engine::revive`]; `None` where nothing is known of it.
    ///
    /// # Errors
    /// [`InvalidParked`] when it cannot be written.
    pub fn park(&mut self, device: &str) -> Result<Option<Vec<u8>>, InvalidParked> {
        let keys: Vec<SeriesKey> = self.series.keys().filter(|key| key.device == device).cloned().collect();
        let parked: Vec<(SeriesKey, Series)> =
            keys.into_iter().filter_map(|key| self.series.remove_entry(&key)).collect();
        if parked.is_empty() { Ok(None) } else { Ok(Some(postcard::to_allocvec(&parked)?)) }
    }

    /// Whether anything of a device is in memory.
    pub fn knows(&self, device: &str) -> bool {
        self.series.keys().any(|key| key.device == device)
    }

    /// Brings back what was parked.
    ///
    /// # Errors
    /// [`InvalidParked`] when the bytes are none of [`Engine::park`]'s.
    pub fn revive(&mut self, parked: &[u8]) -> Result<(), InvalidParked> {
        let parked: Vec<(SeriesKey, Series)> = postcard::from_bytes(parked)?;
        self.series.extend(parked);
        Ok(())
    }

    fn alarm(&mut self, key: SeriesKey, at: Millis, value: f64, verdict: crate::detector::Verdict) -> Option<Change> {
        if let Some((last, _)) = self.open.get_mut(&key) {
            *last = at;
            return None;
        }
        let movement = Movement {
            series: key.clone(),
            kind: verdict.kind,
            direction: verdict.direction,
            began_at: at,
            before: verdict.usual,
            now: value,
            score: verdict.score,
            is_over: false,
        };
        let incident = Incident {
            incident: name(&movement),
            state: IncidentState::Open,
            title: format!("{} of {} moved", key.metric, key.device),
            began_at: at,
            opened_at: at,
            resolved_at: None,
            moved: vec![movement],
            moved_in_all: 1,
            devices: vec![key.device.clone()],
            devices_in_all: 1,
            shared: Vec::new(),
            similar: Vec::new(),
        };
        self.open.insert(key, (at, incident.clone()));
        Some(Change::Opened(incident))
    }
}

/// An incident's name, from what moved first.
fn name(first: &Movement) -> String {
    let SeriesKey { device, build, scene, metric } = &first.series;
    let at = first.began_at.to_string();
    let digest = Sha256::digest([device, build, scene, metric, &at].map(String::as_str).join("\n"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
