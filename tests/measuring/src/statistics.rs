//! Medians and spreads.

use serde_json::{Value, json};

/// Several measurements of one thing.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    values: Vec<f64>,
}

impl Sample {
    /// Of these values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Sample {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Sample { values }
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Between the two nearest values, in proportion.
    pub fn quantile(&self, share: f64) -> f64 {
        let Some(last) = self.values.len().checked_sub(1) else { return f64::NAN };
        let place = share * last as f64;
        let (below, above) = (self.values[place.floor() as usize], self.values[place.ceil() as usize]);
        below + (above - below) * place.fract()
    }

    /// The smallest.
    pub fn least(&self) -> f64 {
        self.quantile(0.0)
    }

    /// The largest.
    pub fn most(&self) -> f64 {
        self.quantile(1.0)
    }

    /// `{"median", "least", "most", "middle_half"}`.
    pub fn to_json(&self, digits: i32) -> Value {
        let shown = |value| rounded(value, digits);
        json!({
            "median": shown(self.median()),
            "least": shown(self.least()),
            "most": shown(self.most()),
            "middle_half": [shown(self.quantile(0.25)), shown(self.quantile(0.75))],
        })
    }
}

/// With so many digits behind the point.
pub fn rounded(value: f64, digits: i32) -> f64 {
    let factor = 10_f64.powi(digits);
    (value * factor).round() / factor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_nearest_values() {
        let sample = Sample::of([4.0, 1.0, 3.0, 2.0]);
        assert_eq!((sample.least(), sample.median(), sample.most()), (1.0, 2.5, 4.0));
        assert_eq!(sample.quantile(0.25), 1.75);
        assert_eq!(Sample::of([7.0]).quantile(0.99), 7.0);
        assert!(Sample::default().median().is_nan());
    }
}
