//! What is usual at this time of day: half hours, of working days and of weekends, in UTC.

use serde::{Deserialize, Serialize};

use super::parameters::{DAY_EXPLAINS, DAY_MEMORY, DAY_SMOOTHING, DAY_TRUST, LEAST_DAYS};
use crate::Millis;

const DAY_MILLIS: Millis = 24 * 60 * 60 * 1000;
const SLOTS: usize = 24;
const SLOT: Millis = DAY_MILLIS / 48;
const LAST: u8 = 47;

/// 1970-01-01 was a Thursday; a week begins with a Monday.
const THURSDAY: Millis = 3;

/// The levels of all half hours, and whether they explain anything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Day {
    /// Mornings and afternoons of working days, then of weekends.
    levels: [[f32; SLOTS]; 4],
    /// Of how many days each level is made.
    days: [[u8; SLOTS]; 4],
    now: Now,
    /// How far samples usually are from the level of their half hour.
    off_day: f32,
    /// And how far from the level of all.
    off_all: f64,
    /// How far samples are from the mean of their half hour, neighbours or not: far where a few values made that mean.
    off_usual: f32,
    /// What the last samples are off, smoothed.
    recent: f64,
}

/// A half hour of a kind of day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    is_weekend: bool,
    slot: u8,
}

/// The half hour that is going on.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Now {
    place: Place,
    sum: f64,
    count: u32,
}

/// What is off, and from what.
#[derive(Clone, Copy, Debug)]
pub(super) struct OffDay {
    /// How far the last samples are from what is usual at their time.
    pub(super) recent: f64,
    /// What is usual now.
    pub(super) usual: f64,
    /// How far samples usually are from what is usual at their time.
    pub(super) distance: f64,
}

impl Day {
    /// Takes a sample; says how far off it is, where the time of day explains what samples are.
    pub(super) fn take(&mut self, at: Millis, value: f64, all: f64, least: f64) -> Option<OffDay> {
        let place = Place::of(at);
        if place != self.now.place {
            self.close();
            self.now = Now { place, ..Now::default() };
        }
        self.now.sum += value;
        self.now.count = self.now.count.saturating_add(1);
        // A weekend of which nothing is known yet is judged as any other day.
        let kinds = [place, Place { is_weekend: false, ..place }];
        let (place, usual) = kinds.into_iter().find_map(|place| Some((place, self.known(place)?)))?;
        let off = self.off(place, usual, value);
        let off_all = (value - all).abs();
        let off_usual = (value - usual).abs();
        if self.off_all == 0.0 {
            (self.off_day, self.off_all, self.off_usual) = (off.abs() as f32, off_all, off_usual as f32);
        }
        let (off_day, distance) = (f64::from(self.off_day), f64::from(self.off_usual));
        let most = 6.0 * off_day.max(least);
        let off_day = off_day + DAY_TRUST * (off.abs().min(most) - off_day);
        let distance = distance + DAY_TRUST * (off_usual - distance);
        (self.off_day, self.off_usual) = (off_day as f32, distance as f32);
        self.off_all += DAY_TRUST * (off_all - self.off_all);
        self.recent += (off - self.recent) / DAY_SMOOTHING;
        (off_day < DAY_EXPLAINS * self.off_all).then_some(OffDay { recent: self.recent, usual, distance })
    }

    /// How far a value is from what is usual in this half hour, the one before and the one after: days are not that punctual.
    fn off(&self, place: Place, usual: f64, value: f64) -> f64 {
        let beside = [place.before(), place.after()].into_iter().filter_map(|place| self.known(place));
        let (least, most) = beside.fold((usual, usual), |(least, most), level| (level.min(least), level.max(most)));
        value - value.clamp(least, most)
    }

    /// Makes what was seen in a half hour part of its level.
    fn close(&mut self) {
        let Now { place, sum, count } = self.now;
        let (half, slot) = place.index();
        let level = self.levels.get_mut(half).and_then(|half| half.get_mut(slot));
        let days = self.days.get_mut(half).and_then(|half| half.get_mut(slot));
        let (Some(level), Some(days), true) = (level, days, count > 0) else { return };
        *days = days.saturating_add(1);
        let mean = sum / f64::from(count);
        *level += ((mean - f64::from(*level)) / f64::from(*days).min(DAY_MEMORY)) as f32;
    }

    fn known(&self, place: Place) -> Option<f64> {
        let (half, slot) = place.index();
        let is_known = *self.days.get(half)?.get(slot)? >= LEAST_DAYS;
        is_known.then_some(f64::from(*self.levels.get(half)?.get(slot)?))
    }
}

impl Place {
    fn of(at: Millis) -> Self {
        let is_weekend = at.div_euclid(DAY_MILLIS).saturating_add(THURSDAY).rem_euclid(7) >= 5;
        Self { is_weekend, slot: u8::try_from(at.rem_euclid(DAY_MILLIS) / SLOT).unwrap_or_default() }
    }

    /// The half hour before, of the same kind of day.
    fn before(self) -> Self {
        Self { slot: self.slot.checked_sub(1).unwrap_or(LAST), ..self }
    }

    fn after(self) -> Self {
        Self { slot: if self.slot < LAST { self.slot.saturating_add(1) } else { 0 }, ..self }
    }

    /// Which half of which kind of day, and which slot of it.
    fn index(self) -> (usize, usize) {
        let slot = usize::from(self.slot);
        let kind = if self.is_weekend { 2 } else { 0 };
        match slot.checked_sub(SLOTS) {
            Some(afternoon) => (kind | 1, afternoon),
            None => (kind, slot),
        }
    }
}
