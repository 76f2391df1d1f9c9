//! What was told is no news: after a strange sample others count only if they are clearly stranger than what is left of it.

use serde::{Deserialize, Serialize};

use super::parameters::{NEWS_MARGIN, NEWS_SHARE, NEWS_WAIT};

/// What was told last.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct News {
    rarity: f64,
    at: u32,
}

impl News {
    /// What of a rarity is new.
    pub(super) fn of(&mut self, rarity: f64, count: u32) -> f64 {
        let age = f64::from(count.wrapping_sub(self.at));
        // What a series did for long is told again only after long.
        let wait = NEWS_WAIT.max(NEWS_SHARE * f64::from(count));
        let left = self.rarity * (1.0 - age / wait).max(0.0);
        let margin = if left > 0.0 { NEWS_MARGIN } else { 0.0 };
        let is_new = rarity > left + margin;
        if rarity > left {
            *self = Self { rarity, at: count };
        }
        if is_new { rarity } else { 0.0 }
    }
}
