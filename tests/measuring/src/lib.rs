//! What all benches share: medians and spreads, chance that can be had again, what the kernel says of processes, the
//! gate's word for requests, and how figures are told.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

pub mod calm;
pub mod gate_word;
pub mod random;
pub mod report;
pub mod statistics;
pub mod usage;
