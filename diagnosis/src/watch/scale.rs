//! How values of a series are compared.

use serde::{Deserialize, Serialize};

/// How values are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Scale {
    /// By their logarithms: what always is above zero.
    #[default]
    Ratios,
    /// As they are.
    Differences,
}

/// Nothing is known more exactly than to half a percent.
const EXACT: f64 = 0.005;

impl Scale {
    /// A value as it is compared; `centre` is the usual level, if it is known, as it is compared.
    pub(super) fn scaled(self, value: f64, centre: Option<f64>) -> f64 {
        match (self, centre) {
            // A thousandth of the usual is as good as nothing.
            (Self::Ratios, Some(centre)) => value.max(centre.exp() / 1000.0).ln(),
            (Self::Ratios, None) => value.max(f64::MIN_POSITIVE).ln(),
            (Self::Differences, _) => value,
        }
    }

    /// What was compared, as it was measured.
    pub(super) fn measured(self, scaled: f64) -> f64 {
        match self {
            Self::Ratios => scaled.exp(),
            Self::Differences => scaled,
        }
    }

    /// The least spread, and the size of the usual level, as they are compared.
    pub(super) fn least_and_size(self, centre: f64) -> (f64, f64) {
        match self {
            Self::Ratios => (EXACT, 1.0),
            Self::Differences => ((centre.abs() * EXACT).max(f64::MIN_POSITIVE), centre.abs()),
        }
    }

    /// A spread, as it is measured around a level.
    pub(super) fn measured_spread(self, spread: f64, level: f64) -> f64 {
        match self {
            Self::Ratios => spread * level.abs(),
            Self::Differences => spread,
        }
    }
}
