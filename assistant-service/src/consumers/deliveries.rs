//! Events by their positions, read again from the log.

use std::collections::BTreeMap;

use super::book::Consumers;
use super::settings::Settings;
use crate::backbone::{BackboneError, Freshness, Position};

/// As much as one fetch hands out, in bytes: an event may have a megabyte.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

const PAGE: usize = 256;

/// What was found.
pub(super) struct Found {
    pub(super) events: BTreeMap<Position, String>,
    /// What was asked for up to here and is not there has been let go by the log.
    pub(super) looked_up_to: Position,
}

impl Consumers {
    /// The events at `positions`, which are in order; those that lie close together in one look.
    pub(super) async fn events_at(&self, settings: &Settings, positions: &[Position]) -> Result<Found, BackboneError> {
        let mut found = Found { events: BTreeMap::new(), looked_up_to: 0 };
        let mut bytes = 0_usize;
        let mut wanted = positions.iter().copied().peekable();
        while let Some(first) = wanted.peek().copied() {
            let filter = settings.event_filter(first.saturating_sub(1), PAGE, Freshness::Known);
            let page = self.backbone.query(filter).await?;
            found.looked_up_to = page.next_after.unwrap_or(Position::MAX).max(first);
            for event in page.events {
                if positions.binary_search(&event.position).is_ok() {
                    bytes = bytes.saturating_add(event.json.len());
                    found.events.insert(event.position, event.json);
                }
            }
            while wanted.next_if(|position| *position <= found.looked_up_to).is_some() {}
            if bytes > MAX_BYTES {
                break;
            }
        }
        Ok(found)
    }
}
