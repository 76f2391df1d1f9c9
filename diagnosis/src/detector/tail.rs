//! How rarely something gets so far: judged by the highest peaks that were seen of the very same thing.
//!
//! Nothing is assumed of a distribution but that its far end falls off like a power: the mean logarithm by which the highest peaks
//! exceed the least of them says how steeply (Hill 1975), and how far beyond them a value lies then says how rare it is
//! (Weissman 1978). It needs no scale, so one rule serves bytes, degrees and counts.

use serde::{Deserialize, Serialize};

use super::parameters::{EVENT, FADING, MEMORY, PRIOR_PEAKS, PRIOR_SLOPE, RARITY_CAP, TIME_WEIGHT};

/// How many peaks are held.
const PEAKS: usize = 8;

/// With fewer nothing can be said.
const LEAST_PEAKS: usize = 3;

/// The highest peaks, the highest first, at most one for each event.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Tail {
    peaks: [Peak; PEAKS],
    held: u8,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Peak {
    height: f32,
    /// The number of the sample, of which the lowest 32 bits are enough to see how long ago it was.
    at: u32,
}

impl Tail {
    /// How many powers of ten a height is rarer than the least of the peaks, weighed by how long they were collected; 0 when it
    /// does not reach them. Heights count from `foot`, and below `least` above it none differs from another.
    pub(super) fn rarity(&self, height: f64, foot: f64, least: f64, count: u32) -> f64 {
        let Some((lowest, others)) = self.split() else { return 0.0 };
        let lowest = (lowest - foot).max(least);
        let height = height - foot;
        if height < lowest {
            return 0.0;
        }
        let over = |peak: &Peak| ((f64::from(peak.height) - foot) / lowest).max(1.0).ln();
        let slope = with_prior(others.iter().map(over).sum(), others.len(), PRIOR_SLOPE);
        self.waited(count) + decades((height / lowest).ln() / slope)
    }

    /// The same for how often something came in a row: of such numbers the far end falls off exponentially.
    pub(super) fn rarity_of_run(&self, length: f64, count: u32) -> f64 {
        let Some((lowest, others)) = self.split() else { return 0.0 };
        if length < lowest {
            return 0.0;
        }
        let over = |peak: &Peak| f64::from(peak.height) - lowest;
        let mean = with_prior(others.iter().map(over).sum(), others.len(), PRIOR_SLOPE * lowest.max(1.0));
        self.waited(count) + decades((length - lowest) / mean)
    }

    /// Takes a height in, as a peak of its own or as a higher one of the same event.
    pub(super) fn learn(&mut self, height: f64, count: u32) {
        let new = Peak { height: height as f32, at: count };
        let held = usize::from(self.held);
        let Some(peaks) = self.peaks.get_mut(..held) else { return };
        forget(peaks, new);
        if let Some(same_event) = peaks.iter_mut().find(|peak| count.wrapping_sub(peak.at) < EVENT) {
            if new.height <= same_event.height {
                return;
            }
            *same_event = new;
        } else if let Some(free) = self.peaks.get_mut(held) {
            *free = new;
            self.held = self.held.saturating_add(1);
        } else if let Some(lowest) = self.peaks.last_mut().filter(|lowest| lowest.height < new.height) {
            *lowest = new;
        } else {
            return;
        }
        let held = usize::from(self.held);
        if let Some(peaks) = self.peaks.get_mut(..held) {
            peaks.sort_unstable_by(|one, other| other.height.total_cmp(&one.height));
        }
    }

    /// The lowest peak's height, and the peaks above it.
    fn split(&self) -> Option<(f64, &[Peak])> {
        let peaks = self.peaks.get(..usize::from(self.held)).filter(|peaks| peaks.len() >= LEAST_PEAKS)?;
        let (lowest, others) = peaks.split_last()?;
        Some((f64::from(lowest.height), others))
    }

    /// What it counts that as many peaks were all in so many samples.
    fn waited(&self, count: u32) -> f64 {
        // Peaks that are forgotten were not waited for.
        let events = f64::from(count.min(MEMORY)) / f64::from(EVENT);
        TIME_WEIGHT * (events / f64::from(self.held)).max(1.0).log10()
    }
}

/// Lets the highest of the peaks that are too old fall to the next one, and the lowest towards what there is now: what once was is
/// forgotten by and by.
fn forget(peaks: &mut [Peak], new: Peak) {
    let Some(old) = peaks.iter().position(|peak| new.at.wrapping_sub(peak.at) > MEMORY) else { return };
    let next = old.checked_add(1).and_then(|next| peaks.get(next)).map(|next| next.height);
    if let Some(old) = peaks.get_mut(old) {
        let height = next.unwrap_or(old.height - FADING * (old.height - new.height).max(0.0));
        // Of no event that is going on.
        *old = Peak { height, at: new.at.wrapping_sub(EVENT) };
    }
}

/// A mean of few, drawn towards what is believed of it before any is seen.
fn with_prior(sum: f64, count: usize, prior: f64) -> f64 {
    (sum + PRIOR_PEAKS * prior) / (count as f64 + PRIOR_PEAKS)
}

/// Natural logarithms as powers of ten, as far as they are believed.
fn decades(logarithm: f64) -> f64 {
    (logarithm / std::f64::consts::LN_10).min(RARITY_CAP)
}
