//! All series of all devices, and the incidents that they make.

mod keeping;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::Millis;
use crate::batch::{Batch, Row};
use crate::book::Book;
use crate::detector::{Direction, Kind};
use crate::incident::Incident;
use crate::memory::Memory;
use crate::roster::Roster;
use crate::series::{SeriesKey, Taken};
use crate::silence::Silence;
use crate::watch::{Finding, Signal};

pub use self::keeping::Checkpoint;
pub use crate::book::MOST_CHANGES;
pub use crate::form::InvalidParked;

/// The metric of a device's own silence: nothing of it comes any more.
pub const SAMPLES: &str = "samples";

/// How much is kept in memory. What was not heard for the longest time goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Series in memory.
    pub series: usize,
    /// Series of one device.
    pub series_of_a_device: usize,
    /// Devices that are known.
    pub devices: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { series: 100_000, series_of_a_device: 512, devices: 10_000 }
    }
}

/// All that is known.
#[derive(Debug, Default)]
pub struct Engine {
    limits: Limits,
    silences: Vec<Silence>,
    memory: Memory,
    roster: Roster,
    book: Book,
}

/// What changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// There is a new incident.
    Opened(Incident),
    /// More, or less, belongs to it; or it is open again.
    Updated(Incident),
    /// It is over, or turned out to be a part of another one.
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

/// What there is at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Series in memory.
    pub series: usize,
    /// Devices that are known, with their series in memory or not.
    pub devices: usize,
    /// Series that were forgotten since there was no room for them, since the engine was made.
    pub forgotten: u64,
    /// Open incidents.
    pub incidents: usize,
    /// Open alarms.
    pub alarms: usize,
}

impl Engine {
    /// An engine that knows nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Earlier incidents, oldest first, that later ones are compared with; the newest 256 are remembered.
    pub fn remember<'a>(&mut self, past: impl IntoIterator<Item = &'a Incident>) {
        past.into_iter().for_each(|incident| self.book.remember(incident));
    }

    /// Under which windows alarms make no incident, from now on; in place of those that were said before.
    pub fn silence(&mut self, silences: Vec<Silence>) {
        self.silences = silences;
    }

    /// What there is.
    pub fn census(&self) -> Census {
        let (incidents, alarms) = self.book.open();
        let (series, forgotten) = (self.memory.live(), self.memory.forgotten());
        Census { series, devices: self.roster.len(), forgotten, incidents, alarms }
    }

    /// The names of the open incidents: whoever shows another one as open waits for an end that nobody will tell.
    pub fn open_incidents(&self) -> BTreeSet<String> {
        self.book.open_incidents().map(str::to_owned).collect()
    }

    /// Whether a batch's device is not in memory, and was not forgotten: whoever has it parked must [revive](Engine::revive) it first.
    pub fn needs(&self, batch: &Batch) -> bool {
        !self.knows(&batch.device) && !self.roster.is_forgotten(&batch.device)
    }

    /// Takes a batch that has been [checked](Batch::check), in the order of the log. What is [too much](Engine::surplus) after it is to be forgotten.
    pub fn take(&mut self, batch: &Batch) -> (Vec<Change>, Counted) {
        if !self.roster.recalls(&batch.device, self.memory.number_of(&batch.device)) {
            self.memory.forget(&batch.device);
        }
        if self.roster.hear(batch) {
            self.book.close_silence(&batch.device, batch.start, &self.roster);
        }
        let mut counted = Counted::default();
        let (device, places) = self.memory.open(batch, self.roster.newest_batch(), self.limits.series_of_a_device);
        for Row(offset, values) in &batch.rows {
            let at = batch.start.saturating_add(Millis::from(*offset));
            for (value, place) in values.iter().zip(&places) {
                let (Some(value), Some((name, series))) = (*value, place.and_then(|place| device.at(place))) else {
                    continue;
                };
                let counter = match series.take(at, value) {
                    Taken::Judged(verdict) => {
                        if let Some(signal) = series.watch(value, &verdict) {
                            let key = SeriesKey {
                                device: batch.device.clone(),
                                build: name.build.to_string(),
                                scene: name.scene.to_string(),
                                metric: name.metric.to_string(),
                            };
                            self.book.signal(key, signal, series.newest(), &self.roster, &self.silences);
                        }
                        &mut counted.judged
                    }
                    Taken::LeftOut => &mut counted.left_out,
                    Taken::TooLate => &mut counted.too_late,
                };
                *counter = counter.saturating_add(1);
            }
        }
        self.roster.count(&batch.device, self.memory.series_of(&batch.device));
        let newest = self.roster.believed(batch.newest());
        let now = self.roster.clock().unwrap_or(newest);
        let changes = self
            .book
            .settle(now, &self.roster, |device, until| until <= now || (device == batch.device && until <= newest));
        (changes, counted)
    }

    /// Lets time pass, in milliseconds since 1970: what is silent, what is over. `now` is the time at which the newest batch that was taken
    /// came, or the present when nothing is left to be taken: else what only waits to be read would be a silence.
    pub fn tick(&mut self, now: Millis) -> Vec<Change> {
        for (device, missed_at) in self.roster.tick(now) {
            self.miss(&device, missed_at);
        }
        let now = self.roster.clock().unwrap_or(now);
        self.book.sound_silent(now, &self.roster, &self.silences);
        self.book.tick(now, &self.roster)
    }

    /// Nobody listened until `now`, or the clock was set: what did not come in that time is no silence. Unlike a tick it may go back.
    pub fn resume(&mut self, now: Millis) {
        self.roster.resume(now);
        self.book.resume(now, &self.roster);
    }

    fn miss(&mut self, name: &str, missed_at: Millis) {
        let Some(device) = self.roster.get(name) else { return };
        let key = SeriesKey {
            device: name.to_owned(),
            build: device.build.clone(),
            scene: device.scene.clone(),
            metric: SAMPLES.to_owned(),
        };
        let finding = Finding {
            kind: Kind::Silence,
            direction: Direction::Down,
            began_at: device.newest.min(missed_at),
            before: device.rate(),
            now: 0.0,
            score: 1.0,
        };
        self.book.signal(key, Signal::Open(finding), missed_at, &self.roster, &self.silences);
    }
}
