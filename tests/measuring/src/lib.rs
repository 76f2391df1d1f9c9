//! What all benches share: medians and spreads, chance that can be had again, and what the kernel says of processes.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

pub mod calm;
pub mod random;
pub mod statistics;
pub mod usage;
