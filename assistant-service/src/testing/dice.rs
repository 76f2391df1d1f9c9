//! Chance for plays against a model, which can be had again.

/// Repeatable: a failure names its seed.
pub(crate) struct Dice(pub(crate) u64);

/// The seeds to play: so many, or as many as `WATCHGATE_MODEL_SEEDS` says for a long run.
pub(crate) fn seeds(usual: u64) -> std::ops::RangeInclusive<u64> {
    1..=std::env::var("WATCHGATE_MODEL_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(usual)
}

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
