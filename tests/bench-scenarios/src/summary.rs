//! What came of all seeds of a scenario, as a line to read and as JSON to keep.

use diagnosis::Millis;
use serde_json::{Value, json};
use telemetry_traces::Failure;

use crate::play::Played;

/// All seeds of one scenario.
#[derive(Clone, Debug)]
pub struct Summary<'played> {
    /// Its name.
    pub name: &'static str,
    /// What came of each seed.
    pub played: &'played [Played],
}

impl Summary<'_> {
    /// Above the lines.
    pub const HEAD: &'static str =
        "scenario            seeds  hold  raised/expected  extra  missed  cause to incident (median, max)";

    /// As a line.
    pub fn line(&self) -> String {
        let (median, most) = self.delays();
        let seconds =
            |delay: Option<Millis>| delay.map_or_else(|| "-".to_owned(), |ms| format!("{:.0} s", ms as f64 / 1000.0));
        format!(
            "{:<19} {:>5} {:>5}  {:>6}/{:<8}  {:>5}  {:>6}  {:>10}, {}",
            self.name,
            self.played.len(),
            self.holding(),
            self.raised(),
            self.expected(),
            self.count(|failure| matches!(failure, Failure::Extra(_) | Failure::Split(..))),
            self.count(|failure| matches!(failure, Failure::Missed(_))),
            seconds(median),
            seconds(most),
        )
    }

    /// How many seeds were as they should be.
    pub fn holding(&self) -> usize {
        self.played.iter().filter(|played| played.failures.is_empty()).count()
    }

    /// Incidents without a cause.
    pub fn extra(&self) -> usize {
        self.count(|failure| matches!(failure, Failure::Extra(_)))
    }

    /// The hours of all devices.
    pub fn device_hours(&self) -> f64 {
        self.played.iter().map(|played| played.device_hours).sum()
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        let (median, most) = self.delays();
        let failures: Vec<Value> = self
            .played
            .iter()
            .filter(|played| !played.failures.is_empty())
            .map(|played| json!({"seed": played.seed, "failures": played.failures.iter().map(ToString::to_string).collect::<Vec<_>>()}))
            .collect();
        json!({
            "seeds": self.played.iter().map(|played| played.seed).collect::<Vec<_>>(),
            "holding": self.holding(),
            "expected": self.expected(),
            "raised": self.raised(),
            "extra": self.extra(),
            "missed": self.count(|failure| matches!(failure, Failure::Missed(_))),
            "cause_to_incident_ms": {"median": median, "max": most},
            "device_hours": self.device_hours(),
            "samples": self.played.iter().map(|played| played.judged).sum::<usize>(),
            "failures": failures,
        })
    }

    fn expected(&self) -> usize {
        self.played.iter().map(|played| played.expected).sum()
    }

    fn raised(&self) -> usize {
        self.played.iter().map(|played| played.delays_ms.len()).sum()
    }

    fn count(&self, is_it: impl Fn(&Failure) -> bool) -> usize {
        self.played.iter().flat_map(|played| &played.failures).filter(|failure| is_it(failure)).count()
    }

    fn delays(&self) -> (Option<Millis>, Option<Millis>) {
        let mut delays: Vec<Millis> = self.played.iter().flat_map(|played| played.delays_ms.iter().copied()).collect();
        delays.sort_unstable();
        (delays.get(delays.len() / 2).copied(), delays.last().copied())
    }
}
