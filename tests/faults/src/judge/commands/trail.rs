//! What the log tells of each command, one event after the other.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use assistant_service::commands::LEASE;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Terms;
use crate::ledger::{Lease, Line};
use crate::verdict::{Commands, Verdict};

/// The table: from each state to which. In some states something may happen that leaves them as they are.
const TABLE: [(&str, &[&str]); 7] = [
    ("requested", &["pending", "scheduled"]),
    ("pending", &["pending", "scheduled", "rejected", "expired", "canceled"]),
    ("scheduled", &["leased", "expired", "canceled"]),
    ("leased", &["running", "scheduled", "canceled"]),
    (
        "running",
        &[
            "running",
            "verifying",
            "rolling_back",
            "succeeded",
            "failed",
            "canceled",
            "timeout",
            "abandoned",
            "scheduled",
        ],
    ),
    (
        "verifying",
        &["verifying", "rolling_back", "succeeded", "failed", "canceled", "timeout", "abandoned", "scheduled"],
    ),
    ("rolling_back", &["failed", "canceled", "timeout", "abandoned", "scheduled"]),
];

const HELD: [&str; 4] = ["leased", "running", "verifying", "rolling_back"];

/// Whether nothing leads on from there.
pub(super) fn is_final(state: &str) -> bool {
    !state.is_empty() && TABLE.iter().all(|(from, _)| *from != state)
}

/// One command.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// As its last event tells it.
    pub(super) last: Value,
    /// When each fence was given.
    pub(super) leased: BTreeMap<u64, OffsetDateTime>,
    begun: u32,
    /// Bytes of output by fence.
    pub(super) written: BTreeMap<u64, u64>,
    /// Late results by fence.
    pub(super) late: BTreeMap<u64, u64>,
}

impl Trail {
    pub(super) fn fence(&self) -> u64 {
        self.leased.keys().next_back().copied().unwrap_or_default()
    }

    fn state(&self) -> &str {
        self.last["state"].as_str().unwrap_or_default()
    }
}

/// Who has a place of each runbook, and all else that is known while the log is read.
struct Walk<'a> {
    terms: &'a [Terms],
    /// The last sign of life that was heard, by when it was sent.
    alive: BTreeMap<&'a Lease, OffsetDateTime>,
    busy: BTreeMap<String, BTreeSet<String>>,
    trails: BTreeMap<String, Trail>,
}

/// Reads the whole log.
pub(super) fn walk(
    events: &[Value],
    lines: &[Line],
    terms: &[Terms],
    found: &mut Commands,
    verdict: &mut Verdict,
) -> Result<BTreeMap<String, Trail>> {
    let mut alive = BTreeMap::new();
    for line in lines {
        let Line::Alive { lease, sent } = line else { continue };
        let last = alive.entry(lease).or_insert(*sent);
        *last = (*last).max(*sent);
    }
    let mut walk = Walk { terms, alive, busy: BTreeMap::new(), trails: BTreeMap::new() };
    for event in events {
        walk.step(event, found, verdict)?;
    }
    Ok(walk.trails)
}

impl Walk<'_> {
    fn step(&mut self, event: &Value, found: &mut Commands, verdict: &mut Verdict) -> Result<()> {
        let id = event["subject"].as_str().with_context(|| format!("an event about nobody: {event}"))?;
        let kind = event["type"].as_str().and_then(|kind| kind.rsplit('.').next()).unwrap_or_default();
        let at = event["time"].as_str().context("an event without a time")?;
        let at = OffsetDateTime::parse(at, &Rfc3339)?;
        let trail = self.trails.entry(id.to_owned()).or_default();
        let command = &event["data"];
        match kind {
            "output" => {
                let text = command["text"].as_str().unwrap_or_default();
                *trail.written.entry(trail.fence()).or_default() += text.len() as u64;
                return Ok(());
            }
            "late_result" => {
                let fence = command["fence"].as_u64().context("a late result without a fence")?;
                let kept = trail.late.entry(fence).or_default();
                *kept += 1;
                found.late_results += 1;
                if *kept > 1 {
                    found.twice += 1;
                    verdict.violate(format!("{id} has two late results under fence {fence}"));
                }
                return Ok(());
            }
            _ => {}
        }
        found.changes += 1;
        let before = trail.state().to_owned();
        let is_in_table = match before.as_str() {
            "" => kind == "requested",
            before => TABLE.iter().any(|(from, to)| *from == before && to.contains(&kind)),
        };
        if !is_in_table || command["state"] != kind {
            found.off_the_table += 1;
            verdict.violate(format!("{id} went from {before:?} to {kind}, which says {}", command["state"]));
        }
        if !before.is_empty() && command["digest"] != trail.last["digest"] {
            verdict.violate(format!("{id} became another call"));
        }
        let last_fence = trail.fence();
        match command["lease"]["fence"].as_u64() {
            Some(fence) if kind == "leased" => {
                found.leases += 1;
                if trail.leased.insert(fence, at).is_some() || fence <= last_fence {
                    verdict.violate(format!("{id} was leased under fence {fence} after {last_fence}"));
                }
            }
            Some(fence) if fence != last_fence => {
                verdict.violate(format!("{id} was changed under fence {fence}, and {last_fence} is the last"));
            }
            _ => {}
        }
        let name = command["runbook"].as_str().unwrap_or_default();
        let terms = self.terms.iter().find(|terms| terms.runbook == name).context("a runbook of nobody")?;
        if before == "leased" && kind == "running" {
            trail.begun += 1;
            if trail.begun > 1 + terms.retries {
                found.twice += 1;
                verdict.violate(format!("{id} of {name} was begun {} times", trail.begun));
            }
        }
        let lease = Lease { id: id.to_owned(), fence: last_fence };
        let was_silent_since = match (before.as_str(), kind) {
            ("leased", "scheduled") => {
                found.leases_lost += 1;
                trail.leased.get(&last_fence)
            }
            (_, "abandoned") => self.alive.get(&lease),
            ("running" | "verifying" | "rolling_back", "scheduled") => {
                found.tried_again += 1;
                let last = command["attempts_failed"].as_array().and_then(|all| all.last());
                let is_silence = last.is_some_and(|last| last["because"] == "abandoned");
                is_silence.then(|| self.alive.get(&lease)).flatten()
            }
            _ => None,
        };
        if was_silent_since.is_some_and(|since| at < *since + LEASE) {
            found.early += 1;
            verdict.violate(format!("{id} was taken from its holder at {at}, alive at {was_silent_since:?}"));
        }
        let busy = self.busy.entry(name.to_owned()).or_default();
        if HELD.contains(&kind) {
            busy.insert(id.to_owned())
        } else {
            busy.remove(id)
        };
        if terms.at_once.is_some_and(|most| busy.len() > most) {
            verdict.violate(format!("{busy:?} of {name} at once"));
        }
        trail.last = command.clone();
        Ok(())
    }
}
