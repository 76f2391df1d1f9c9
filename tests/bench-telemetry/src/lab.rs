//! A large lab whose devices have nothing in common, so that each that goes bad is an incident of its own: who sends what, when.

use std::time::Duration;

use diagnosis::Millis;
use diagnosis::batch::{Batch, Row};
use serde_json::{Value, json};
use telemetry_traces::dice::Dice;
use telemetry_traces::frames::FRAME;

/// Who sends.
pub(crate) const DEVICES: usize = 100;

/// A batch has so many metrics and rows: 100 samples.
pub(crate) const METRICS: usize = 10;
pub(crate) const ROWS: usize = 10;
pub(crate) const SAMPLES: usize = METRICS * ROWS;

/// From one row to the next, and from one batch of a device to the next: a little faster than is asked for, 20,408 samples a second.
const ROW_MS: u64 = 49;
pub(crate) const PERIOD: Duration = Duration::from_millis(ROW_MS * ROWS as u64);

/// How fast the devices' clocks are. An incident is told with the sample or with the service's clock that ends its gathering, whichever
/// comes first; with these clocks it is always the sample, so that what is measured has a beginning.
pub(crate) const FAST: Millis = 2_000;

/// How long devices are well, until it is known how seldom a second of theirs is strange and eight of ten make an alarm; then they go bad in
/// turn, each a while after the one before.
pub(crate) const WELL: Duration = Duration::from_secs(200);
const BETWEEN: Duration = Duration::from_secs(1);

/// After the last one has gone bad: until it is noticed and gathered, and a little more.
const NOTICED: Duration = Duration::from_secs(30);

/// How much slower the first metric is then.
const BAD: f64 = 2.5;

/// All that is sent.
pub(crate) struct Lab {
    /// How many devices go bad.
    pub(crate) bad: usize,
    seed: u64,
}

impl Lab {
    pub(crate) fn new(bad: usize) -> Self {
        Self { bad: bad.min(DEVICES), seed: 7 }
    }

    /// What a device is called; it is the subject of its token too.
    pub(crate) fn name(device: usize) -> String {
        format!("console-{device:03}")
    }

    /// How many batches each device sends.
    pub(crate) fn batches(&self) -> usize {
        let lasts = WELL + BETWEEN * u32::try_from(self.bad).unwrap_or(u32::MAX) + NOTICED;
        (lasts.as_millis() / PERIOD.as_millis()) as usize
    }

    /// When a device's batch is sent, counted from the beginning: devices are spread evenly.
    pub(crate) fn due(device: usize, number: usize) -> Duration {
        PERIOD * u32::try_from(number + 1).unwrap_or(u32::MAX) + PERIOD * device as u32 / DEVICES as u32
    }

    /// A device's batch, where the beginning was at `begin`, in milliseconds since 1970 by the service's clock.
    pub(crate) fn batch(&self, device: usize, number: usize, begin: Millis) -> Batch {
        let mut dice = Dice::seeded(self.seed, &format!("{device} {number}"));
        let due = Self::due(device, number);
        let since = due - PERIOD;
        let goes_bad = WELL + BETWEEN * u32::try_from(device).unwrap_or(u32::MAX);
        let is_bad = device < self.bad && since >= goes_bad;
        let rows = (0..ROWS).map(|row| {
            let value = |metric: usize| {
                let usual = 4.0 + 3.0 * metric as f64;
                let factor = if is_bad && metric == 0 { BAD } else { 1.0 };
                Some((usual * factor * (1.0 + 0.03 * dice.normal()) * 1000.0).round() / 1000.0)
            };
            Row(u32::try_from(ROW_MS).unwrap_or(0) * row as u32, (0..METRICS).map(value).collect())
        });
        Batch {
            device: Self::name(device),
            build: format!("build-{device}"),
            scene: format!("scene-{device}"),
            start: begin + FAST + since.as_millis() as Millis,
            metrics: FRAME.iter().take(METRICS).map(|name| (*name).to_owned()).collect(),
            rows: rows.collect(),
            ..Batch::default()
        }
    }
}

/// A batch as an event of the caller with that name.
pub(crate) fn event(caller: &str, number: usize, batch: &Batch) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{}-{number}", batch.device), "source": format!("https://issuer.watchgate.test#{caller}"),
        "type": diagnosis::batch::EVENT_TYPE, "subject": batch.device, "datacontenttype": "application/json", "data": batch,
    })
}
