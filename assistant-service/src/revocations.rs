//! What is revoked before its time: `POST /v1/revocations` (RFC 7009), kept in the backbone for every replica, restart and
//! keeper. Keepers bring it to the gates; the service itself ends what a gate has let in before (see [`crate::trust`]).

mod entry;
mod form;
mod index;
mod key;
pub(crate) mod revoke;

pub(crate) use entry::{Entry, RevocationEntry};
#[cfg(test)]
pub(crate) use index::MAX_ENTRIES;
pub(crate) use index::{Index, Indexed, Room};
pub(crate) use key::{Names, RevocationKey};

#[cfg(test)]
mod tests;
