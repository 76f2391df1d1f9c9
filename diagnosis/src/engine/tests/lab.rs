//! A lab of twelve devices at three sites, and somebody who listens.

use std::collections::BTreeMap;

use crate::Millis;
use crate::batch::{Batch, Row};
use crate::engine::{Change, Engine};
use crate::incident::{Incident, IncidentState};

pub(super) const DEVICES: usize = 12;
pub(super) const SITES: [&str; 3] = ["guildford", "montreal", "warsaw"];
pub(super) const METRICS: [&str; 3] = ["FrameTime", "GPUTime", "NetworkInBytes"];
pub(super) const START: Millis = 1_793_600_000_000;

/// What a fault changes about a second of a device.
#[derive(Clone, Debug)]
pub(super) struct Second {
    pub(super) build: &'static str,
    pub(super) values: [f64; 3],
    pub(super) is_told: bool,
    pub(super) ends: bool,
}

/// A device's second, by its number and the seconds since the start.
pub(super) type Fault = fn(usize, i64, &mut Second);

/// The batch of a device's second; none where nothing is told.
pub(super) fn second(seed: u64, device: usize, at: i64, fault: Fault) -> Option<Batch> {
    let mut noise = Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (device as u64) << 32 ^ at as u64 ^ 0x5DEE_CE66);
    let values = [16.7 + 0.4 * noise.normal(), 12.0 + 0.3 * noise.normal(), 52e3 * (0.1 * noise.normal()).exp()];
    let mut second = Second { build: "2026.11.2", values, is_told: true, ends: false };
    fault(device, at, &mut second);
    second.is_told.then(|| Batch {
        device: format!("devkit-{device:02}"),
        build: second.build.to_owned(),
        scene: "harbour".to_owned(),
        traits: BTreeMap::from([("site".to_owned(), SITES[device % SITES.len()].to_owned())]),
        start: START + at * 1000 + device as i64 * 7,
        metrics: METRICS.map(str::to_owned).to_vec(),
        rows: vec![Row(0, second.values.map(Some).to_vec())],
        ends: second.ends,
    })
}

/// All batches of a second.
pub(super) fn of_second(seed: u64, at: i64, fault: Fault) -> Vec<Batch> {
    (0..DEVICES).filter_map(|device| second(seed, device, at, fault)).collect()
}

/// Takes a batch, and forgets what is too much then.
pub(super) fn hear(engine: &mut Engine, batch: &Batch) -> Vec<Change> {
    let (changes, _) = engine.take(batch);
    engine.surplus(&batch.device).iter().for_each(|device| engine.forget(device));
    changes
}

/// Takes all batches of so many seconds, with a tick each second.
pub(super) fn play(engine: &mut Engine, seed: u64, seconds: std::ops::Range<i64>, fault: Fault) -> Vec<Change> {
    let mut changes = Vec::new();
    for at in seconds {
        changes.extend(engine.tick(START + at * 1000));
        for batch in of_second(seed, at, fault) {
            changes.extend(engine.take(&batch).0);
        }
    }
    changes
}

/// The incidents, each as it was told last, in the order in which they were opened.
pub(super) fn last_told(changes: &[Change]) -> Vec<Incident> {
    let mut told: Vec<Incident> = Vec::new();
    for change in changes {
        let (Change::Opened(incident) | Change::Updated(incident) | Change::Resolved(incident)) = change;
        match told.iter_mut().find(|known| known.incident == incident.incident) {
            Some(known) => {
                assert!(!matches!(change, Change::Opened(_)), "opened twice: {}", incident.title);
                *known = incident.clone();
            }
            None => {
                assert!(matches!(change, Change::Opened(_)), "told of before it was opened: {}", incident.title);
                told.push(incident.clone());
            }
        }
        assert_eq!(incident.state == IncidentState::Resolved, matches!(change, Change::Resolved(_)));
    }
    told
}

/// Xorshift, and the sum of twelve.
struct Noise(u64);

impl Noise {
    fn normal(&mut self) -> f64 {
        let mut sum = -6.0;
        for _ in 0..12 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            sum += (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        }
        sum
    }
}
