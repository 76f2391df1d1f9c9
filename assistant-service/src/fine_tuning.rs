//! What a model is trained on, and the jobs that train it.
//!
//! The walk of an export: [`documents`] and [`rated`] make [`Pair`]s of a question and an answer, [`selection`] leaves out what
//! must not or need not be learnt and says why, [`split`] parts what is left, and [`folder`] writes it after [`rules`] has held
//! it against what the endpoint takes. A job's walk: [`rules`] reads the files, [`jobs`] uploads and starts, each at most once.

mod code;
pub(crate) mod documents;
pub(crate) mod endpoint;
pub(crate) mod folder;
pub(crate) mod jobs;
mod likeness;
mod pair;
pub(crate) mod rated;
pub(crate) mod report;
pub(crate) mod rules;
pub(crate) mod selection;
pub(crate) mod service;
pub(crate) mod settings_file;
pub(crate) mod split;
mod tokens;
pub(crate) mod transport;
pub(crate) mod waiting;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use pair::{Origin, Pair};
pub(crate) use service::Service;
pub(crate) use wire::{Job, Standing};
