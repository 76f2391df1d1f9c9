//! Traces of a test lab: some twelve consoles on which testers play, and what goes wrong there.
//!
//! ```
//! let mut trace = telemetry_traces::scenario("thermal-throttling", 7).unwrap();
//! assert_eq!(trace.expectation().incidents.len(), 1);
//! let first = trace.next().unwrap();
//! first.batch.check().unwrap();
//! ```
//!
//! A trace is made while it is read: [`lab`] and [`timetable`] say who plays what, a [`console::Console`] what its parts do to each other,
//! a [`condition::Fault`] what goes wrong, [`frames`] and [`gauges`] what is told of it, [`delivery`] what becomes of that on its way.
//! The same name, seed and rate give the same bytes on any machine.

pub mod condition;
pub mod console;
pub mod delivery;
pub mod dice;
pub mod expectation;
pub mod frames;
pub mod game;
pub mod gauges;
pub mod lab;
pub mod rate;
mod run;
mod scenarios;
mod sketch;
pub mod timetable;
mod trace;

pub use expectation::{Expectation, Expected, Failure};
pub use rate::Rate;
pub use scenarios::{SCENARIOS, Scenario};
pub use trace::{Arrival, Trace};

/// The trace of a scenario by its name, at its usual rate; `None` where there is none of that name.
pub fn scenario(name: &str, seed: u64) -> Option<Trace> {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name)?;
    Some(scenario.trace(seed, None))
}

/// Seconds as milliseconds.
fn millis(seconds: f64) -> diagnosis::Millis {
    libm::round(seconds * 1000.0) as diagnosis::Millis
}
