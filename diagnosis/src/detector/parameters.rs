//! Every number that was chosen, the same for all data; docs/DETECTION.md says how.

/// Samples that belong to one event: of each event a tail remembers its highest point alone.
pub(super) const EVENT: u32 = 80;

/// After so many samples a peak falls to the next lower one, and the lowest by a part of what it is above the present.
pub(super) const MEMORY: u32 = 20_000;
pub(super) const FADING: f32 = 0.1;

/// How much peaks are believed to differ before any is seen, as a logarithm: 0.1 is some 10 % between one and a 2.7 times rarer one.
pub(super) const PRIOR_SLOPE: f64 = 0.1;

/// How many peaks that belief is worth.
pub(super) const PRIOR_PEAKS: f64 = 4.0;

/// What ten times as many samples without the like add to a rarity. With 1 a long series would tell as often as a short one in
/// the same time; with 0 as often in its whole life.
pub(super) const TIME_WEIGHT: f64 = 0.7;

/// The most decades that are believed of a distance beyond the peaks.
pub(super) const RARITY_CAP: f64 = 3.0;

/// Samples that the level and the spread are made of.
pub(super) const LEVEL_MEMORY: f64 = 1000.0;

/// The weight of the newest sample in the expectation of the next.
pub(super) const EXPECTATION_WEIGHT: f64 = 0.07;

/// Samples of the mean that shows another level.
pub(super) const SHIFT_SAMPLES: f64 = 24.0;

/// Samples of the mean that shows a drift.
pub(super) const DRIFT_SAMPLES: f64 = 200.0;

/// Samples of the width that shows more or less movement.
pub(super) const WIDTH_SAMPLES: f64 = 6.0;

/// Days that the level of a half hour is made of.
pub(super) const DAY_MEMORY: f64 = 8.0;

/// Days before a half hour's level counts.
pub(super) const LEAST_DAYS: u8 = 2;

/// The time of day explains samples if they are this much closer to its level than to the level of all.
pub(super) const DAY_EXPLAINS: f64 = 0.7;

/// The weight of a sample in the judgement whether it does.
pub(super) const DAY_TRUST: f64 = 0.005;

/// Samples over which what is off the day is smoothed.
pub(super) const DAY_SMOOTHING: f64 = 4.0;

/// What of the weaker signs is added to the strongest one.
pub(super) const OTHERS_WEIGHT: f64 = 0.5;

/// Samples in which what was told fades.
pub(super) const NEWS_WAIT: f64 = 500.0;

/// The same, as a share of all samples so far, where that is more.
pub(super) const NEWS_SHARE: f64 = 0.2;

/// How much rarer than what is left of it something must be to be told again, in decades.
pub(super) const NEWS_MARGIN: f64 = 0.2;

/// So many decades more take the score's distance from 1 down to a tenth.
pub(super) const DECADES_OF_SCORE: f64 = 2.0;

/// The least share of repeats that runs are judged by: a sensor that never shows the same twice may do so by chance of its digits.
pub(super) const LEAST_REPEATS: f64 = 0.2;

/// How much rarer than by itself each sign must be: what is seen more often by chance, or says less, weighs less.
pub(super) mod handicap {
    pub(in crate::detector) const VALUE: f64 = 0.4;
    pub(in crate::detector) const STEP: f64 = 0.6;
    pub(in crate::detector) const SHIFT: f64 = 0.55;
    pub(in crate::detector) const DRIFT: f64 = 1.5;
    pub(in crate::detector) const WIDTH: f64 = 0.3;
    pub(in crate::detector) const RUN: f64 = 1.0;
    pub(in crate::detector) const DAY: f64 = 0.6;
}
