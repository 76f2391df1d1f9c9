//! What sources say, on its way to batches.

use std::collections::BTreeMap;
use std::sync::Arc;

use diagnosis::Millis;
use serde::{Deserialize, Serialize};

/// Values of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// When.
    pub(crate) time: Millis,
    /// Each metric once.
    pub(crate) values: Vec<(Arc<str>, f64)>,
}

/// What runs, and where in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Context {
    pub(crate) build: Arc<str>,
    pub(crate) scene: Arc<str>,
}

/// How far a game's file has been read, and what held there: whoever starts again goes on with the next line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The file system and the number of the file in it.
    pub(crate) file: (u64, u64),
    /// Behind the last line that was read.
    pub(crate) offset: u64,
    /// What the lines before had said.
    pub(crate) context: Context,
}

/// Something that a source says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Input {
    /// A line of the game. Without values it may still say that another scene began.
    Game { reading: Reading, context: Context, place: Option<Place> },
    /// Figures of the console.
    Portal(Reading),
    /// What is known of the device.
    Traits(BTreeMap<String, String>),
}
