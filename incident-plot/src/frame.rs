//! Time, from left to right, and the moments that matter.

use crate::columns::as_f64;
use crate::numbers::{clock, day, lasted};
use crate::svg::{line, text};
use crate::{Millis, Plot};

/// Where panels begin and end, from left to right.
pub(crate) const LEFT: f64 = 64.0;
pub(crate) const RIGHT: f64 = 784.0;

/// Room for the words above the lines.
pub(crate) const MARKS_HEIGHT: f64 = 34.0;
pub(crate) const AXIS_HEIGHT: f64 = 44.0;

const MINUTE: Millis = 60_000;
const DAY: Millis = 1440 * MINUTE;
const STEPS: [Millis; 15] = [
    5_000,
    10_000,
    15_000,
    30_000,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    60 * MINUTE,
    120 * MINUTE,
    240 * MINUTE,
    720 * MINUTE,
    DAY,
];

/// The time that is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) from: Millis,
    pub(crate) until: Millis,
}

impl Frame {
    fn length(self) -> Millis {
        self.until.saturating_sub(self.from).max(1)
    }

    /// Where a moment stands; at the edge where it is not shown.
    pub(crate) fn x(self, at: Millis) -> f64 {
        let share = as_f64(at.saturating_sub(self.from)) / as_f64(self.length());
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    fn shows(self, at: Millis) -> bool {
        (self.from..=self.until).contains(&at)
    }

    /// Moments at which the clock shows something round.
    fn ticks(self) -> (Vec<Millis>, bool) {
        let step = STEPS
            .into_iter()
            .find(|step| self.length().checked_div(*step).is_some_and(|steps| steps <= 12))
            .unwrap_or(DAY);
        let first = self.from.checked_div_euclid(step).unwrap_or_default().saturating_add(1).saturating_mul(step);
        let ticks = std::iter::successors(Some(first), |tick| tick.checked_add(step));
        (ticks.take_while(|tick| *tick < self.until).take(64).collect(), step < MINUTE)
    }

    /// Lines of the clock, within one panel.
    pub(crate) fn write_grid(self, body: &mut String, top: f64, bottom: f64) {
        for tick in self.ticks().0 {
            line(body, "grid", (self.x(tick), top), (self.x(tick), bottom));
        }
    }

    /// The clock, below all panels.
    pub(crate) fn write_axis(self, body: &mut String, y: f64) {
        let (ticks, with_seconds) = self.ticks();
        for tick in ticks {
            let x = self.x(tick);
            line(body, "edge", (x, y), (x, y + 4.0));
            if (LEFT + 12.0..RIGHT - 12.0).contains(&x) {
                text(body, "clock", (x, y + 17.0), "middle", &clock(tick, with_seconds));
            }
        }
        let (first, last) = (day(self.from), day(self.until.saturating_sub(1)));
        let days = if first == last { format!("{first}, UTC") } else { format!("{first} to {last}, UTC") };
        text(body, "clock", (RIGHT, y + 33.0), "end", &days);
    }

    /// When it began, was noticed and was over: lines through all panels, and their words above.
    pub(crate) fn write_marks(self, body: &mut String, plot: &Plot, (top, bottom): (f64, f64)) {
        let Plot { began_at, noticed_at, resolved_at, .. } = *plot;
        let mut mark = |class: &str, at: Millis| line(body, class, (self.x(at), top - 4.0), (self.x(at), bottom));
        if self.shows(began_at) {
            mark("began", began_at);
        }
        if self.shows(noticed_at) && noticed_at > began_at {
            mark("noticed", noticed_at);
        }
        let over = resolved_at.filter(|at| self.shows(*at));
        if let Some(at) = over {
            mark("resolved", at);
        }
        // The words of the beginning stand to the left of its line and those of the noticing to the right of its own, so that they never meet.
        let began = format!("began {}", clock(began_at, true));
        let x = self.x(began_at);
        let is_room = x - LEFT > 110.0;
        let (place, anchor) = if is_room { (x - 4.0, "end") } else { (x + 4.0, "start") };
        let row = |row: f64| top - 8.0 - row * 13.0;
        text(body, "mark", (place, row(if is_room { 0.0 } else { 1.0 })), anchor, &began);
        let noticed = format!("noticed after {}", lasted(noticed_at.saturating_sub(began_at)));
        let noticed_x = self.x(noticed_at.max(began_at));
        let (place, anchor) =
            if RIGHT - noticed_x > 150.0 { (noticed_x + 4.0, "start") } else { (noticed_x - 4.0, "end") };
        text(body, "mark", (place, row(if anchor == "end" { 1.0 } else { 0.0 })), anchor, &noticed);
        let (words, x) = match over {
            Some(at) => (format!("over after {}", lasted(at.saturating_sub(began_at))), self.x(at)),
            None if resolved_at.is_none() => ("goes on".to_owned(), RIGHT),
            None => return,
        };
        let class = if over.is_some() { "mark-resolved" } else { "mark" };
        let is_apart = x - noticed_x > 270.0;
        text(body, class, (x - 4.0, row(if is_apart { 0.0 } else { 1.0 })), "end", &words);
    }
}
