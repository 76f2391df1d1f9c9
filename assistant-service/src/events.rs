//! Events, in the walk they take: a request is read in one of two bindings into attributes, attributes become a
//! [`CloudEvent`] or a list of what is wrong with them, the caller's policy decides, and the store keeps it.

mod attributes;
mod binding;
mod cloud_event;
mod event_parameters;
mod export;
mod held_stream;
pub(crate) mod publish;
pub(crate) mod query;
mod raw_json;
mod tail;
mod tail_seats;
mod uri_reference;

pub(crate) use binding::mistakes_of;
pub(crate) use cloud_event::Stamp;
pub use cloud_event::{CloudEvent, Data, Extension};
pub(crate) use export::LastLine;
pub(crate) use tail_seats::TailSeats;

/// The source of the events that the service makes itself.
pub const OWN_SOURCE: &str = "urn:watchgate:assistant-service";

#[cfg(test)]
mod tests;
