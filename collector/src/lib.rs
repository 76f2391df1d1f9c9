//! The collector of a console: samples of its device portal and of its game, in batches through the gateway, kept on disk until the
//! gateway has taken them.
//!
//! A sample's walk: [`portal`] and [`game`] (what is said) → `batching` (columns of one build and scene) → [`spool`] (stable storage) →
//! `forward` (in order, one request at a time) → [`gateway`] (a token and a proof for each request). `collect` puts them together.

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "tests count small numbers"))]

mod batching;
mod collect;
mod forward;
pub mod game;
pub mod gateway;
mod hearing;
mod keeping;
mod names;
pub mod portal;
mod reading;
pub mod spool;
mod tally;
#[cfg(test)]
mod testing;

pub use collect::{CollectError, Settings, run};
pub use tally::{Progress, Voice};
