//! Holds what the log tells of commands, and what the service says of them in the end, against what everybody was answered.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

mod trail;

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;

use crate::ledger::{End, Lease, Line};
use crate::verdict::{Commands, Verdict};
use trail::{Trail, walk};

/// What a runbook of the play says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) runbook: &'static str,
    /// How often it is tried again; what is not idempotent never is.
    pub(crate) retries: u32,
    pub(crate) at_once: Option<usize>,
}

/// What the service says when all is over.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    /// Every event about commands, in the log's order.
    pub(crate) events: Vec<Value>,
    /// Each command that is asked for by its identifier.
    pub(crate) commands: BTreeMap<String, Value>,
}

/// Judges a play that is over: nobody says anything more.
pub(crate) fn judge_commands(lines: &[Line], told: &Told, terms: &[Terms]) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut found = Commands::default();
    let trails = walk(&told.events, lines, terms, &mut found, &mut verdict)?;
    exist_once(lines, told, &trails, &mut found, &mut verdict);
    for (id, command) in &told.commands {
        let state = command["state"].as_str().unwrap_or_default();
        *found.ends.entry(state.to_owned()).or_default() += 1;
        let Some(trail) = trails.get(id) else { continue };
        if !trail::is_final(state) {
            found.lost += 1;
            verdict.violate(format!("{id} of {} never ended, it is {state}", command["runbook"]));
        }
        if trail.last != *command {
            verdict.violate(format!("the log tells something else of {id}: {} and {command}", trail.last));
        }
    }
    let nothing = (Value::Null, Trail::default());
    for line in lines {
        let Some(id) = line.id() else { continue };
        let command = told.commands.get(id).unwrap_or(&nothing.0);
        let trail = trails.get(id).unwrap_or(&nothing.1);
        if let Some(broken) = holds(line, command, trail) {
            found.lost += 1;
            verdict.violate(format!("{line:?}: {broken}"));
        }
        count(line, &mut found);
    }
    found.unanswered = lines.iter().filter(|line| matches!(line, Line::Unanswered)).count() as u64;
    verdict.acknowledged = lines.len() as u64 - found.unanswered;
    verdict.stored = told.events.len() as u64;
    verdict.commands = Some(found);
    Ok(verdict)
}

/// Each that was acknowledged is there as it was asked for, no other is, and no request made two of them.
fn exist_once(
    lines: &[Line],
    told: &Told,
    trails: &BTreeMap<String, Trail>,
    found: &mut Commands,
    verdict: &mut Verdict,
) {
    let mut numbers: BTreeMap<String, &str> = BTreeMap::new();
    for (id, trail) in trails {
        if let Some(other) = numbers.insert(trail.last["parameters"].to_string(), id) {
            found.twice += 1;
            verdict.violate(format!("one request made {other} and {id}"));
        }
        if !told.commands.contains_key(id) {
            verdict.never_asked_for += 1;
            verdict.violate(format!("nobody was told that {id} is there"));
        }
    }
    for line in lines {
        let Line::Asked { id, by, body } = line else { continue };
        let command = told.commands.get(id).unwrap_or(&Value::Null);
        let is_it = command["runbook"] == body["runbook"]
            && command["parameters"] == body["parameters"]
            && command["requested_by"]["sub"] == by.as_str();
        if !is_it || !trails.contains_key(id) {
            found.lost += 1;
            verdict.violate(format!("{id} was acknowledged as {body} and is {command}"));
        }
    }
}

/// What is wrong with an answer that somebody got, if anything.
fn holds(line: &Line, command: &Value, trail: &Trail) -> Option<String> {
    match line {
        Line::Decided { by, decision, .. } => {
            let decided = command["approval"]["decided"].as_array().map_or(&[][..], Vec::as_slice);
            let is_kept = decided.iter().any(|one| one["by"]["sub"] == by.as_str() && one["decision"] == *decision);
            (!is_kept).then(|| format!("the decision is not kept: {decided:?}"))
        }
        Line::CalledOff { .. } => (command["state"] != "canceled").then(|| format!("it is {}", command["state"])),
        Line::AskedToStop { .. } => command["stop_asked_by"].is_null().then(|| "nobody asked for it".to_owned()),
        Line::Leased(lease) | Line::Alive { lease, .. } | Line::Begun { lease } => {
            (!trail.leased.contains_key(&lease.fence)).then(|| format!("the log knows {:?}", trail.leased.keys()))
        }
        Line::Written { lease, bytes } => {
            let kept = trail.written.get(&lease.fence).copied().unwrap_or_default();
            (kept < *bytes).then(|| format!("{kept} bytes are in the log"))
        }
        Line::Taken { lease, end } => (!counts(lease, *end, command, trail)).then(|| format!("it ended as {command}")),
        // The library tells it, and hears what counts.
        Line::Ended { lease, end } => {
            let is_told = counts(lease, *end, command, trail) || trail.late.contains_key(&lease.fence);
            (!is_told).then(|| format!("it ended as {command}, and no late result is there"))
        }
        Line::Refused { lease } => {
            (!trail.late.contains_key(&lease.fence)).then(|| "no late result is there".to_owned())
        }
        Line::Asked { .. } | Line::Died { .. } | Line::Unanswered => None,
    }
}

/// Whether a result is what the command ended with under its last lease, or what an attempt of it did.
fn counts(lease: &Lease, end: End, command: &Value, trail: &Trail) -> bool {
    let word = lease.word();
    let result = &command["result"];
    let said = if end == End::Succeeded { &result["result"]["word"] } else { &result["message"] };
    let is_its = *said == word.as_str() && result["outcome"] == end.name();
    let is_end = is_its && command["state"] == end.name() && lease.fence == trail.fence();
    let attempts = command["attempts_failed"].as_array().map_or(&[][..], Vec::as_slice);
    let is_attempt = attempts.iter().any(|one| one["because"] == "failed" && one["message"] == word.as_str());
    is_end || (end == End::Failed && is_attempt)
}

fn count(line: &Line, found: &mut Commands) {
    match line {
        Line::Asked { .. } => found.asked += 1,
        Line::Taken { .. } => found.results += 1,
        Line::Ended { .. } => found.handlers += 1,
        Line::Died { .. } => found.died += 1,
        _ => {}
    }
}

#[cfg(test)]
mod tests;
