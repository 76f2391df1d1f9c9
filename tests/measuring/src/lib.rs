//! What all benches share: medians and spreads, chance that can be had again, what the kernel says of processes, services that are
//! measured, the gate's word for requests to them, and how figures are told.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

pub mod calm;
pub mod client;
pub mod gate_word;
pub mod options;
pub mod random;
pub mod report;
pub mod service;
pub mod statistics;
pub mod usage;
