//! How well two tickets suit each other, from 0 to 1. The director asks for each pair of neighbours in every round.
//!
//! The weights come from `matchmaking/tuning.yaml`; what stands in `Tuning::default` holds for playlists without a block.

use std::time::Duration;

/// The numbers that designers may turn.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    pub weight_rating: f64,
    pub weight_latency: f64,
    pub weight_wait: f64,
    pub min_quality: f64,
    pub party_penalty: f64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { weight_rating: 1.0, weight_latency: 0.6, weight_wait: 0.3, min_quality: 0.55, party_penalty: 0.10 }
    }
}

/// What is known of a party that waits for a match.
#[derive(Debug, Clone)]
pub struct Ticket {
    pub rating: f64,
    /// Glicko-2: how unsure the rating is.
    pub deviation: f64,
    pub latency_ms: f64,
    pub waited: Duration,
    pub party_size: u8,
}

const FIRST_WINDOW: f64 = 50.0;
const WINDOW_STEP: f64 = 25.0;
const WIDEST_WINDOW: f64 = 400.0;
const STEP_SECONDS: u64 = 5;
/// Above this latency a pair scores nothing for it.
const WORST_LATENCY_MS: f64 = 120.0;
/// The bonus for waiting is whole after two minutes.
const FULL_WAIT_BONUS: f64 = 120.0;

/// The difference in rating that a ticket accepts after it has waited for some time.
#[must_use]
pub fn window(waited: Duration) -> f64 {
    let steps = (waited.as_secs() / STEP_SECONDS) as f64;
    (FIRST_WINDOW + steps * WINDOW_STEP).min(WIDEST_WINDOW)
}

/// The quality of a pair, or `None` when it may not be made: too far apart, or not good enough.
#[must_use]
pub fn quality(one: &Ticket, other: &Ticket, tuning: &Tuning) -> Option<f64> {
    // The one that waited less decides: nobody is drawn into a match that is too hard because the other side is tired.
    let allowed = window(one.waited.min(other.waited));
    let apart = (one.rating - other.rating).abs();
    if apart > allowed {
        return None;
    }
    // Two unsure ratings say little, so their difference counts for less.
    let certainty = 1.0 / (1.0 + (one.deviation.hypot(other.deviation) / 350.0));
    let rating = 1.0 - (apart / WIDEST_WINDOW) * certainty;
    let latency = 1.0 - (one.latency_ms.max(other.latency_ms) / WORST_LATENCY_MS).min(1.0);
    let wait = (one.waited.max(other.waited).as_secs_f64() / FULL_WAIT_BONUS).min(1.0);

    let weights = tuning.weight_rating + tuning.weight_latency + tuning.weight_wait;
    let score =
        (tuning.weight_rating * rating + tuning.weight_latency * latency + tuning.weight_wait * wait) / weights;
    let penalty = if (one.party_size == 1) == (other.party_size == 1) { 0.0 } else { tuning.party_penalty };
    let score = (score - penalty).clamp(0.0, 1.0);
    (score >= tuning.min_quality).then_some(score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_widens_by_steps_and_ends_at_the_widest() {
        assert_eq!(window(Duration::from_secs(4)), 50.0);
        assert_eq!(window(Duration::from_secs(5)), 75.0);
        assert_eq!(window(Duration::from_secs(600)), 400.0);
    }
}
