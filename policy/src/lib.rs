//! What a gate would make of its configuration and of a request, said before any gate sees either.
//!
//! The gate is the real one, of `trust-core`; here it is asked, and its answer is told. Text, keys and the time go in: the
//! command line and the playground in the browser ask the same questions and get the same answers.

pub mod configuration;
pub mod explain;
pub mod located;
pub mod report;
pub mod request;
