//! What is to be raised of a trace, and how what was raised is held against it.

use std::fmt;

use diagnosis::Millis;
use diagnosis::detector::Kind;
use diagnosis::incident::Incident;

/// What is to be raised, and nothing else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectation {
    /// One for each cause.
    pub incidents: Vec<Expected>,
}

/// One cause, and the one incident that it is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// What happens, in a few words.
    pub cause: &'static str,
    /// When it first can be seen; no incident of it is opened before that.
    pub cause_at: Millis,
    /// When it is to be an incident at the latest.
    pub by: Millis,
    /// The devices that are struck; the incident names no other.
    pub devices: Vec<String>,
    /// How many of them it is to name in the end.
    pub at_least: usize,
    /// The metrics that may have moved first; any where this is empty.
    pub first: Vec<&'static str>,
    /// How the first one may have moved.
    pub kinds: Vec<Kind>,
    /// In which scene the first one moved, where it is seen in one alone.
    pub scene: Option<&'static str>,
    /// What the struck devices share, as `(what, value)`: all of it is named, and one of them first.
    pub shared: Vec<(&'static str, String)>,
}

/// What is wrong about what was raised.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// Nothing was raised of this cause.
    Missed(&'static str),
    /// It was raised, but so many milliseconds too late.
    Late(&'static str, Millis),
    /// It was raised as so many incidents.
    Split(&'static str, usize),
    /// It names so many of its devices, which is too few.
    Devices(&'static str, usize),
    /// Something else is said to have moved first.
    First(&'static str, String),
    /// The first metric is said to have moved in another way.
    Kind(&'static str, Kind),
    /// The first metric is said to have moved in another scene.
    Scene(&'static str, String),
    /// What the devices share is not named, or not first.
    Shared(&'static str, String),
    /// An incident without a cause: its title.
    Extra(String),
}

impl Expectation {
    /// Holds the incidents of a whole trace, each in its last form, against it; nothing where all is as it should be. What was merged into
    /// another one must be of a cause too, and is not counted beside that one.
    pub fn failures(&self, incidents: &[Incident]) -> Vec<Failure> {
        let mut raised: Vec<Vec<&Incident>> = vec![Vec::new(); self.incidents.len()];
        let mut failures = Vec::new();
        for incident in incidents {
            let cause = self.incidents.iter().zip(&mut raised).find(|(expected, _)| expected.is_of(incident));
            match cause {
                Some((_, raised)) if incident.merged_into.is_none() => raised.push(incident),
                Some(_) => {}
                None => failures.push(Failure::Extra(incident.title.clone())),
            }
        }
        failures.extend(self.incidents.iter().zip(raised).flat_map(|(expected, raised)| expected.failures(&raised)));
        failures
    }
}

impl Expected {
    /// Whether an incident is of this cause.
    pub fn is_of(&self, incident: &Incident) -> bool {
        let is_struck = |device| self.devices.contains(device);
        incident.opened_at >= self.cause_at && !incident.devices.is_empty() && incident.devices.iter().all(is_struck)
    }

    fn failures(&self, raised: &[&Incident]) -> Vec<Failure> {
        let Some(first) = raised.iter().min_by_key(|incident| incident.opened_at) else {
            return vec![Failure::Missed(self.cause)];
        };
        let mut failures = Vec::new();
        if raised.len() > 1 {
            failures.push(Failure::Split(self.cause, raised.len()));
        }
        if first.opened_at > self.by {
            failures.push(Failure::Late(self.cause, first.opened_at.saturating_sub(self.by)));
        }
        if first.devices_in_all < self.at_least {
            failures.push(Failure::Devices(self.cause, first.devices_in_all));
        }
        if let Some(moved) = first.moved.first() {
            if !self.first.is_empty() && !self.first.contains(&moved.series.metric.as_str()) {
                failures.push(Failure::First(self.cause, moved.series.metric.clone()));
            }
            if !self.kinds.contains(&moved.kind) {
                failures.push(Failure::Kind(self.cause, moved.kind));
            }
            if self.scene.is_some_and(|scene| scene != moved.series.scene) {
                failures.push(Failure::Scene(self.cause, moved.series.scene.clone()));
            }
        }
        let named: Vec<(&str, &str)> = first.shared.iter().map(|it| (it.what.as_str(), it.value.as_str())).collect();
        let wanted: Vec<(&str, &str)> = self.shared.iter().map(|(what, value)| (*what, value.as_str())).collect();
        let is_first = wanted.is_empty() || named.first().is_some_and(|first| wanted.contains(first));
        if !is_first || !wanted.iter().all(|it| named.contains(it)) {
            failures.push(Failure::Shared(self.cause, format!("{named:?}")));
        }
        failures
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missed(cause) => write!(formatter, "{cause}: not raised"),
            Self::Late(cause, by) => write!(formatter, "{cause}: raised {by} ms too late"),
            Self::Split(cause, count) => write!(formatter, "{cause}: raised as {count} incidents"),
            Self::Devices(cause, count) => write!(formatter, "{cause}: only {count} devices"),
            Self::First(cause, metric) => write!(formatter, "{cause}: {metric} is said to have moved first"),
            Self::Kind(cause, kind) => write!(formatter, "{cause}: the first one is said to be a {kind:?}"),
            Self::Scene(cause, scene) => write!(formatter, "{cause}: said to have begun in the scene {scene}"),
            Self::Shared(cause, named) => write!(formatter, "{cause}: said to share {named}"),
            Self::Extra(title) => write!(formatter, "raised without a cause: {title}"),
        }
    }
}
