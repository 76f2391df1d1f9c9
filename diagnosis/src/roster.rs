//! The devices that were heard: what they are, what they run, and when one of them fell silent.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::batch::Batch;
use crate::rhythm::Rhythm;
use crate::series::LATEST_MS;

/// A device that was heard within this time counts among the others.
const HEARD_MS: Millis = 10 * 60_000;

/// A device that is not heard for this long is no more known. Who is missed is known for longer, as long as it may well come back: its silence is
/// not over because nobody remembers it.
const FORGOTTEN_AFTER_MS: Millis = 60 * 60_000;
const MISSED_FOR_MS: Millis = 24 * 60 * 60_000;

/// The clock of a device may be so far ahead of the one of those who listen. What it says beyond that is not believed: else one batch of the
/// day after tomorrow would make late whatever comes after it, and what was noticed then would not be over before.
const AHEAD_MS: Millis = 60_000;

/// So many batches that contradict what is known, and are older than samples may be late, are a clock that was set back.
const SET_BACK: u8 = 20;

/// Who was heard for this long, in so many batches, is missed when nothing more comes.
const STEADY_MS: Millis = 60_000;
const STEADY_BATCHES: u32 = 20;

/// Missed after this long, or after what its own rhythm says: samples count that are a minute late, so a silence must be longer.
const SILENT_AFTER_MS: Millis = 60_000;

/// What is known of a device.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) traits: BTreeMap<String, String>,
    pub(crate) build: String,
    pub(crate) scene: String,
    /// Since when it runs this build; `None` as long as it has not run another.
    pub(crate) build_since: Option<Millis>,
    /// When its newest sample was taken, by its own clock as far as that is believed.
    pub(crate) newest: Millis,
    /// When what it says of itself was said first: what contradicts it and is older says nothing of the present.
    described_at: Millis,
    contradicted: u8,
    /// When it was heard last, by the clock of those who listen.
    pub(crate) heard_at: Millis,
    /// Since when it is heard without a silence.
    steady_since: Millis,
    batches: u32,
    rhythm: Rhythm,
    has_ended: bool,
    pub(crate) is_silent: bool,
    /// Which of all batches was its newest.
    number: u64,
    /// How many series it has, while it is heard: those of devices that are not may be kept elsewhere.
    series: usize,
    /// There was no room for its series: what is kept of them elsewhere is of no use any more.
    is_forgotten: bool,
}

impl Device {
    /// Takes what a batch says of the device itself; `newest` is when it did. What a batch leaves out it says nothing of: beside one source
    /// that knows the build there may be another that does not.
    fn describe(&mut self, batch: &Batch, newest: Millis) {
        let is_other = |said: &str, known: &str| !said.is_empty() && said != known;
        let has_other_build = is_other(&batch.build, &self.build);
        let has_other_traits = !batch.traits.is_empty() && batch.traits != self.traits;
        if !has_other_build && !is_other(&batch.scene, &self.scene) && !has_other_traits {
            if !batch.build.is_empty() || !batch.scene.is_empty() {
                self.contradicted = 0;
            }
            return;
        }
        if self.batches > 0 && newest < self.described_at {
            if self.described_at.saturating_sub(newest) > LATEST_MS {
                self.contradicted = self.contradicted.saturating_add(1);
            }
            if self.contradicted < SET_BACK {
                return;
            }
        }
        (self.described_at, self.contradicted) = (newest, 0);
        if has_other_build {
            self.build_since = (self.batches > 0).then_some(batch.start.min(newest));
            self.build.clone_from(&batch.build);
        }
        if !batch.scene.is_empty() {
            self.scene.clone_from(&batch.scene);
        }
        if has_other_traits {
            self.traits.clone_from(&batch.traits);
        }
    }

    /// Takes when its newest sample was taken, and whether its session ends. What is older by more than samples may be late comes by another
    /// clock, or by one that was set back, and is of the present like any other.
    fn pass(&mut self, newest: Millis, ends: bool) {
        let behind = self.newest.saturating_sub(newest);
        if self.batches == 0 || behind <= 0 || behind > LATEST_MS {
            (self.newest, self.has_ended) = (newest, ends);
        }
    }

    /// How long it may be unheard and still be there: devices that tell every five minutes are waited for longer.
    fn patience(&self, usual: Millis) -> Millis {
        usual.max(self.rhythm.patience())
    }

    /// Whether it was heard in the last ten minutes.
    pub(crate) fn is_heard(&self, now: Millis) -> bool {
        now.saturating_sub(self.heard_at) < self.patience(HEARD_MS)
    }

    /// How long one of its series may be without samples while others go on.
    pub(crate) fn leaves_after(&self, usual: Millis) -> Millis {
        self.patience(usual)
    }

    /// Whether its session ended in order.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// How many batches a second it has told of late.
    pub(crate) fn rate(&self) -> f64 {
        let seconds = self.heard_at.saturating_sub(self.steady_since).max(1) as f64 / 1000.0;
        f64::from(self.batches) / seconds
    }
}

/// A time that a device has told, or the present where that is too far ahead to be believed.
fn believed(at: Millis, now: Millis) -> Millis {
    if at > now.saturating_add(AHEAD_MS) { now } else { at }
}

/// All that were heard.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Roster {
    devices: BTreeMap<String, Device>,
    /// The series of all devices that are heard. What goes for want of room follows from this and not from what happens to be in memory, so
    /// that whoever begins at a checkpoint forgets the same.
    series: usize,
    /// How many batches were heard: each has a number.
    heard: u64,
    /// The newest batch of the devices that there was no room for and that are no more known. Who is not known and was heard no later than that begins
    /// anew, whatever is kept elsewhere: so it needs no name of each of them, and does not depend on what happens to be in memory.
    forgotten_up_to: u64,
    /// The newest time that was told; `None` before the first.
    clock: Option<Millis>,
}

impl Roster {
    /// Hears a batch. Whether the device is heard again after a silence.
    pub(crate) fn hear(&mut self, batch: &Batch) -> bool {
        let newest = self.believed(batch.newest());
        let heard_at = self.clock.unwrap_or(newest);
        self.heard = self.heard.saturating_add(1);
        let device = self.devices.entry(batch.device.clone()).or_default();
        let has_ended = device.has_ended;
        let is_late = newest < device.newest;
        device.describe(batch, newest);
        device.pass(newest, batch.ends);
        let is_back = std::mem::take(&mut device.is_silent);
        if is_back || device.batches == 0 || has_ended {
            (device.steady_since, device.batches, device.rhythm) = (heard_at, 0, Rhythm::default());
        } else if !is_late {
            // One that its way has held back says how late it is, not how often the device tells.
            device.rhythm.take(heard_at.saturating_sub(device.heard_at));
        }
        device.batches = device.batches.saturating_add(1);
        (device.heard_at, device.number) = (heard_at, self.heard);
        is_back
    }

    /// What is known of a device.
    pub(crate) fn get(&self, device: &str) -> Option<&Device> {
        self.devices.get(device)
    }

    /// The number of the newest batch.
    pub(crate) fn newest_batch(&self) -> u64 {
        self.heard
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.devices.len()
    }

    /// The time: that of the newest tick.
    pub(crate) fn clock(&self) -> Option<Millis> {
        self.clock
    }

    /// A time that a device has told, or the present where that is too far ahead to be believed.
    pub(crate) fn believed(&self, at: Millis) -> Millis {
        self.clock.map_or(at, |clock| believed(at, clock))
    }

    /// Who was heard in the last ten minutes.
    pub(crate) fn heard(&self) -> impl Iterator<Item = (&str, &Device)> {
        let clock = self.clock.or_else(|| self.devices.values().map(|device| device.heard_at).max()).unwrap_or(0);
        self.devices
            .iter()
            .filter(move |(_, device)| device.is_heard(clock))
            .map(|(name, device)| (name.as_str(), device))
    }

    /// Lets time pass; gives the devices that fell silent, and when they were missed. It does not go back: that is said by
    /// [`resume`](Roster::resume).
    pub(crate) fn tick(&mut self, now: Millis) -> Vec<(String, Millis)> {
        let now = self.clock.map_or(now, |clock| clock.max(now));
        self.clock = Some(now);
        let forgotten_up_to = &mut self.forgotten_up_to;
        self.devices.retain(|_, device| {
            let known_for = if device.is_silent { MISSED_FOR_MS } else { FORGOTTEN_AFTER_MS };
            let is_known = now.saturating_sub(device.heard_at) < device.patience(known_for);
            if !is_known && device.is_forgotten {
                *forgotten_up_to = device.number.max(*forgotten_up_to);
            }
            is_known
        });
        let mut silent = Vec::new();
        for (name, device) in &mut self.devices {
            if !device.is_heard(now) {
                device.series = 0;
            }
            let missed_at = device.heard_at.saturating_add(device.patience(SILENT_AFTER_MS));
            let is_steady =
                device.batches >= STEADY_BATCHES && device.heard_at.saturating_sub(device.steady_since) >= STEADY_MS;
            if now >= missed_at && is_steady && !device.has_ended && !device.is_silent {
                device.is_silent = true;
                silent.push((name.clone(), missed_at));
            }
        }
        self.series = self.devices.values().map(|device| device.series).fold(0, usize::saturating_add);
        silent.sort_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
        silent
    }

    /// Nobody listened until `now`: what did not come in that time is no silence. It is the time from here on, also where the clock had said a
    /// later one: it was ahead, and what it made of times of devices is not believed any more.
    pub(crate) fn resume(&mut self, now: Millis) {
        self.clock = Some(now);
        for device in self.devices.values_mut() {
            let heard_for = device.heard_at.saturating_sub(device.steady_since);
            (device.steady_since, device.heard_at) = (now.saturating_sub(heard_for), now);
            device.newest = believed(device.newest, now);
            device.described_at = believed(device.described_at, now);
            device.build_since = device.build_since.map(|since| believed(since, now));
        }
    }

    /// A device has so many series now, which are in memory.
    pub(crate) fn count(&mut self, device: &str, series: usize) {
        if let Some(device) = self.devices.get_mut(device) {
            self.series = self.series.saturating_sub(device.series).saturating_add(series);
            device.series = series;
            device.is_forgotten &= series == 0;
        }
    }

    /// Who must go so that no more devices and series are left, but for one; who was not heard for the longest time first.
    pub(crate) fn surplus(&self, devices: usize, series: usize, but: &str) -> Vec<String> {
        let too_many = self.devices.len().saturating_sub(devices);
        if too_many == 0 && self.series <= series {
            return Vec::new();
        }
        let others = self.devices.iter().filter(|(name, _)| *name != but);
        let mut stalest: Vec<(Millis, u64, &String, usize)> =
            others.map(|(name, device)| (device.heard_at, device.number, name, device.series)).collect();
        stalest.sort_unstable();
        let (mut left, mut surplus) = (self.series, Vec::new());
        for (place, (_, _, name, count)) in stalest.into_iter().enumerate() {
            if place < too_many || (left > series && count > 0) {
                left = left.saturating_sub(count);
                surplus.push(name.clone());
            }
        }
        surplus
    }

    /// There is no room for a device's series, nor for the device where there are more than `most`.
    pub(crate) fn forget(&mut self, device: &str, most: usize) {
        self.count(device, 0);
        if self.devices.len() > most {
            let number = self.devices.remove(device).map_or(0, |device| device.number);
            self.forgotten_up_to = number.max(self.forgotten_up_to);
        } else if let Some(device) = self.devices.get_mut(device) {
            device.is_forgotten = true;
        }
    }

    /// Whether what was known of a device's series is forgotten, wherever it is kept.
    pub(crate) fn is_forgotten(&self, device: &str) -> bool {
        self.devices.get(device).is_some_and(|device| device.is_forgotten)
    }

    /// Whether what is kept of a device's series, which were heard in the batch of that number, is what is known of it.
    pub(crate) fn recalls(&self, device: &str, number: u64) -> bool {
        self.devices.get(device).map_or(number > self.forgotten_up_to, |device| !device.is_forgotten)
    }

    /// Whose series may be parked: who was not heard for ten minutes, or ended.
    pub(crate) fn is_idle(&self, device: &str, now: Millis) -> bool {
        self.devices.get(device).is_none_or(|device| !device.is_heard(now))
    }
}
