//! A look at all open commands in the store, a page with each sweep. What is known of them follows their changes; a replica that
//! was cut off for longer than changes are told, or has seen an old reading last, would not hear of an end. The next round does.

use std::collections::HashSet;
use std::ops::Bound;

use tokio::sync::Mutex;

use super::book::{Commands, LIST_PAGE};
use crate::backbone::BackboneError;

/// Up to where the round has come: the next page lies below this key.
#[derive(Default)]
pub(super) struct Round(Mutex<Option<String>>);

impl Commands {
    /// The next page of the round.
    pub(super) async fn look_on(&self) -> Result<(), BackboneError> {
        let mut place = self.round.0.lock().await;
        let newest = self.newest_revision();
        let keys = self.look_at_page(place.clone()).await?;
        let is_last = keys.len() < usize::try_from(LIST_PAGE).unwrap_or(usize::MAX);
        let next = if is_last { None } else { keys.last().cloned() };
        let from = next.as_deref().map_or(Bound::Unbounded, Bound::Included);
        let to = place.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let open: HashSet<&str> = keys.iter().map(String::as_str).collect();
        self.known.keep(newest, (from, to), |key| open.contains(key));
        *place = next;
        Ok(())
    }
}
