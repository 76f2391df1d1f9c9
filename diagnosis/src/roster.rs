//! The devices that were heard: what they are, what they run, and when one of them fell silent.

mod device;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use self::device::Device;
use crate::Millis;
use crate::batch::Batch;

/// A device that is not heard for this long is no more known. Who is missed is known for longer, as long as it may well come back: its silence is
/// not over because nobody remembers it.
const FORGOTTEN_AFTER_MS: Millis = 60 * 60_000;
const MISSED_FOR_MS: Millis = 24 * 60 * 60_000;

/// The clock of a device may be so far ahead of the one of those who listen. What it says beyond that is not believed: else one batch of the
/// day after tomorrow would make late whatever comes after it, and what was noticed then would not be over before.
const AHEAD_MS: Millis = 60_000;

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
        device.number = self.heard;
        device.hear(batch, newest, heard_at)
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

    /// Who was heard in the last ten minutes, or for as long as it is waited for.
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
            silent.extend(device.miss(now).map(|missed_at| (name.clone(), missed_at)));
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
            device.resume(now);
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
