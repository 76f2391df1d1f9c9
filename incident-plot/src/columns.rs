//! What one pixel of time can show of a line: the least, the greatest and the mean of what fell into it.

use crate::Millis;

/// As many as a panel is wide.
pub(crate) const COLUMNS: usize = 720;

/// A gap in a line is one that is this many times as long as the waits between its values usually are.
const GAP_WAITS: usize = 6;

/// The values of a line, by pixel.
#[derive(Clone, Debug)]
pub struct Columns {
    from: Millis,
    until: Millis,
    columns: Vec<Option<Column>>,
}

/// What fell into one pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) least: f64,
    pub(crate) greatest: f64,
    pub(crate) mean: f64,
    count: f64,
}

impl Columns {
    /// Without values, from one moment to another.
    #[must_use]
    pub fn new(from: Millis, until: Millis) -> Self {
        Self { from, until: until.max(from.saturating_add(1)), columns: vec![None; COLUMNS] }
    }

    /// Takes a value. One that is no number, or of another time, is left out.
    pub fn add(&mut self, at: Millis, value: f64) {
        if !value.is_finite() || at < self.from || at >= self.until {
            return;
        }
        let share = as_f64(at.saturating_sub(self.from)) / as_f64(self.until.saturating_sub(self.from));
        if let Some(column) = self.columns.get_mut(index(share)) {
            let new = Column { least: value, greatest: value, mean: value, count: 1.0 };
            *column = Some(column.map_or(new, |column| column.with(value)));
        }
    }

    /// Whether there is nothing to be seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.iter().all(Option::is_none)
    }

    /// Between which values nine of ten columns lie that were shown before a moment: what was usual, as far as there was enough.
    #[must_use]
    pub fn usual_before(&self, moment: Millis) -> Option<(f64, f64)> {
        const FEWEST: usize = 10;
        let share = as_f64(moment.saturating_sub(self.from)) / as_f64(self.until.saturating_sub(self.from));
        let before = || self.columns.iter().take(index(share.clamp(0.0, 1.0))).flatten();
        let mut least: Vec<f64> = before().map(|column| column.least).collect();
        let mut greatest: Vec<f64> = before().map(|column| column.greatest).collect();
        least.sort_by(f64::total_cmp);
        greatest.sort_by(f64::total_cmp);
        let out = least.len().div_ceil(20);
        if least.len() < FEWEST {
            return None;
        }
        Some((*least.get(out)?, *greatest.get(greatest.len().checked_sub(out.saturating_add(1))?)?))
    }

    /// The columns that have values, with their numbers.
    pub(crate) fn filled(&self) -> impl DoubleEndedIterator<Item = (usize, Column)> {
        self.columns.iter().enumerate().filter_map(|(number, column)| Some((number, (*column)?)))
    }

    /// The same in runs without a gap.
    pub(crate) fn runs(&self) -> Vec<Vec<(usize, Column)>> {
        let filled: Vec<_> = self.filled().collect();
        let wait = |pair: &[(usize, Column)]| match pair {
            [(one, _), (other, _)] => other.saturating_sub(*one),
            _ => 0,
        };
        let mut waits: Vec<usize> = filled.windows(2).map(wait).collect();
        waits.sort_unstable();
        let usual = waits.get(waits.len() / 2).copied().unwrap_or(1).max(1);
        let mut runs: Vec<Vec<(usize, Column)>> = Vec::new();
        for (number, column) in filled {
            let last = runs.last_mut().and_then(|run| Some((run.last()?.0, run)));
            match last {
                Some((before, run)) if number.saturating_sub(before) <= usual.saturating_mul(GAP_WAITS) => {
                    run.push((number, column));
                }
                _ => runs.push(vec![(number, column)]),
            }
        }
        runs
    }
}

impl Column {
    fn with(self, value: f64) -> Self {
        let count = self.count + 1.0;
        Self {
            least: self.least.min(value),
            greatest: self.greatest.max(value),
            mean: self.mean + (value - self.mean) / count,
            count,
        }
    }
}

/// Exact for every time of the next hundred thousand years.
pub(crate) fn as_f64(number: Millis) -> f64 {
    number as f64
}

/// The column of a share of the time.
fn index(share: f64) -> usize {
    (share * 720.0) as usize
}
