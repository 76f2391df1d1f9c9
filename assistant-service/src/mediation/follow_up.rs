//! Asks whether agreements held, when their time has come: an event, and a state in which both find it in their lists.
//!
//! What is due stands in a bucket by its time, so that looking costs what is due. Any replica may look: of two, one is refused.

use std::time::Duration;

use time::OffsetDateTime;

use super::book::Kept;
use super::record::{Record, State};
use crate::backbone::{Backbone, BackboneError, Batch, Entry, Put};
use crate::clock::millis;
use crate::problem::Problem;
use crate::state::AppState;

const DUE: &str = "mediations.due";

const EVERY: Duration = Duration::from_secs(10);

/// As many are asked in one look.
const PAGE: u32 = 50;

/// The entry by which an agreement is asked about at its time.
pub(super) fn put(record: &Record) -> Result<Vec<Put>, Problem> {
    let agreement =
        record.agreement.as_ref().ok_or_else(|| Problem::mistake("an agreement is accepted that is not there"))?;
    Ok(vec![Put {
        bucket: DUE,
        key: format!("{}-{}", moment(agreement.follow_up_at), record.id),
        value: Some(record.id.clone().into_bytes()),
        expected_revision: None,
        expires_at: record.kept_until(),
    }])
}

/// Times as texts in their order.
fn moment(time: OffsetDateTime) -> String {
    format!("{:020}", millis(time).max(0))
}

/// Looks every few seconds, for ever.
pub(crate) async fn follow_up_for_ever(state: AppState) {
    loop {
        if let Err(problem) = follow_up(&state).await {
            tracing::error!(?problem, "agreements whose time has come could not be looked through");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Asks about all agreements that are due by now. One that cannot be asked about keeps no other from it.
pub(super) async fn follow_up(state: &AppState) -> Result<(), Problem> {
    let now = state.clock.now();
    // Above every entry of this millisecond, and below the next one's.
    let mut before = format!("{}~", moment(now));
    loop {
        let entries = state.backbone.list(DUE, Some(before), PAGE).await?;
        let Some(last) = entries.last() else { return Ok(()) };
        before = last.key.clone();
        for entry in &entries {
            match ask(&*state.backbone, entry, now).await {
                Ok(()) | Err(Problem::Store(BackboneError::Conflict { .. })) => {}
                Err(problem) => {
                    tracing::error!(?problem, key = entry.key, "it could not be asked whether an agreement held")
                }
            }
        }
    }
}

async fn ask(backbone: &dyn Backbone, entry: &Entry, now: OffsetDateTime) -> Result<(), Problem> {
    let (key, expected_revision) = (entry.key.clone(), Some(entry.revision));
    let done = Put { bucket: DUE, key, value: None, expected_revision, expires_at: None };
    let id = String::from_utf8_lossy(&entry.value);
    match Kept::read(backbone, &id).await? {
        Some(kept) if kept.record.state == State::Agreed => {
            let record = Record { state: State::FollowUp, ..kept.record.clone() };
            kept.changed_to(backbone, record, now, vec![done]).await.map(drop)
        }
        // Somebody has left, or both have answered already.
        _ => Ok(backbone.commit(Batch { events: Vec::new(), puts: vec![done] }).await.map(drop)?),
    }
}
