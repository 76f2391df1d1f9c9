//! Finds a device that is not struck, to be shown beside those that are.

use std::cmp::Reverse;

use diagnosis::batch::{Batch, EVENT_TYPE};
use diagnosis::incident::Incident;

use super::{PAGE, Written};
use crate::backbone::{EventFilter, Freshness, Order, StoredEvent, TypeFilter};
use crate::incidents::record::Record;
use crate::problem::Problem;
use crate::state::AppState;

/// Pages that are looked through.
const MOST_PAGES: usize = 8;

/// What is looked for, and the best so far.
struct Looking {
    incident: Incident,
    metric: String,
    best: Option<(u8, Reverse<String>)>,
}

/// A device that is not struck and shows the first of the metrics: rather one in the same scene, and with the same build.
pub(super) async fn find(state: &AppState, record: &Record, metrics: &[String]) -> Result<Option<String>, Problem> {
    let Some(metric) = metrics.first().cloned() else { return Ok(None) };
    let mut looking = Looking { incident: record.incident.clone(), metric, best: None };
    let mut after = Some(record.opened_after.saturating_add(1));
    for _ in 0..MOST_PAGES {
        let Some(from_here) = after else { break };
        let page = state.backbone.query(EventFilter {
            event_type: Some(TypeFilter::Exact(EVENT_TYPE.to_owned())),
            after: Some(from_here),
            limit: PAGE,
            order: Order::Descending,
            freshness: Freshness::Known,
            ..EventFilter::default()
        });
        let page = page.await?;
        after = page.next_after;
        let look = move || {
            looking.look(page.events);
            looking
        };
        looking = tokio::task::spawn_blocking(look).await.map_err(Problem::internal)?;
    }
    Ok(looking.best.map(|(_, Reverse(device))| device))
}

impl Looking {
    fn look(&mut self, events: Vec<StoredEvent>) {
        for StoredEvent { json, .. } in events {
            let Ok(Written { data: Some(batch) }) = serde_json::from_str(&json) else { continue };
            if self.incident.devices.contains(&batch.device) || !batch.metrics.contains(&self.metric) {
                continue;
            }
            let found = (self.likeness(&batch), Reverse(batch.device));
            if self.best.as_ref().is_none_or(|best| found > *best) {
                self.best = Some(found);
            }
        }
    }

    fn likeness(&self, batch: &Batch) -> u8 {
        let Some(like) = self.incident.moved.first().map(|movement| &movement.series) else { return 0 };
        let (same_scene, same_build) = (like.scene == batch.scene, like.build == batch.build);
        u8::from(same_scene).saturating_mul(2).saturating_add(u8::from(same_build))
    }
}
