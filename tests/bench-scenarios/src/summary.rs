//! What came of all seeds of a scenario, as a line to read and as JSON to keep.

use diagnosis::Millis;
use serde_json::{Value, json};
use telemetry_traces::Failure;

use crate::play::Played;

/// All seeds of one scenario.
#[derive(Clone, Debug)]
pub struct Summary<'played> {
    /// Its name, and at which rate where that is not the usual one.
    pub name: &'played str,
    /// What came of each seed.
    pub played: &'played [Played],
}

impl Summary<'_> {
    /// Above the lines.
    pub const HEAD: &'static str =
        "                                                       false  device           from cause to incident
scenario                  held  raised  missed  split alarms   hours     median    9 of 10       most
-----------------------------------------------------------------------------------------------------";

    /// As a line.
    pub fn line(&self) -> String {
        let Delays { median, p90, most } = self.delays();
        let of = |part: usize, whole: usize| if whole == 0 { "-".to_owned() } else { format!("{part}/{whole}") };
        format!(
            "{:<22} {:>7} {:>7} {:>7} {:>6} {:>6} {:>7.0} {:>10} {:>10} {:>10}{}",
            self.name,
            of(self.holding(), self.played.len()),
            of(self.raised(), self.expected()),
            self.missed(),
            self.split(),
            self.extra(),
            self.device_hours(),
            time(median),
            time(p90),
            time(most),
            if self.holding() == self.played.len() { "" } else { "   <-- does not hold" },
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

    /// Causes of which nothing was raised.
    pub fn missed(&self) -> usize {
        self.count(|failure| matches!(failure, Failure::Missed(_)))
    }

    /// Causes that were more than one incident to the end.
    fn split(&self) -> usize {
        self.count(|failure| matches!(failure, Failure::Split(..)))
    }

    /// The hours of all devices.
    pub fn device_hours(&self) -> f64 {
        self.played.iter().map(|played| played.device_hours).sum()
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        let Delays { median, p90, most } = self.delays();
        let failures: Vec<Value> = self
            .played
            .iter()
            .filter(|played| !played.failures.is_empty())
            .map(|played| json!({"seed": played.seed, "failures": played.failures.iter().map(ToString::to_string).collect::<Vec<_>>()}))
            .collect();
        json!({
            "seeds": self.played.iter().map(|played| played.seed).collect::<Vec<_>>(),
            "held": self.holding(),
            "expected": self.expected(),
            "raised": self.raised(),
            "false_alarms": self.extra(),
            "false_alarms_per_device_hour": self.extra() as f64 / self.device_hours(),
            "missed": self.missed(),
            "split": self.split(),
            "merged": self.played.iter().map(|played| played.merged).sum::<usize>(),
            "cause_to_incident_ms": {"median": median, "p90": p90, "max": most},
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

    fn delays(&self) -> Delays {
        let mut delays: Vec<Millis> = self.played.iter().flat_map(|played| played.delays_ms.iter().copied()).collect();
        delays.sort_unstable();
        // The lowest that so many hundredths are not above.
        let at = |percent: usize| {
            let rank = delays.len().saturating_mul(percent).div_ceil(100);
            delays.get(rank.saturating_sub(1)).copied()
        };
        Delays { median: at(50), p90: at(90), most: at(100) }
    }
}

/// From causes to their incidents, in milliseconds; none where nothing was raised.
struct Delays {
    median: Option<Millis>,
    p90: Option<Millis>,
    most: Option<Millis>,
}

fn time(delay: Option<Millis>) -> String {
    match delay.map(|ms| ms as f64 / 1000.0) {
        None => "-".to_owned(),
        Some(seconds) if seconds < 600.0 => format!("{seconds:.0} s"),
        Some(seconds) => format!("{:.0} min", seconds / 60.0),
    }
}
