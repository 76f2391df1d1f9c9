//! One at a time for each runbook whose places are counted: in one process there is no need to find out by conflicts.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use tokio::sync::{Mutex, OwnedMutexGuard};

/// A row for each runbook that has a bound; there are no more of them than were ever in the catalogue.
#[derive(Default)]
pub(in crate::commands) struct Turns(std::sync::Mutex<HashMap<String, Arc<Mutex<()>>>>);

impl Turns {
    /// Waits for the others of this runbook.
    pub(super) async fn of(&self, runbook: &str) -> OwnedMutexGuard<()> {
        let row = {
            let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(rows.entry(runbook.to_owned()).or_default())
        };
        row.lock_owned().await
    }
}
