//! What the gates trust, as far as it comes through the service: revocations, the issuers' keys and the gates' own keys, in
//! one book over the backbone, and the feed by which keepers of trust directories follow it.

mod book;
pub(crate) mod feed;
mod follow;
pub(crate) mod gate_keys;
mod hearing;
mod keeper;
pub(crate) mod key_sets;
mod load;
mod revoking;

pub use book::TrustBook;
pub(crate) use book::{Distrust, to_its_end};
pub(crate) use keeper::authenticate;
pub use load::CannotLoad;

#[cfg(test)]
mod tests;
