//! The other side of the ratio: how far a value is from the mean, in standard deviations of all before it.

/// Mean and variance as they grow (Welford 1962).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plain {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Plain {
    /// How many deviations away the next value is; then it counts itself.
    pub(crate) fn judge(&mut self, value: f64) -> f64 {
        let away = value - self.mean;
        let deviation = (self.squares / self.count.max(1.0)).sqrt();
        self.count += 1.0;
        self.mean += away / self.count;
        self.squares += away * (value - self.mean);
        away.abs() / deviation.max(1e-9)
    }
}
