//! Holds what is stored against what the witness knows.

mod commands;
mod leases;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use assistant_service::backbone::{Backbone, EventFilter, StoredEvent};
use serde_json::Value;

use crate::operation::{BUCKET, COUNTER, Kind, Operation};
use crate::verdict::Verdict;
use crate::witness::Witness;
pub(crate) use commands::{Terms, Told, judge_commands};
pub(crate) use leases::{Left, judge_leases};

const PAGE: u32 = 1000;

/// All that a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) events: Vec<StoredEvent>,
    /// Value and revision by key.
    pub(crate) entries: BTreeMap<String, (Vec<u8>, u64)>,
}

impl Stored {
    pub(crate) async fn read(store: &dyn Backbone) -> Result<Self> {
        let mut stored = Self::default();
        let mut after = None;
        loop {
            let page = store.query(EventFilter { after, limit: PAGE, ..EventFilter::default() }).await?;
            stored.events.extend(page.events);
            after = page.next_after;
            if after.is_none() {
                break;
            }
        }
        let mut before = None;
        loop {
            let entries = store.list(BUCKET, before, PAGE).await?;
            let Some(last) = entries.last() else { return Ok(stored) };
            before = Some(last.key.clone());
            stored.entries.extend(entries.into_iter().map(|entry| (entry.key, (entry.value, entry.revision))));
        }
    }
}

/// An operation as it is stored.
#[derive(Debug, Default)]
struct Found {
    /// Position by part.
    parts: BTreeMap<u64, u64>,
    count: u64,
}

/// Judges one store.
pub(crate) fn judge(stored: &Stored, witness: &Witness) -> Result<Verdict> {
    let mut verdict = Verdict {
        acknowledged: witness.acknowledged(),
        stored: stored.events.len() as u64,
        offered_twice: witness.offered_twice,
        replicas: 1,
        violations: witness.wrong.clone(),
        ..Verdict::default()
    };
    let found = find(stored, &mut verdict)?;
    for (operation, known) in &witness.operations {
        let there = found.get(operation);
        if known.kept.is_none() && known.may_be_there() {
            verdict.in_doubt += 1;
            verdict.in_doubt_stored += u64::from(there.is_some());
        }
        match (there, known.kept) {
            (None, Some(position)) => {
                verdict.lost += 1;
                verdict.violate(format!("{operation:?} was acknowledged at {position} and is lost"));
            }
            (Some(there), Some(position)) if position != 0 && there.parts.get(&0) != Some(&position) => {
                verdict
                    .violate(format!("{operation:?} was acknowledged at {position} and stands at {:?}", there.parts));
            }
            (Some(_), None) if !known.may_be_there() => {
                verdict.violate(format!("{operation:?} was refused and is there"));
            }
            _ => {}
        }
    }
    hold_together(&found, stored, witness, &mut verdict);
    in_order(&found, &mut verdict);
    count(&found, stored, witness, &mut verdict);
    Ok(verdict)
}

/// Operations by what is stored of them.
fn find(stored: &Stored, verdict: &mut Verdict) -> Result<BTreeMap<Operation, Found>> {
    let mut found: BTreeMap<Operation, Found> = BTreeMap::new();
    if !stored.events.is_sorted_by(|one, next| one.position < next.position) {
        verdict.out_of_order += 1;
        verdict.violate("the log is not in order".to_owned());
    }
    for StoredEvent { position, json } in &stored.events {
        let event: Value = serde_json::from_str(json).with_context(|| format!("no JSON at {position}: {json}"))?;
        let (operation, part) =
            event.get("id").and_then(Value::as_str).and_then(Operation::of_id).context("an id of nobody")?;
        let of_it = found.entry(operation).or_default();
        of_it.count = event.pointer("/data/count").and_then(Value::as_u64).unwrap_or_default();
        if let Some(first) = of_it.parts.insert(part, *position) {
            verdict.twice += 1;
            verdict.violate(format!("{operation:?}, part {part}, is stored at {first} and at {position}"));
        }
    }
    Ok(found)
}

/// No batch is half there, and nothing is there that nobody asked for.
fn hold_together(found: &BTreeMap<Operation, Found>, stored: &Stored, witness: &Witness, verdict: &mut Verdict) {
    for (operation, there) in found {
        if !witness.operations.contains_key(operation) {
            verdict.never_asked_for += 1;
            verdict.violate(format!("{operation:?} is stored, and nobody asked for it"));
        }
        let is_with_entry = operation.kind() != Kind::Both || stored.entries.contains_key(&operation.key());
        if there.parts.len() as u64 != operation.parts() || !is_with_entry {
            verdict.half += 1;
            let parts = there.parts.len();
            verdict.violate(format!("{operation:?} is half there: {parts} of its events, entry: {is_with_entry}"));
        }
    }
    for key in stored.entries.keys().filter(|key| *key != COUNTER) {
        let event = Operation::of_id(&format!("{key}-0")).is_some_and(|(operation, _)| found.contains_key(&operation));
        if !event {
            verdict.half += 1;
            verdict.violate(format!("the entry {key} is there without its event"));
        }
    }
}

/// A writer awaits each answer: its positions grow in its order.
fn in_order(found: &BTreeMap<Operation, Found>, verdict: &mut Verdict) {
    let mut last: Option<(Operation, u64)> = None;
    for (operation, there) in found {
        for position in there.parts.values() {
            if let Some((earlier, before)) = last
                && earlier.writer == operation.writer
                && before >= *position
            {
                verdict.out_of_order += 1;
                verdict.violate(format!("{operation:?} stands at {position}, before {earlier:?} at {before}"));
            }
            last = Some((*operation, *position));
        }
    }
}

/// Each count was built on the one before: the events tell 1, 2, 3 and so on, and the entry the last.
fn count(found: &BTreeMap<Operation, Found>, stored: &Stored, witness: &Witness, verdict: &mut Verdict) {
    let counts = found.iter().filter(|(operation, _)| operation.kind() == Kind::Count);
    let by_position: BTreeMap<u64, u64> =
        counts.filter_map(|(_, there)| Some((*there.parts.get(&0)?, there.count))).collect();
    for ((position, count), wanted) in by_position.iter().zip(1..) {
        if *count != wanted {
            verdict.violate(format!("{count} was counted at {position}, and not {wanted}"));
            break;
        }
    }
    let entry = stored.entries.get(COUNTER).map(|(value, _)| String::from_utf8_lossy(value).into_owned());
    let counter = entry.and_then(|value| value.parse().ok()).unwrap_or_default();
    let counting = || witness.operations.iter().filter(|(operation, _)| operation.kind() == Kind::Count);
    let least = counting().filter(|(_, known)| known.kept.is_some()).count() as u64;
    let most = counting().filter(|(_, known)| known.may_be_there()).count() as u64;
    verdict.counter = (counter, least, most);
    if !(least..=most).contains(&counter) || counter != by_position.len() as u64 {
        let events = by_position.len();
        verdict.violate(format!("the counter says {counter}, its events {events}; {least} to {most} were answered"));
    }
}

#[cfg(test)]
mod tests;
