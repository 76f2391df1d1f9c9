//! When a check becomes an alert and when that is over: two failures in a row, one success.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::check::{Check, Finding, Outcome};
use super::settings::Settings;

/// One failure is a restart, or a lost packet.
const FAILURES: u32 = 2;

/// Of a reason that tells of all attacks its beginning: it is kept once for each receiver.
const MAX_REASON_BYTES: usize = 1024;

/// Where an alert is from, by which receivers know it again: what it began with holds to its end, whatever the file says by then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) gateway: String,
    pub(super) labels: BTreeMap<String, String>,
}

/// A check that has failed twice in a row, until it passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Alert {
    pub(super) id: Uuid,
    pub(super) check: Check,
    /// When the first of its failures was found, in Unix milliseconds.
    pub(super) since: i64,
    /// What was found when it was told.
    pub(super) reason: String,
    /// Empty in files of probes that did not keep it.
    #[serde(default)]
    pub(super) origin: Origin,
}

/// What there is to tell of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notice {
    pub(super) alert: Alert,
    /// When it was over, in Unix milliseconds; nothing of one that begins.
    pub(super) ended: Option<i64>,
}

/// How each check stands.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    alerts: BTreeMap<Check, Alert>,
    /// Failures in a row of checks without an alert: how many, and since when.
    failures: BTreeMap<Check, (u32, i64)>,
    /// Of those that begin.
    origin: Origin,
}

impl Origin {
    pub(super) fn of(settings: &Settings) -> Self {
        let gateway = settings.gateway.as_str().trim_end_matches('/').to_owned();
        Self { gateway, labels: settings.labels.clone() }
    }
}

impl Alerts {
    /// Those that were there before a restart. What failed once before it begins anew.
    pub(super) fn of(alerts: impl IntoIterator<Item = Alert>, origin: Origin) -> Self {
        let alerts = alerts.into_iter().map(|alert| (alert.check, alert)).collect();
        Self { alerts, failures: BTreeMap::new(), origin }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.values()
    }

    /// Takes what a check came to at `now` in Unix milliseconds; says what is to be told.
    pub(super) fn take(&mut self, finding: &Finding, now: i64) -> Option<Notice> {
        let check = finding.check;
        match &finding.outcome {
            Outcome::Passed(_) => {
                self.failures.remove(&check);
                self.end(check, now)
            }
            // Nothing was seen of it: an alert stays, and what failed before does not count as the one before the next.
            Outcome::Blocked(_) => {
                self.failures.remove(&check);
                None
            }
            Outcome::Failed(_) if self.alerts.contains_key(&check) => None,
            Outcome::Failed(reason) => {
                let (count, since) = self.failures.get(&check).copied().unwrap_or((0, now));
                let count = count.saturating_add(1);
                if count < FAILURES {
                    self.failures.insert(check, (count, since));
                    return None;
                }
                self.failures.remove(&check);
                let reason = reason.get(..reason.floor_char_boundary(MAX_REASON_BYTES)).unwrap_or_default().to_owned();
                let alert = Alert { id: Uuid::now_v7(), check, since, reason, origin: self.origin.clone() };
                self.alerts.insert(check, alert.clone());
                Some(Notice { alert, ended: None })
            }
        }
    }

    /// Ends the alerts of checks that are made no more.
    pub(super) fn keep_only(&mut self, made: &[Check], now: i64) -> Vec<Notice> {
        let gone: Vec<_> = self.alerts.keys().copied().filter(|check| !made.contains(check)).collect();
        gone.into_iter().filter_map(|check| self.end(check, now)).collect()
    }

    fn end(&mut self, check: Check, now: i64) -> Option<Notice> {
        self.alerts.remove(&check).map(|alert| Notice { alert, ended: Some(now) })
    }
}

#[cfg(test)]
mod tests;
