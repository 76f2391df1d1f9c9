//! Windows in which alarms make no incident: maintenance, a known fault, a test that is meant to hurt.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::series::SeriesKey;

/// What is silenced, and when. What is left out matches all; what is there matches alike in full.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Silence {
    /// A device's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// What it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Where in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene: Option<String>,
    /// What is measured; `samples` is a device's own silence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Traits that the device must have, all of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub traits: BTreeMap<String, String>,
    /// The first moment of the window, in milliseconds since 1970.
    pub from: Millis,
    /// The first moment after it.
    pub until: Millis,
}

impl Silence {
    /// Whether an alarm of a series, on a device with such traits, is silenced at `at`.
    pub fn covers(&self, series: &SeriesKey, traits: &BTreeMap<String, String>, at: Millis) -> bool {
        let alike = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        (self.from..self.until).contains(&at)
            && alike(&self.device, &series.device)
            && alike(&self.build, &series.build)
            && alike(&self.scene, &series.scene)
            && alike(&self.metric, &series.metric)
            && self.traits.iter().all(|(name, value)| traits.get(name) == Some(value))
    }
}
