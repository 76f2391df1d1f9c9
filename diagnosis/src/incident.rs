//! The wire form of an incident: what is kept, listed, and told as events of the types `dev.watchgate.incident.*`.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::detector::{Direction, Kind};
use crate::series::SeriesKey;

/// Whether it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// It goes on.
    Open,
    /// The data say that it is over.
    Resolved,
}

/// One cause, on however many devices and metrics it shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its name: it follows from what moved first, so that the same samples give the same one.
    pub incident: String,
    /// Whether it goes on.
    pub state: IncidentState,
    /// One sentence: what moved, which way, where, and what those places share.
    pub title: String,
    /// When the first thing moved, in milliseconds since 1970.
    pub began_at: Millis,
    /// The time of the sample that made it an incident.
    pub opened_at: Millis,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Millis>,
    /// The incident that it turned out to be a part of: it is over as one of its own, and what moved is told there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// What moved, in the order in which it began; the first one is what moved first. At most [`MOST_MOVED`].
    pub moved: Vec<Movement>,
    /// How many series moved in all.
    pub moved_in_all: usize,
    /// On which devices, in the order in which they were struck; at most [`MOST_DEVICES`].
    pub devices: Vec<String>,
    /// On how many devices in all.
    pub devices_in_all: usize,
    /// What the struck devices have in common and others do not, most telling first.
    pub shared: Vec<Shared>,
    /// Earlier incidents that looked like it, most alike first; at most five.
    pub similar: Vec<Similar>,
}

/// The most movements that an incident names.
pub const MOST_MOVED: usize = 64;

/// The most devices that an incident names.
pub const MOST_DEVICES: usize = 64;

/// One series that moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Movement {
    /// Which one.
    #[serde(flatten)]
    pub series: SeriesKey,
    /// How.
    pub kind: Kind,
    /// Which way.
    pub direction: Direction,
    /// Since when.
    pub began_at: Millis,
    /// What was usual before.
    pub before: f64,
    /// What it was at the worst, smoothed over some seconds; it stays when all is well again.
    pub now: f64,
    /// The highest score so far.
    pub score: f64,
    /// Whether it is over.
    pub is_over: bool,
}

/// A trait, a build or a scene that struck devices share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shared {
    /// `build`, `scene`, `device`, or the name of a trait.
    pub what: String,
    /// Its value.
    pub value: String,
    /// How many of the struck devices have it.
    pub struck: usize,
    /// How many devices are struck.
    pub struck_in_all: usize,
    /// How many of the others, that were heard in the last ten minutes or are waited for longer, have it.
    pub others: usize,
    /// How many others there are.
    pub others_in_all: usize,
}

/// An earlier incident that looked alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Similar {
    /// Its name.
    pub incident: String,
    /// How much it is alike, from 0 to 1.
    pub resemblance: f64,
    /// Its title.
    pub title: String,
}
