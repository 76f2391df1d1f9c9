//! What must hold of a play, read from the log alone.

use std::collections::{BTreeSet, HashMap};

use super::*;
use crate::backbone::{EventFilter, TypeFilter};
use crate::commands::state::{State, next};
use crate::commands::tests::table::every_step;

/// What the log has said of one command so far.
#[derive(Default)]
struct Told {
    last: Value,
    fence: u64,
    begun: u32,
    changes: usize,
}

pub(super) async fn judge(play: &Play, runbooks: &FolderCatalogue) {
    let seed = play.seed;
    let stage = play.stage(0);
    let pairs = pairs_of_the_table();
    let mut told: HashMap<String, Told> = HashMap::new();
    let mut busy: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut late = 0;
    for event in log(&stage).await {
        let kind = event["type"].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
        let id = event["subject"].as_str().unwrap().to_owned();
        match kind.as_str() {
            "output" => continue,
            "late_result" => {
                late += 1;
                continue;
            }
            _ => {}
        }
        let command = event["data"].clone();
        let before = told.entry(id.clone()).or_default();
        before.changes += 1;
        assert_eq!(command["state"], kind, "seed {seed}");
        assert!(
            before.last.is_null() || command["digest"] == before.last["digest"],
            "{id} is another call, seed {seed}"
        );
        if !before.last.is_null() {
            let pair = (before.last["state"].as_str().unwrap().to_owned(), kind.clone());
            assert!(pairs.contains(&pair), "{id} went {pair:?}, which is not in the table, seed {seed}");
        }
        let runbook = runbooks.get(command["runbook"].as_str().unwrap()).unwrap();
        if kind == "leased" {
            let fence = command["lease"]["fence"].as_u64().unwrap();
            assert!(fence > before.fence, "{id} was leased under fence {fence} again, seed {seed}");
            before.fence = fence;
        } else if let Some(fence) = command["lease"]["fence"].as_u64() {
            assert_eq!(fence, before.fence, "{id} was changed under an old fence, seed {seed}");
        }
        if kind == "running" && before.last["state"] == "leased" {
            before.begun += 1;
            let most = if runbook.idempotent { 1 + runbook.retry.retry } else { 1 };
            assert!(before.begun <= most, "{id} of {} was begun {} times, seed {seed}", runbook.name, before.begun);
        }
        if before.last["state"] == "pending" && kind == "scheduled" {
            check_approval(&command, runbook.approval.quorum, seed);
        }
        let is_busy = ["leased", "running", "verifying", "rolling_back"].contains(&kind.as_str());
        for (bound, place) in [
            (runbook.concurrency.per_runbook, runbook.name.clone()),
            (runbook.concurrency.per_target, format!("{} at {}", runbook.name, command["target"]["service"])),
        ] {
            let Some(bound) = bound else { continue };
            let holders = busy.entry(place.clone()).or_default();
            if is_busy {
                holders.insert(id.clone())
            } else {
                holders.remove(&id)
            };
            assert!(holders.len() <= bound as usize, "{holders:?} at once in {place}, seed {seed}");
        }
        before.last = command;
    }
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let asked = play.asked.lock().unwrap().clone();
    for (id, body) in &asked {
        let Told { last, .. } = told.get(id).unwrap_or_else(|| panic!("nothing was told of {id}, seed {seed}"));
        assert_eq!((&last["runbook"], &last["parameters"]), (&body["runbook"], &body["parameters"]), "seed {seed}");
        *ends.entry(last["state"].as_str().unwrap().to_owned()).or_default() += 1;
        let kept = stage.get(&format!("/v1/commands/{id}")).send().await.json;
        let state: State = serde_json::from_value(kept["state"].clone()).unwrap();
        assert!(state.is_final(), "{id} is {state:?}, seed {seed}");
        assert_eq!(&kept, last, "the log tells something else of {id}, seed {seed}");
    }
    assert_eq!(told.len(), asked.len(), "somebody else asked, seed {seed}");
    let changes: usize = told.values().map(|told| told.changes).sum();
    let Counts { died, doubled, late: silent, slow, raced, called_off, restarts } = &play.counts;
    let [died, doubled, silent, slow, raced, called_off, restarts] =
        [died, doubled, silent, slow, raced, called_off, restarts].map(|counter| counter.load(Ordering::Relaxed));
    println!(
        "seed {seed}: {} commands, {changes} changes, ended {ends:?}; services died {died} times, fell silent {silent} times, \
         were too slow {slow} times, \
         {doubled} messages were doubled, {late} results came too late, {raced} approvals raced, {called_off} were called off, \
         replicas began anew {restarts} times",
        told.len()
    );
    let happened = [died, doubled, silent, slow, raced, called_off, restarts];
    assert!(happened.iter().all(|count| *count > 0), "too little happened, seed {seed}");
    for state in State::ALL.into_iter().filter(|state| state.is_final()) {
        assert!(ends.contains_key(state.name()), "nothing ended {}, seed {seed}", state.name());
    }
}

fn check_approval(command: &Value, quorum: u32, seed: u64) {
    let decided = command["approval"]["decided"].as_array().unwrap();
    let by: BTreeSet<String> = decided.iter().map(|decided| decided["by"].to_string()).collect();
    assert!(by.len() == decided.len() && by.len() == quorum as usize, "{decided:?}, seed {seed}");
    assert!(decided.iter().all(|decided| decided["decision"] == "approve"), "{decided:?}, seed {seed}");
    let is_own = by.contains(&command["requested_by"].to_string());
    assert!(!is_own || command["approval"]["not_requester"] == false, "approved by who asked, seed {seed}");
}

/// From which state a step leads to which.
fn pairs_of_the_table() -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    for state in State::ALL {
        for (_, step) in every_step() {
            if let Some(then) = next(state, &step) {
                pairs.insert((state.name().to_owned(), then.name().to_owned()));
            }
        }
    }
    pairs
}

/// Everything that was told of commands, in order.
async fn log(stage: &Stage) -> Vec<Value> {
    let (mut events, mut after) = (Vec::new(), None);
    loop {
        let filter = EventFilter {
            event_type: Some(TypeFilter::Below("dev.watchgate.command".to_owned())),
            after,
            limit: 1000,
            ..EventFilter::default()
        };
        let page = stage.state.backbone.query(filter).await.unwrap();
        events.extend(page.events.iter().map(|event| serde_json::from_str::<Value>(&event.json).unwrap()));
        match page.next_after {
            Some(next) => after = Some(next),
            None => return events,
        }
    }
}
