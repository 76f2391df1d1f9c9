//! The wire form of telemetry: the data of an event of type [`EVENT_TYPE`].

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Millis;

/// The type of the events that carry samples. Their subject is the device.
pub const EVENT_TYPE: &str = "dev.watchgate.telemetry.samples";

/// The longest name of a device, a build, a scene, a metric, a trait or a trait's value, in bytes.
pub const MOST_NAME_BYTES: usize = 64;

/// The most metrics of a batch.
pub const MOST_METRICS: usize = 64;

/// The most rows of a batch.
pub const MOST_ROWS: usize = 1000;

/// The most traits of a device.
pub const MOST_TRAITS: usize = 16;

/// How far ahead of the clock of whoever takes it a sample may have been taken: a device's clock may be off by an hour and not by a day.
pub const MOST_AHEAD_MS: Millis = 60 * 60_000;

/// Samples of one device that runs one build in one scene, as columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Which device.
    pub device: String,
    /// What it runs; empty where nobody says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub build: String,
    /// Where in it; empty where nobody says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scene: String,
    /// What else is known of the device: firmware, model, site.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub traits: BTreeMap<String, String>,
    /// What the times of the rows are counted from, in milliseconds since 1970.
    pub start: Millis,
    /// The names of the columns.
    pub metrics: Vec<String>,
    /// Each a time, in milliseconds after `start`, and one value for each metric; `null` where there is none.
    pub rows: Vec<Row>,
    /// Whether the session ends with this batch: what comes no more after it is not missed. Such a batch may have no rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends: bool,
}

/// A time, in milliseconds after the batch's `start`, and one value for each metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row(pub u32, pub Vec<Option<f64>>);

/// Why a batch is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidBatch {
    /// A name is empty, too long, or has a control character.
    #[error("{0} must have 1 to {MOST_NAME_BYTES} bytes, and no control characters")]
    Name(&'static str),
    /// A metric is there twice.
    #[error("the metric {0} is there twice")]
    Twice(String),
    /// There is too much of something.
    #[error("there are more than {1} {0}")]
    TooMany(&'static str, usize),
    /// A row does not fit the metrics.
    #[error("row {0} has not one value for each metric")]
    Row(usize),
    /// Its newest sample is of a time that is far from having come.
    #[error(
        "its newest sample is {} s ahead of the service's clock, at most {} are possible: set the clock of the device",
        .0 / 1000,
        MOST_AHEAD_MS / 1000
    )]
    Ahead(Millis),
}

impl Batch {
    /// Holds the batch against its bounds.
    ///
    /// # Errors
    /// [`InvalidBatch`] says the first thing that is wrong.
    pub fn check(&self) -> Result<(), InvalidBatch> {
        let is_name = |name: &str| name.len() <= MOST_NAME_BYTES && !name.chars().any(char::is_control);
        let named = |what, name: &str| match is_name(name) && !name.is_empty() {
            true => Ok(()),
            false => Err(InvalidBatch::Name(what)),
        };
        let at_most = |what, count, most| if count > most { Err(InvalidBatch::TooMany(what, most)) } else { Ok(()) };
        at_most("metrics", self.metrics.len(), MOST_METRICS)?;
        at_most("rows", self.rows.len(), MOST_ROWS)?;
        at_most("traits", self.traits.len(), MOST_TRAITS)?;
        named("a device", &self.device)?;
        if !is_name(&self.build) || !is_name(&self.scene) {
            return Err(InvalidBatch::Name("a build or a scene"));
        }
        self.traits.iter().try_for_each(|(name, value)| {
            named("a trait", name)?;
            named("a trait's value", value)
        })?;
        let mut seen = HashSet::new();
        for metric in &self.metrics {
            named("a metric", metric)?;
            if !seen.insert(metric) {
                return Err(InvalidBatch::Twice(metric.clone()));
            }
        }
        match self.rows.iter().position(|Row(_, values)| values.len() != self.metrics.len()) {
            Some(row) => Err(InvalidBatch::Row(row)),
            None => Ok(()),
        }
    }

    /// Holds its times against the clock of whoever takes it.
    ///
    /// # Errors
    /// [`InvalidBatch::Ahead`] when a sample is more than an hour ahead of `now`.
    pub fn check_times(&self, now: Millis) -> Result<(), InvalidBatch> {
        let ahead = self.newest().saturating_sub(now);
        if ahead > MOST_AHEAD_MS { Err(InvalidBatch::Ahead(ahead)) } else { Ok(()) }
    }

    /// When its newest row was measured; `start` where there is none.
    pub fn newest(&self) -> Millis {
        let offset = self.rows.iter().map(|Row(offset, _)| *offset).max();
        self.start.saturating_add(offset.map_or(0, Millis::from))
    }

    /// How many values there are.
    pub fn samples(&self) -> usize {
        self.rows.iter().map(|Row(_, values)| values.iter().flatten().count()).sum()
    }
}
