//! What is looked at in a series, each with a kind, a direction, and a history of its own.

use super::parameters::handicap;
use super::{Direction, Kind};

/// How many there are.
pub(super) const SIGNS: usize = 15;

/// One thing that may be strange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign {
    pub(super) kind: Kind,
    /// Which way a sample goes that shows it; `None` where only the sample says.
    pub(super) direction: Option<Direction>,
    /// What is taken off its rarity.
    pub(super) handicap: f64,
    pub(super) falls_off: FallsOff,
    /// It is no sign by itself: the one before counts for no more than this one.
    pub(super) is_limit: bool,
}

/// How the far end of its history falls off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FallsOff {
    Power,
    Exponential,
}

/// How far a sign stands out, in its own measure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Height {
    pub(super) height: f64,
    /// Where heights count from.
    pub(super) foot: f64,
    /// Above the foot, what is less than this does not differ.
    pub(super) least: f64,
    /// The most decades that chance leaves to it.
    pub(super) most: f64,
}

impl Height {
    pub(super) fn new(height: f64, foot: f64, least: f64) -> Self {
        Self { height, foot, least, most: f64::INFINITY }
    }
}

const fn sign(kind: Kind, direction: Option<Direction>, handicap: f64) -> Sign {
    Sign { kind, direction, handicap, falls_off: FallsOff::Power, is_limit: false }
}

const UP: Option<Direction> = Some(Direction::Up);
const DOWN: Option<Direction> = Some(Direction::Down);

/// All of them, in the order of [`super::Detector`]'s heights.
pub(super) const ALL: [Sign; SIGNS] = [
    sign(Kind::Spike, UP, handicap::VALUE),
    Sign { is_limit: true, ..sign(Kind::Spike, UP, handicap::VALUE) },
    sign(Kind::Spike, DOWN, handicap::VALUE),
    Sign { is_limit: true, ..sign(Kind::Spike, DOWN, handicap::VALUE) },
    sign(Kind::Spike, UP, handicap::STEP),
    sign(Kind::Spike, DOWN, handicap::STEP),
    sign(Kind::LevelShift, UP, handicap::SHIFT),
    sign(Kind::LevelShift, DOWN, handicap::SHIFT),
    sign(Kind::Drift, UP, handicap::DRIFT),
    sign(Kind::Drift, DOWN, handicap::DRIFT),
    sign(Kind::Variance, UP, handicap::WIDTH),
    sign(Kind::Variance, DOWN, handicap::WIDTH),
    Sign { falls_off: FallsOff::Exponential, ..sign(Kind::Flatline, None, handicap::RUN) },
    sign(Kind::Season, UP, handicap::DAY),
    sign(Kind::Season, DOWN, handicap::DAY),
];
