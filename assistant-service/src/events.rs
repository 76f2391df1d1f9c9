//! Events, in the walk they take: a request is read in one of three bindings into attributes, attributes become a
//! [`CloudEvent`] or a list of what is wrong with them, the caller's policy and the type's schema decide, and the store
//! keeps it, as an event or as a dead letter.

mod attributes;
mod batch;
mod binding;
mod cloud_event;
pub(crate) mod dead_letters;
mod event_parameters;
mod event_schemas;
mod export;
mod extension_types;
pub(crate) mod held_stream;
mod intake;
pub(crate) mod publish;
pub(crate) mod query;
mod raw_json;
mod submission;
pub(crate) mod tail;
mod uri_reference;

pub use batch::NotTaken;
pub(crate) use binding::mistakes_of;
pub(crate) use cloud_event::Stamp;
pub use cloud_event::{CloudEvent, Data, Extension};
pub use dead_letters::DeadLetters;
pub(crate) use dead_letters::{About, GivenUp, Letter};
pub use event_schemas::{EventSchemas, InvalidEventSchemas};
pub(crate) use export::LastLine;
pub(crate) use extension_types::is_traceparent;
pub use intake::Reason;

/// The source of the events that the service makes itself.
pub const OWN_SOURCE: &str = "urn:watchgate:assistant-service";

#[cfg(test)]
mod tests;
