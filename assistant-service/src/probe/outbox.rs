//! What is still to be told, and to whom: kept in a file, so that no alert is lost and none is told twice.

mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify};

use super::alerts::{Alert, Alerts, Notice, Origin};
use super::attacks::Attack;
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
    /// Attacks that the gate let through and has not denied since.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    let_through: BTreeSet<Attack>,
}

struct State {
    alerts: Alerts,
    waiting: BTreeMap<String, Vec<Notice>>,
    let_through: BTreeSet<Attack>,
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
    /// Reads what an earlier probe has left, for these receivers and these checks. `origin` is that of alerts which begin from now on.
    pub(super) fn open(
        path: PathBuf,
        receivers: &[String],
        made: &[Check],
        origin: &Origin,
        now: i64,
    ) -> anyhow::Result<Self> {
        let (file, kept) = StateFile::open(path)?;
        let Kept { mut alerts, mut waiting, let_through } = kept;
        let in_rows = waiting.values_mut().flatten().map(|notice| &mut notice.alert);
        // Those of an older probe, which did not keep it.
        for alert in alerts.iter_mut().chain(in_rows).filter(|alert| alert.origin.gateway.is_empty()) {
            alert.origin.clone_from(origin);
        }
        waiting.retain(|receiver, row| is_receiver(receiver, receivers, row.len()));
        for name in receivers {
            // A new one hears of what fires now, so that no end comes without its beginning.
            let firing = || alerts.iter().map(|alert| Notice { alert: alert.clone(), ended: None }).collect();
            waiting.entry(name.clone()).or_insert_with(firing);
        }
        let alerts = Alerts::of(alerts, origin.clone());
        let mut state = State { alerts, waiting, let_through, dropped: 0, file, is_kept: true };
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

    /// Which attacks the gate let through and has not denied since.
    pub(super) async fn let_through(&self) -> BTreeSet<Attack> {
        self.state.lock().await.let_through.clone()
    }

    /// Keeps them for the next process: without them it would take a gate that nobody judges for one that is closed.
    pub(super) async fn keep_let_through(&self, let_through: BTreeSet<Attack>) {
        let mut state = self.state.lock().await;
        if state.let_through != let_through {
            state.let_through = let_through;
            state.write();
        }
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

    /// All of it, once for each change: 1.5 KiB at most for each notice that waits, but for long labels. So it is little while receivers take
    /// theirs, and 6 MiB for a row that is full. What could not be written is tried again with the next change, and after each round.
    fn write(&mut self) {
        let written = self.text().and_then(|text| self.file.write(&text));
        if let Err(error) = &written {
            tracing::error!(%error, "the state file cannot be written: after a restart alerts may be told twice, or not at all");
        }
        self.is_kept = written.is_ok();
    }

    /// Everything as it is written down. What no probe would open again loses notices until it is small enough.
    fn text(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let (alerts, waiting) = (self.alerts.all().cloned().collect(), self.waiting.clone());
            let text = serde_json::to_vec(&Kept { alerts, waiting, let_through: self.let_through.clone() })?;
            let fits = u64::try_from(text.len()).is_ok_and(|bytes| bytes <= self.file.most_bytes);
            if fits || !self.halve_longest() {
                return Ok(text);
            }
        }
    }

    /// Takes the older half out of the longest row; false where all are empty.
    fn halve_longest(&mut self) -> bool {
        let longest = self.waiting.iter_mut().max_by_key(|(_, row)| row.len());
        let Some((receiver, row)) = longest.filter(|(_, row)| !row.is_empty()) else { return false };
        let lost = row.len().div_ceil(2);
        row.drain(..lost);
        self.dropped = self.dropped.saturating_add(u64::try_from(lost).unwrap_or(u64::MAX));
        tracing::error!(receiver, lost, "too much waits for the state file; this receiver's oldest notices are lost");
        true
    }
}

/// What waits for somebody who is no receiver any more, or has another name, is nobody's.
fn is_receiver(name: &str, receivers: &[String], waiting: usize) -> bool {
    let is_one = receivers.iter().any(|receiver| receiver == name);
    if !is_one && waiting > 0 {
        tracing::warn!(receiver = name, waiting, "no such receiver any more; the notices that waited for it are lost");
    }
    is_one
}

#[cfg(test)]
mod tests;
