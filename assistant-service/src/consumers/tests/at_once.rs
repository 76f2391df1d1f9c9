//! Two replicas hand out of one consumer truly at the same time, on both forms of the backbone, with holders that fall silent.
//! They meet in the consumer's entry; what must hold is looked at in the end, by fences, because nobody sees the order in which
//! answers were on their way.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use programs::nats::{NatsOptions, NatsServer};
use tokio::task::JoinSet;

use super::*;
use crate::backbone::passed_on::passed_on;
use crate::backbone::{Backbone, BackboneError, Committed, EventFilter, TypeFilter};
use crate::consumers::settle::{Claim, GivenBack, Settlement};
use crate::consumers::{Consumers, Settings};
use crate::events::DeadLetters;
use crate::testing::dice::{Dice, seeds};
use crate::testing::joined::join;

const EVENTS: usize = 120;
const SUBJECTS: usize = 6;
const MAX_DELIVERIES: u32 = 3;
const HOLDERS_OF_EACH: u64 = 3;

/// A backbone that counts how often somebody else was faster.
struct Counted {
    backbone: Arc<dyn Backbone>,
    conflicts: AtomicUsize,
}

impl Backbone for Counted {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, BackboneError>> {
        async move {
            let committed = self.backbone.commit(batch).await;
            let is_conflict = matches!(committed, Err(BackboneError::Conflict { .. }));
            self.conflicts.fetch_add(usize::from(is_conflict), Ordering::Relaxed);
            committed
        }
        .boxed()
    }

    passed_on!(get, list, changes, query, newest_position, newest_revision, standing);
}

struct Replica {
    backbone: Arc<Counted>,
    consumers: Consumers,
}

fn replica(backbone: Arc<dyn Backbone>, stage: &Stage) -> Arc<Replica> {
    let backbone = Arc::new(Counted { backbone, conflicts: AtomicUsize::new(0) });
    let dead_letters = DeadLetters::new(backbone.clone(), stage.clock.clone(), Arc::default());
    let consumers = Consumers::new(backbone.clone(), stage.clock.clone(), Arc::default(), Arc::new(dead_letters));
    Arc::new(Replica { backbone, consumers })
}

/// What the holders know.
#[derive(Default)]
struct Seen {
    /// The fence of each attempt that arrived.
    attempts: Mutex<BTreeMap<Position, BTreeMap<u32, u64>>>,
    /// Under which fence an event was done.
    done: Mutex<BTreeMap<Position, u64>>,
    is_over: AtomicBool,
}

async fn hold(replica: Arc<Replica>, seen: Arc<Seen>, owner: Principal, mut dice: Dice) {
    while !seen.is_over.load(Ordering::Relaxed) {
        let max = usize::try_from(1 + dice.below(4)).unwrap();
        let fetched = replica.consumers.fetch(&owner, "jobs", max, Duration::from_millis(20)).await.unwrap();
        for event in fetched.events {
            let (position, fence) = (event.position, event.fence);
            let before = seen.attempts.lock().unwrap().entry(position).or_default().insert(event.attempt, fence);
            assert_eq!(before, None, "attempt {} of {position} was handed out twice", event.attempt);
            let claim = Claim { position, fence };
            let mut settlement = Settlement::default();
            match dice.below(8) {
                0..=4 => settlement.ack.push(claim),
                5 => settlement.nak.push(GivenBack { position, fence, delay_seconds: 0 }),
                6 => settlement.in_progress.push(claim),
                // Never heard of again.
                _ => continue,
            }
            let settled = replica.consumers.settle(&owner, "jobs", &settlement, None).await.unwrap();
            if settled.taken == 1 && !settlement.ack.is_empty() {
                let before = seen.done.lock().unwrap().insert(position, fence);
                assert_eq!(before, None, "{position} was done twice");
            }
        }
    }
}

/// Events in turn at both replicas; gives their subjects by their positions.
async fn append_all(replicas: &[Arc<Replica>; 2]) -> BTreeMap<Position, usize> {
    let mut subjects = BTreeMap::new();
    for number in 0..EVENTS {
        let subject = number % SUBJECTS;
        let event = json!({
            "specversion": "1.0", "id": number.to_string(), "source": "urn:test", "type": "com.example.made",
            "subject": subject.to_string(),
        });
        let event = NewEvent::from_json(event.to_string()).unwrap();
        let batch = Batch { events: vec![event], puts: Vec::new() };
        let committed = replicas[number % 2].backbone.commit(batch).await.unwrap();
        subjects.insert(committed.events[0].position, subject);
    }
    subjects
}

async fn given_up(replica: &Replica) -> BTreeMap<Position, u64> {
    let event_type = Some(TypeFilter::Exact("dev.watchgate.consumer.gave-up".to_owned()));
    let filter = EventFilter { event_type, limit: 1000, ..EventFilter::default() };
    let mut all = BTreeMap::new();
    for event in replica.backbone.query(filter).await.unwrap().events {
        let event: Value = serde_json::from_str(&event.json).unwrap();
        let data = &event["data"];
        let before = all.insert(data["position"].as_u64().unwrap(), data["deliveries"].as_u64().unwrap());
        assert_eq!(before, None, "{data} was given up twice");
    }
    all
}

/// Ends when every event is done or given up.
async fn play(replicas: [Arc<Replica>; 2], stage: &Stage, seed: u64) {
    let owner = Principal::new("urn:test", "at-once");
    let settings = json!({
        "filter": {"source": "urn:test"}, "ordered": true, "ack_wait_seconds": 12, "max_deliveries": MAX_DELIVERIES,
        "max_in_flight": 40,
    });
    let settings: Settings = serde_json::from_value(settings).unwrap();
    replicas[0].consumers.put(&owner, "jobs", settings).await.unwrap();
    let seen = Arc::new(Seen::default());
    let mut holding = JoinSet::new();
    for (replica, number) in replicas.iter().zip(0_u64..) {
        for holder in 0..HOLDERS_OF_EACH {
            let dice = Dice(seed * 1000 + number * HOLDERS_OF_EACH + holder);
            holding.spawn(hold(Arc::clone(replica), Arc::clone(&seen), owner.clone(), dice));
        }
    }
    let subjects = append_all(&replicas).await;
    let over = async {
        loop {
            // Time passes, and whoever is silent for a fifth of a second here has fallen silent.
            stage.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(15)).await;
            let given_up = given_up(&replicas[1]).await.len();
            let done = seen.done.lock().unwrap().len();
            if done + given_up >= EVENTS || holding.is_empty() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), over).await.expect("it never ends");
    seen.is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = holding.join_next().await {
        ended.unwrap();
    }
    judge(&replicas, &seen, &subjects, seed).await;
    assert_eq!(replicas[0].consumers.find(&owner, "jobs").await.unwrap().record.in_flight.len(), 0, "seed {seed}");
}

async fn judge(replicas: &[Arc<Replica>; 2], seen: &Seen, subjects: &BTreeMap<Position, usize>, seed: u64) {
    let (done, attempts) = (seen.done.lock().unwrap().clone(), seen.attempts.lock().unwrap().clone());
    let given_up = given_up(&replicas[0]).await;
    let all: BTreeMap<_, _> = done.keys().chain(given_up.keys()).map(|position| (*position, ())).collect();
    assert_eq!(all.len(), EVENTS, "seed {seed}");
    assert_eq!(done.len() + given_up.len(), EVENTS, "some were done and given up, seed {seed}");
    for (position, attempts) in &attempts {
        let numbers: Vec<_> = attempts.keys().copied().collect();
        assert_eq!(numbers, (1..=numbers.last().copied().unwrap()).collect::<Vec<_>>(), "{position}, seed {seed}");
        assert!(attempts.values().is_sorted_by(|one, next| one < next), "fences of {position}, seed {seed}");
        if let Some(fence) = done.get(position) {
            assert_eq!(attempts.values().last(), Some(fence), "{position} was done by a stale holder, seed {seed}");
        }
    }
    assert!(given_up.values().all(|deliveries| *deliveries == u64::from(MAX_DELIVERIES)), "{given_up:?}, seed {seed}");
    for subject in 0..SUBJECTS {
        let mut last = 0;
        for (position, _) in subjects.iter().filter(|(_, of)| **of == subject) {
            let fences: Vec<_> = attempts[position].values().copied().collect();
            assert!(fences.first() > Some(&last), "two of subject {subject} at once, seed {seed}");
            last = fences.last().copied().unwrap();
        }
    }
    let conflicts: usize = replicas.iter().map(|replica| replica.backbone.conflicts.load(Ordering::Relaxed)).sum();
    println!("seed {seed}: {} done, {} given up, {conflicts} conflicts", done.len(), given_up.len());
    assert!(conflicts > 0, "the replicas never met, seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_file_two_replicas_at_once_hand_out_every_event_until_it_is_done_once() {
    for seed in seeds(1) {
        let stage = Stage::new();
        let store = || replica(Arc::clone(&stage.state.backbone), &stage);
        play([store(), store()], &stage, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_log_two_replicas_at_once_hand_out_every_event_until_it_is_done_once() {
    let server = NatsServer::start(&NatsOptions::default()).unwrap();
    for seed in seeds(1) {
        let (stage, stream) = (Stage::new(), format!("AT-ONCE-{seed}"));
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let one = join(&server, &stream, folders[0].path(), stage.clock.clone()).await;
        let other = join(&server, &stream, folders[1].path(), stage.clock.clone()).await;
        play([replica(one, &stage), replica(other, &stage)], &stage, seed).await;
    }
}
