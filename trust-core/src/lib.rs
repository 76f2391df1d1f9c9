//! Watchgate's decisions, pure: bytes, configuration and the time go in, a permit or a denial comes out.

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "tests count small numbers"))]

pub mod event_policy;
pub mod gate_key;
pub mod percent;
pub mod principal;
pub mod time;
pub mod transaction_token;
