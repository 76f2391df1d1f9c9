//! What must hold whatever comes in: for every form of bytes that strangers, files or neighbours hand to the gate, one
//! function that takes any bytes at all and fails when something does not hold.
//!
//! `make fuzz` lets libFuzzer look for bytes that break one of them; the tests run them over all of `tests/fuzz/seeds/` and
//! over spoilt copies of it. None of this is in a product: it is built for tests, and behind the feature `fuzzing`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "to end with a panic is how a finding is reported; indexing is of JSON, by a name that may be absent"
)]

mod claim_record;
mod config;
pub(crate) mod fixture;
mod jwks;
mod path;
mod proof;
mod rule;
mod slot;
pub(crate) mod token;
mod trust;

/// Takes any bytes; panics when something does not hold.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its folder of seeds too.
pub const TARGETS: [(&str, Target); 9] = [
    ("token", token::check),
    ("jwks", jwks::check),
    ("config", config::check),
    ("rule", rule::check),
    ("path", path::check),
    ("proof", proof::check),
    ("slot", slot::check),
    ("record", claim_record::check),
    ("trust", trust::check),
];

#[cfg(test)]
mod tests;
