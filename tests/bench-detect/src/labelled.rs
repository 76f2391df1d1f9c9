//! A series of which somebody said where it is anomalous.

use std::ops::RangeInclusive;

/// The share of a file's rows of which nothing counts.
const PROBATION_SHARE: f64 = 0.15;

/// Of longer files no more rows are taken for it.
const PROBATION_OF_AT_MOST: usize = 5000;

/// A series and its windows.
#[derive(Clone, Debug)]
pub(crate) struct Labelled {
    /// The folder and the file, or the kind and the seed.
    pub(crate) name: String,
    /// Milliseconds since 1970.
    pub(crate) times: Vec<i64>,
    pub(crate) values: Vec<f64>,
    /// Rows, first and last, in order.
    pub(crate) windows: Vec<RangeInclusive<usize>>,
}

impl Labelled {
    /// How many rows at the beginning do not count.
    pub(crate) fn probation(&self) -> usize {
        (PROBATION_SHARE * self.values.len().min(PROBATION_OF_AT_MOST) as f64) as usize
    }
}
