//! What is still to be told, and to whom: kept in a file, so that no alert is lost and none is told twice.

mod file;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify};

use super::alerts::{Alert, Alerts, Notice};
use super::check::{Check, Finding};
use file::StateFile;

/// Notices that wait for one receiver. Each check gives two for each fault: more than a day of a fault in each minute.
const MOST_WAITING: usize = 4096;

/// What is kept over a restart.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    alerts: Vec<Alert>,
    /// For each receiver, oldest first.
    waiting: BTreeMap<String, Vec<Notice>>,
}

struct State {
    alerts: Alerts,
    waiting: BTreeMap<String, Vec<Notice>>,
    /// Notices that had no room.
    dropped: u64,
    file: StateFile,
    /// Whether the last change is on disk.
    is_kept: bool,
}

/// All alerts, and a row of notices for each receiver.
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Wakes whoever delivers.
    more: Notify,
}

/// How full the rows are, and what did not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) waiting: BTreeMap<String, usize>,
    pub(super) dropped: u64,
    pub(super) is_kept: bool,
}

impl Outbox {
    /// Reads what an earlier probe has left, for these receivers and these checks.
    pub(super) fn open(path: PathBuf, receivers: &[String], made: &[Check], now: i64) -> anyhow::Result<Self> {
        let (file, kept) = StateFile::open(path)?;
        let Kept { alerts, mut waiting } = kept;
        // What waits for somebody who is no receiver any more is nobody's.
        waiting.retain(|name, _| receivers.contains(name));
        for name in receivers {
            waiting.entry(name.clone()).or_default();
        }
        let mut state = State { alerts: Alerts::of(alerts), waiting, dropped: 0, file, is_kept: true };
        for notice in state.alerts.keep_only(made, now) {
            state.add(&notice);
        }
        state.write();
        anyhow::ensure!(state.is_kept, "the state file cannot be written");
        Ok(Self { state: Mutex::new(state), more: Notify::new() })
    }

    /// Takes what a round has found, at `now` in Unix milliseconds; says what is new.
    pub(super) async fn take(&self, findings: &[Finding], now: i64) -> Vec<Notice> {
        let mut state = self.state.lock().await;
        let notices: Vec<_> = findings.iter().filter_map(|finding| state.alerts.take(finding, now)).collect();
        for notice in &notices {
            state.add(notice);
        }
        if !notices.is_empty() || !state.is_kept {
            state.write();
            self.more.notify_waiters();
        }
        notices
    }

    /// The oldest notice that waits for this receiver; waits until there is one.
    pub(super) async fn next(&self, receiver: &str) -> Notice {
        loop {
            let mut more = std::pin::pin!(self.more.notified());
            // Before the look: what is added between the look and the wait wakes us too.
            more.as_mut().enable();
            let first = self.state.lock().await.waiting.get(receiver).and_then(|row| row.first().cloned());
            if let Some(notice) = first {
                return notice;
            }
            more.await;
        }
    }

    /// It has it. Another notice may stand there by now, where there was no room.
    pub(super) async fn delivered(&self, receiver: &str, notice: &Notice) {
        let mut state = self.state.lock().await;
        if let Some(row) = state.waiting.get_mut(receiver).filter(|row| row.first() == Some(notice)) {
            row.remove(0);
        }
        state.write();
    }

    pub(super) async fn alerts(&self) -> Vec<Alert> {
        self.state.lock().await.alerts.all().cloned().collect()
    }

    pub(super) async fn standing(&self) -> Standing {
        let state = self.state.lock().await;
        let waiting = state.waiting.iter().map(|(name, row)| (name.clone(), row.len())).collect();
        Standing { waiting, dropped: state.dropped, is_kept: state.is_kept }
    }
}

impl State {
    fn add(&mut self, notice: &Notice) {
        for (receiver, row) in &mut self.waiting {
            if row.len() >= MOST_WAITING {
                row.remove(0);
                self.dropped = self.dropped.saturating_add(1);
                tracing::error!(receiver, "too many notices wait for this receiver; the oldest one is lost");
            }
            row.push(notice.clone());
        }
    }

    /// A few hundred bytes, once for each change. What could not be written is tried again with the next one, and after each round.
    fn write(&mut self) {
        let kept = Kept { alerts: self.alerts.all().cloned().collect(), waiting: self.waiting.clone() };
        let written = self.file.write(&kept);
        if let Err(error) = &written {
            tracing::error!(%error, "the state file cannot be written: after a restart alerts may be told twice, or not at all");
        }
        self.is_kept = written.is_ok();
    }
}

#[cfg(test)]
mod tests;
