//! The form of what is kept outside of memory. Its bytes do not describe themselves: those of another layout of the same length would be
//! read as other numbers, without an error.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// To be raised with every change of anything that is kept (the roster, the book, series and all that they hold), and with every change
/// of the rules by which it is judged: what was usual by other rules is no measure, and a replica that hears the log again by other rules does
/// not come to what was told.
pub(crate) const FORM: u16 = 1;

/// What was kept cannot be read, or not be written.
#[derive(Debug, Error)]
pub enum InvalidParked {
    /// Another version has written it.
    #[error("what is kept of devices has form {0} and this version reads form {FORM}")]
    OtherForm(u16),
    /// The bytes are not of this form.
    #[error("what is kept of devices cannot be read or written: {0}")]
    Bytes(#[from] postcard::Error),
}

/// Bytes with the number of their form in front: two bytes, the higher one first.
pub(crate) fn to_bytes(kept: &impl Serialize) -> Result<Vec<u8>, InvalidParked> {
    Ok(postcard::to_extend(kept, FORM.to_be_bytes().to_vec())?)
}

/// Reads bytes of [`to_bytes`].
pub(crate) fn from_bytes<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, InvalidParked> {
    let (form, bytes) = bytes.split_first_chunk().ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
    match u16::from_be_bytes(*form) {
        FORM => Ok(postcard::from_bytes(bytes)?),
        other => Err(InvalidParked::OtherForm(other)),
    }
}
