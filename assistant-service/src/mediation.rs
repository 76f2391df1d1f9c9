//! Mediation between two people: each tells its side in private, approves or changes a restatement of it, and decides what of it the
//! other side may read. Only what both have shared is looked at together.
//!
//! The walk: one [`record`] holds both sides and decides what may happen next; the [`book`] commits each change of it by
//! compare-and-set, with an event that names nobody; [`view`] is what one side may see of it, and the only way from a record to an
//! answer; the [`mediator`] writes with a model, or fills in a [`form`], and [`discretion`] holds what a model says against what
//! the reader may know.

pub(crate) mod agreeing;
pub(crate) mod beginning;
mod book;
mod discretion;
mod follow_up;
mod form;
mod mediator;
mod people;
pub(crate) mod reading;
mod record;
pub(crate) mod speaking;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use follow_up::follow_up_for_ever;
pub(crate) use mediator::Mediator;

use crate::problem::FieldError;

/// The longest text, in characters.
pub(crate) const LONGEST_TEXT: usize = 4000;

/// The longest topic, in characters.
pub(crate) const LONGEST_TOPIC: usize = 200;

/// The id of a text that nobody has read yet.
fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// The text without space around it, if it says something and is not too long.
fn said(field: &str, text: &str, longest: usize) -> Result<String, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldError::new(field, "must not be empty"));
    }
    if text.chars().nth(longest).is_some() {
        return Err(FieldError::new(field, format!("may have {longest} characters")));
    }
    Ok(text.to_owned())
}
