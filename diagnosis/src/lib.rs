//! What moved, when, where, and with what: samples of devices go in, scores and incidents come out.
//!
//! Pure: the same samples in the same order give the same incidents, on any machine and at any time, so that whoever starts again
//! reads the log from where it was. A sample's walk: [`batch`] (the wire form) → [`series`] (order, gaps, doubles) → [`detector`] (a score
//! in [0, 1]) → [`watch`] (an alarm, when it stays strange) → [`engine`] (incidents: the alarms of one cause).

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests count small numbers"))]

pub mod batch;
mod book;
pub mod csv;
pub mod detector;
pub mod engine;
mod form;
pub mod incident;
mod memory;
mod names;
mod rhythm;
mod roster;
pub mod series;
pub mod silence;
pub mod watch;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;
