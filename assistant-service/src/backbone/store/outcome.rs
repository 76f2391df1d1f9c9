//! What comes of a batch, and how its maker is told.

use crate::backbone::{BackboneError, Batch, Committed};

/// What came of a batch.
#[derive(Clone, Debug)]
pub(in crate::backbone) enum Outcome {
    Done(Committed),
    /// This put, by its place in the batch, found its entry changed; nothing of the batch was done.
    Conflict(usize),
}

impl Outcome {
    /// What it is to the maker of the batch.
    pub(in crate::backbone) fn answer(self, batch: &Batch) -> Result<Committed, BackboneError> {
        match self {
            Self::Done(committed) => Ok(committed),
            Self::Conflict(place) => Err(match batch.puts.get(place) {
                Some(put) => BackboneError::Conflict { bucket: put.bucket, key: put.key.clone() },
                None => BackboneError::Unavailable("a conflict without an entry".to_owned()),
            }),
        }
    }
}
