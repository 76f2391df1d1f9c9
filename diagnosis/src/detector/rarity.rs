//! How rare a sample is by all signs together, and which of them gives it its name.

use super::Kind;
use super::parameters::OTHERS_WEIGHT;
use super::signs::{self, FallsOff, Height, SIGNS, Sign};
use super::tail::Tail;

/// The decades of the strongest sign and a part of the others, and the sign that says best what it is.
pub(super) fn of(heights: &[Option<Height>; SIGNS], tails: &[Tail; SIGNS], count: u32) -> (f64, Sign) {
    let [mut name, ..] = signs::ALL;
    let (mut sum, mut most, mut named) = (0.0, 0.0_f64, 0.0);
    // A limit comes after what it limits, so they are gone through from the end.
    let mut limit = f64::INFINITY;
    for ((sign, tail), height) in signs::ALL.into_iter().zip(tails).zip(heights).rev() {
        let decades = height.map_or(0.0, |height| of_one(sign, tail, height, count)).min(limit);
        if sign.is_limit {
            limit = decades;
            continue;
        }
        limit = f64::INFINITY;
        let counts = (decades - sign.handicap).max(0.0);
        sum += counts;
        most = most.max(counts);
        // Whatever jumps also widens; so width gives a name only to what has no better one.
        let says = if sign.kind == Kind::Variance { decades / 3.0 } else { decades };
        if says > named {
            (named, name) = (says, sign);
        }
    }
    (most + OTHERS_WEIGHT * (sum - most), name)
}

fn of_one(sign: Sign, tail: &Tail, height: Height, count: u32) -> f64 {
    let Height { height, foot, least, most } = height;
    let decades = match sign.falls_off {
        FallsOff::Power => tail.rarity(height, foot, least, count),
        FallsOff::Exponential => tail.rarity_of_run(height, count),
    };
    decades.min(most)
}
