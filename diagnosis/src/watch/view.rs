//! One number of each slot against what is usual of it, and the last minute of what came of that.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::detector::Direction;

/// So many slots are learnt from before anything is strange, or more where slots are far apart.
pub(super) const LEARNS: u16 = 60;

/// How many slots are remembered one by one.
const MINUTE: u16 = 64;

/// How many slots back the usual reaches: five minutes.
const REACHES: f32 = 300.0;

/// The spread follows more slowly than the centre, so that a drift is far from a usual that lags behind it.
const SPREAD_REACHES: f32 = 900.0;

/// From how many spreads on a slot says nothing of the spread.
const FAR: f32 = 5.0;

/// A slot moves the centre by at most so many spreads, and the spread by at most so many.
const MOST_PULL: (f32, f32) = (1.5, 3.0);
const MOST_PULL_OF_PEAKS: f32 = 20.0;

/// How many spreads away a slot is strange, and from how many on it is no more calm.
const STRANGE: f32 = 5.0;
const CALM: f32 = 2.0;

/// Until it is known better, so many slots are taken to be strange by nature, as if so many had been seen.
const DOUBT: (f32, f32) = (0.1, 30.0);

/// So many slots, as bits, may be calm in between.
const MOMENT: u64 = 0xFF;
const BETWEEN_PEAKS: u64 = 0xF_FFFF;

/// Which ways a number can be strange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sides {
    /// More and less than usual.
    Both,
    /// More than usual, which is said to be a move in this direction.
    Of(Direction),
}

/// What is usual, and the last 64 slots as bits, newest lowest.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct View {
    slots: u16,
    centre: f32,
    spread: f32,
    /// How often a slot is strange: what often is, is no news.
    rate: f32,
    up: u64,
    down: u64,
    away: u64,
    /// When the slots began that are not calm, and those that are strange; what is a moment calm in between goes on.
    away_since: Millis,
    strange_since: Millis,
}

/// What a slot is held against beside what was usual.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The spread is at least this.
    pub(super) floor: f64,
    /// What is less far from the centre does not matter.
    pub(super) matters: f64,
    /// So many slots are learnt from before anything is strange.
    pub(super) learns: u16,
}

impl View {
    /// What is usual: centre and spread; `None` until enough was seen.
    pub(super) fn usual(&self) -> Option<(f64, f64)> {
        (self.slots >= LEARNS).then(|| (f64::from(self.centre), f64::from(self.spread)))
    }

    /// The centre, however little was seen.
    pub(super) fn centre(&self) -> f64 {
        f64::from(self.centre)
    }

    /// Takes a slot, which is strange since `at` at the earliest. What is usual does not learn from it while `is_held`.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is usual is kept in 32 bits, so that a series stays small"
    )]
    pub(super) fn take(&mut self, at: Millis, value: f64, sides: Sides, bounds: Bounds, is_held: bool) {
        let value = value as f32;
        let off = value - self.centre;
        let spread = self.spread.max(bounds.floor as f32).max(f32::MIN_POSITIVE);
        if self.slots >= bounds.learns {
            let far = |spreads: f32| off.abs() >= spreads * spread && (sides == Sides::Both || off > 0.0);
            let is_strange = far(STRANGE) && f64::from(off.abs()) >= bounds.matters;
            let is_away = is_strange || (far(CALM) && f64::from(off.abs()) >= bounds.matters / 2.0);
            let direction = match sides {
                Sides::Of(direction) => direction,
                Sides::Both if off < 0.0 => Direction::Down,
                Sides::Both => Direction::Up,
            };
            // What the last minute holds may be the beginning of something, and says nothing yet of what is usual.
            let was_strange = (self.up | self.down) >> 63 == 1;
            let between = if sides == Sides::Both { MOMENT } else { BETWEEN_PEAKS };
            self.shift(at, is_away, is_strange.then_some(direction), between);
            if !is_held && self.slots >= bounds.learns.saturating_add(MINUTE) {
                let slots = f32::from(self.slots.saturating_sub(bounds.learns)) + DOUBT.1;
                self.rate += (f32::from(u8::from(was_strange)) - self.rate) / slots.min(REACHES);
            }
        }
        if !is_held {
            self.learn(off, spread, sides, bounds.learns);
        }
    }

    fn learn(&mut self, off: f32, spread: f32, sides: Sides, learns: u16) {
        self.slots = self.slots.saturating_add(1);
        let slots = f32::from(self.slots);
        if self.slots == 1 {
            self.centre += off;
            return;
        }
        if self.slots <= learns {
            self.rate = DOUBT.0;
            self.centre += off / slots;
            // The mean deviation of a normal distribution is 0.8 of its standard deviation.
            self.spread += (off.abs() * 1.25 - self.spread) / slots;
            return;
        }
        self.centre += off.clamp(-MOST_PULL.0 * spread, MOST_PULL.0 * spread) / slots.min(REACHES);
        // What is far off says nothing of how far off levels usually are; of peaks it is all there is.
        let most = match sides {
            Sides::Both if off.abs() >= FAR * spread => return,
            Sides::Both => MOST_PULL.1,
            Sides::Of(_) => MOST_PULL_OF_PEAKS,
        };
        self.spread += ((off.abs() * 1.25).min(most * spread) - self.spread) / slots.min(SPREAD_REACHES);
    }

    /// How many of the last slots were strange upwards and downwards, less what is usual of that.
    pub(super) fn strange_of(&self, last: u32) -> (u32, u32) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 3 times 64")]
        let usual = (3.0 * self.rate * last as f32) as u32;
        let count = |bits: u64| latest(bits, last).count_ones().saturating_sub(usual);
        (count(self.up), count(self.down))
    }

    /// Whether the newest slot is strange.
    pub(super) fn is_strange(&self) -> bool {
        (self.up | self.down) & 1 == 1
    }

    /// How many of the last slots were not calm.
    pub(super) fn away_of(&self, last: u32) -> u32 {
        latest(self.away, last).count_ones()
    }

    /// When what is strange now began: with the first slot that was strange, or, where nearly all slots since then were, with the first that
    /// was not calm. The second one is a drift when that took `drifts_ms`.
    pub(super) fn began_at(&self, drifts_ms: Millis, last: u32) -> (Millis, bool) {
        let on_its_way = self.strange_since.saturating_sub(self.away_since);
        let is_drift = on_its_way >= drifts_ms && self.away_of(last).saturating_mul(5) >= last.saturating_mul(4);
        (if is_drift { self.away_since } else { self.strange_since }, is_drift)
    }

    fn shift(&mut self, at: Millis, is_away: bool, strange: Option<Direction>, between: u64) {
        if is_away && self.away & between == 0 {
            self.away_since = at;
        }
        (self.up, self.down, self.away) = (self.up << 1, self.down << 1, self.away << 1);
        // What was strange once since then, and is a little less so for a while, did not begin anew.
        if strange.is_some() && self.strange_since < self.away_since {
            self.strange_since = at;
        }
        self.up |= u64::from(strange == Some(Direction::Up));
        self.down |= u64::from(strange == Some(Direction::Down));
        self.away |= u64::from(is_away);
    }

    /// Forgets the last minute.
    pub(super) fn forget_minute(&mut self) {
        (self.up, self.down, self.away) = (0, 0, 0);
    }
}

/// The last slots of which the detector says itself whether they are strange.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Noted {
    up: u32,
    down: u32,
    since: Millis,
}

impl Noted {
    /// Takes a slot.
    pub(super) fn take(&mut self, at: Millis, strange: Option<Direction>) {
        if strange.is_some() && u64::from(self.up | self.down) & MOMENT == 0 {
            self.since = at;
        }
        self.up = (self.up << 1) | u32::from(strange == Some(Direction::Up));
        self.down = (self.down << 1) | u32::from(strange == Some(Direction::Down));
    }

    /// Which way at least so many of the last were strange.
    pub(super) fn most(&self, (needed, last): (u32, u32)) -> Option<Direction> {
        let count = |bits: u32| latest(bits.into(), last).count_ones();
        match (count(self.up) >= needed, count(self.down) >= needed) {
            (true, _) => Some(Direction::Up),
            (_, true) => Some(Direction::Down),
            _ => None,
        }
    }

    /// How many of the last were strange.
    pub(super) fn count(&self, last: u32) -> u32 {
        latest((self.up | self.down).into(), last).count_ones()
    }

    /// Since when.
    pub(super) fn since(&self) -> Millis {
        self.since
    }
}

fn latest(bits: u64, last: u32) -> u64 {
    bits & u64::MAX.checked_shr(64_u32.saturating_sub(last)).unwrap_or(u64::MAX)
}
