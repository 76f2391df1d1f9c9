//! What is learnt, and jobs against an endpoint that keeps the protocol.

mod export;
mod jobs;
mod settings;
mod splits;

#[path = "../../tests/trainer/mod.rs"]
mod trainer;
