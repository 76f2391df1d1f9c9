//! Watchgate's decisions, pure: bytes, configuration and the time go in, a permit or a denial comes out.

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "tests count small numbers"))]

mod binding;
mod claims;
mod claims_cache;
mod client_address;
mod client_certificate;
mod config;
pub mod denial;
mod denial_record;
mod digits;
pub mod dpop;
mod early_data;
pub mod event_policy;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod gate;
pub mod gate_key;
mod issuer;
mod json_object;
mod kept_trust;
mod keyed_hash;
mod keys;
mod method_override;
pub mod network;
pub mod percent;
pub mod permit;
pub mod principal;
#[cfg(test)]
mod properties;
pub mod request;
mod resource_metadata;
pub mod revocations;
mod rules;
pub mod shared_files;
mod signature;
mod suggestion;
pub mod tags;
mod target_override;
mod throttle;
pub mod time;
pub mod token;
pub mod token_verifier;
pub mod transaction_token;
pub mod trust_head;
mod words;

pub use config::Mistake;
pub use keys::{InvalidJwks, Unfit, UnfitKey};
