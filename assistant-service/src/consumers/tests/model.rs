//! Two replicas hand out of one consumer at random, with holders that die, replicas that start anew and clocks that are set, beside a
//! plain model of what must hold.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::consumers::Settings;
use crate::consumers::settle::{Claim, GivenBack, Settlement};
use crate::testing::dice::{Dice, seeds};

const SUBJECTS: u64 = 5;
const EVENTS: u64 = 60;
const ACK_WAIT: u64 = 10;
const MAX_DELIVERIES: u32 = 4;

#[derive(Debug)]
struct Held {
    position: Position,
    fence: u64,
    /// By the clock of the model: nobody else may have it before.
    until: u64,
}

#[derive(Default)]
struct Model {
    subjects: BTreeMap<Position, u64>,
    deliveries: BTreeMap<Position, u32>,
    acked: BTreeSet<Position>,
    held: Vec<Held>,
    now: u64,
}

impl Model {
    fn handed(&mut self, position: Position, fence: u64, attempt: u32, seed: u64) {
        let count = self.deliveries.entry(position).or_default();
        *count += 1;
        assert_eq!(*count, attempt, "deliveries of {position}, seed {seed}");
        assert!(!self.acked.contains(&position), "{position} is done, seed {seed}");
        let live = self.held.iter().find(|held| held.position == position && held.until > self.now);
        assert!(live.is_none(), "{live:?} is handed out again at {}, seed {seed}", self.now);
        let subject = self.subjects[&position];
        let busy = self.held.iter().any(|held| held.until > self.now && self.subjects[&held.position] == subject);
        assert!(!busy, "two of subject {subject}, seed {seed}");
        self.held.push(Held { position, fence, until: self.now + ACK_WAIT });
    }
}

/// Positions that were given up, by the events that say so.
async fn given_up(stage: &Stage) -> BTreeSet<Position> {
    let page = stage.get("/v1/events?type=dev.watchgate.consumer.gave-up&limit=1000").send().await.json;
    let all: Vec<_> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event"]["data"]["position"].as_u64().unwrap())
        .collect();
    let once: BTreeSet<_> = all.iter().copied().collect();
    assert_eq!(once.len(), all.len(), "an event was given up twice");
    once
}

async fn play(seed: u64) {
    let mut dice = Dice(seed);
    let stage = Stage::new();
    let mut replicas = [stage.replica(), stage.replica()];
    let (owner, name) = (Principal::new("urn:test", "model"), "jobs");
    let settings = json!({
        "filter": {"source": "urn:test"}, "ordered": true, "ack_wait_seconds": ACK_WAIT,
        "max_deliveries": MAX_DELIVERIES, "max_in_flight": 12,
    });
    let settings: Settings = serde_json::from_value(settings).unwrap();
    stage.state.consumers.put(&owner, name, settings).await.unwrap();
    let (mut model, mut appended, mut step) = (Model::default(), 0, 0_u64);
    let mut acked_in_order: BTreeMap<u64, Vec<Position>> = BTreeMap::new();
    loop {
        step += 1;
        assert!(step < 20_000, "it never ends, seed {seed}");
        let is_late = step > 400;
        let which = usize::try_from(dice.below(2)).unwrap();
        match dice.below(12) {
            0..=2 if appended < EVENTS => {
                let subject = dice.below(SUBJECTS);
                let position = append(&stage, &appended.to_string(), Some(&subject.to_string()), Value::Null).await;
                model.subjects.insert(position, subject);
                appended += 1;
            }
            3..=5 => {
                let max = usize::try_from(1 + dice.below(6)).unwrap();
                let consumers = &replicas[which].state.consumers;
                for event in consumers.fetch(&owner, name, max, Duration::ZERO).await.unwrap().events {
                    model.handed(event.position, event.fence, event.attempt, seed);
                }
            }
            6..=9 if !model.held.is_empty() => {
                let held = model.held.remove(usize::try_from(dice.below(model.held.len() as u64)).unwrap());
                let claim = Claim { position: held.position, fence: held.fence };
                let mut settlement = Settlement::default();
                let word = if is_late { 0 } else { dice.below(6) };
                match word {
                    0..=2 => settlement.ack.push(claim),
                    3 => settlement.nak.push(GivenBack {
                        position: claim.position,
                        fence: claim.fence,
                        delay_seconds: u32::try_from(dice.below(8)).unwrap(),
                    }),
                    4 => settlement.in_progress.push(claim),
                    // The holder dies without a word.
                    _ => continue,
                }
                let settled = replicas[which].state.consumers.settle(&owner, name, &settlement, None).await.unwrap();
                let is_live = held.until > model.now;
                assert!(settled.taken == 1 || !is_live, "a live holder was refused, seed {seed}");
                if settled.taken == 1 && word <= 2 {
                    assert!(model.acked.insert(held.position), "acknowledged twice, seed {seed}");
                    acked_in_order.entry(model.subjects[&held.position]).or_default().push(held.position);
                } else if settled.taken == 1 && word == 4 {
                    model.held.push(Held { until: model.now + ACK_WAIT, ..held });
                }
            }
            10 => {
                let seconds = dice.below(7);
                stage.clock.advance(Duration::from_secs(seconds));
                model.now += seconds;
            }
            _ => match dice.below(4) {
                0 => stage.clock.step(time::Duration::HOUR),
                1 => stage.clock.step(-time::Duration::HOUR),
                2 => replicas[which] = stage.replica(),
                _ => {}
            },
        }
        // Looking at what was given up costs more than a step.
        if appended == EVENTS
            && step % 8 == 0
            && model.acked.len() + given_up(&stage).await.len() == model.subjects.len()
        {
            break;
        }
    }
    let given_up = given_up(&stage).await;
    assert!(model.acked.is_disjoint(&given_up), "seed {seed}");
    let all: BTreeSet<_> = model.subjects.keys().copied().collect();
    assert_eq!(model.acked.union(&given_up).copied().collect::<BTreeSet<_>>(), all, "seed {seed}");
    assert!(given_up.iter().all(|position| model.deliveries[position] == MAX_DELIVERIES), "seed {seed}");
    for (subject, acked) in acked_in_order {
        assert!(acked.is_sorted(), "subject {subject}: {acked:?}, seed {seed}");
    }
    let kept = stage.state.consumers.find(&owner, name).await.unwrap();
    assert_eq!(kept.record.in_flight.len(), 0, "seed {seed}");
}

#[tokio::test]
async fn every_event_is_acknowledged_once_or_given_up_whatever_happens_to_holders_replicas_and_clocks() {
    for seed in seeds(3) {
        play(seed).await;
    }
}
