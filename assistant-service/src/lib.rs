//! The service behind the gate: keeps events, answers from documents, and hands approved commands to services.
//!
//! It trusts nobody who did not come through the gate: see [`gate`].

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "tests count small numbers"))]

pub mod backbone;
pub mod command_line;
pub mod serve;
