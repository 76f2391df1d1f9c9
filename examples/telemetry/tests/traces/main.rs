//! What the README says of traces, held against them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "whatever is not as a test takes it to be fails the test"
)]

mod causes;
mod delivery;
mod expectations;
mod health;
mod repetition;
mod samples;
