//! Chance: when somebody comes, and how long something takes.

use measuring::random::Random;

/// Draws that can be had again from the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Draw(Random);

impl Draw {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(Random::seeded(seed))
    }

    /// Between 0 and 1, and neither.
    fn uniform(&mut self) -> f64 {
        const STEPS: usize = 1 << 31;
        (self.0.below(STEPS) as f64 + 0.5) / STEPS as f64
    }

    /// The time until somebody comes, where they know nothing of each other.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -self.uniform().ln() * mean
    }

    /// Lognormal: mostly a little less than the mean, and now and then a multiple of it. `variation` is deviation by mean; without any it
    /// is the mean itself.
    pub(crate) fn around(&mut self, mean: f64, variation: f64) -> f64 {
        if variation == 0.0 {
            return mean;
        }
        let spread = (1.0 + variation * variation).ln();
        // Box and Muller.
        let normal = (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos();
        mean * (normal * spread.sqrt() - spread / 2.0).exp()
    }

    /// One of a list, by weights that come to 1.
    pub(crate) fn one_of<T: Copy>(&mut self, weighted: &[(T, f64)]) -> Option<T> {
        let mut left = self.uniform();
        let found = weighted.iter().find(|(_, weight)| {
            left -= weight;
            left < 0.0
        });
        found.or(weighted.last()).map(|(one, _)| *one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_mean_and_the_variation_that_was_asked_for() {
        let mut draw = Draw::seeded(7);
        for variation in [0.0, 0.5, 2.0] {
            let drawn: Vec<f64> = (0..400_000).map(|_| draw.around(3.0, variation)).collect();
            let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
            let square = drawn.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / drawn.len() as f64;
            assert!((mean - 3.0).abs() < 0.05 && (square.sqrt() / mean - variation).abs() < 0.1, "{mean} {square}");
        }
    }
}
