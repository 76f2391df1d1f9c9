//! The service behind the gate: keeps events, answers from documents, and hands approved commands to services.
//!
//! It trusts nobody who did not come through the gate: see [`gate`].

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "tests count small numbers"))]

pub mod app;
pub mod assistant;
pub mod backbone;
pub mod chat;
pub mod clock;
pub mod command_line;
pub mod commands;
mod condition;
mod config_file;
mod connections;
pub mod consumers;
pub mod discovery;
pub mod doctor;
pub mod events;
pub mod exchange;
mod fine_tuning;
pub mod gate;
mod health;
mod incidents;
pub mod insights;
mod json_body;
pub mod keeper;
pub mod knowledge;
pub mod layers;
mod loopback;
mod media_type;
mod mediation;
pub mod metrics;
pub mod model;
pub mod outbound;
mod parameters;
pub mod probe;
pub mod problem;
mod rate;
mod ratings;
mod replica_lease;
mod retention_file;
mod revocations;
mod routes;
pub mod runbooks;
pub mod runner;
mod seats;
mod section;
pub mod serve;
pub mod sessions;
pub mod state;
pub mod telemetry;
#[cfg(test)]
mod testing;
mod text_files;
pub mod tls;
pub mod trust;
pub mod web;

pub use json_body::JsonBody;
