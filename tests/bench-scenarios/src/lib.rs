//! Plays the scenarios of `telemetry-traces` to the diagnosis, and holds what it raises against what should be raised.

pub mod play;
pub mod summary;
