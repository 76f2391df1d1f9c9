//! The service behind the gate: keeps events, answers from documents, and hands approved commands to services.
//!
//! It trusts nobody who did not come through the gate: see [`gate`].

pub mod command_line;
pub mod serve;
