//! Commands at two replicas truly at the same time, on both forms of the backbone: services that die, fall silent, say everything
//! twice or too late, approvals that race, people who call off, replicas that start anew, and time that passes. What must hold is read
//! from the log in the end, because nobody sees the order in which answers were on their way.

mod judge;
mod people;
mod services;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use programs::nats::{NatsOptions, NatsServer};
use tokio::task::JoinSet;

use super::*;
use crate::backbone::Backbone;
use crate::clock::Clock;
use crate::runbooks::{FolderCatalogue, RunbookCatalogue};
use crate::testing::dice::{Dice, seeds};
use crate::testing::joined::join;

/// How many commands are asked for in one play; `WATCHGATE_MODEL_COMMANDS` says another number for a long run.
const COMMANDS: usize = 400;

const PEOPLE: usize = 4;
const SERVICES: [&str; 3] = ["mailer", "thumbnailer", "indexer"];
const HOLDERS_OF_EACH: usize = 2;

/// How much time passes with each turn of the clock.
const TURN: Duration = Duration::from_secs(1);

/// After the last request; the longest that anything here may take by its runbook, its lease and its approval.
const TURNS_AT_MOST: usize = 3 * 3600;

/// Each says something else about approvals, repetition and how many at once.
const RUNBOOKS: [(&str, &str); 5] = [
    ("look", "risk: read\napproval: {needed: false, not_requester: false}\ntimeout_seconds: 60\n"),
    (
        "restart",
        "risk: change\napproval: {needed: true, not_requester: true, quorum: 2, lifetime_seconds: 600}\ntimeout_seconds: 60\n",
    ),
    (
        "rebuild",
        "risk: change\napproval: {needed: false, not_requester: false}\ntimeout_seconds: 40\nidempotent: true\n\
         retry: {retry: 2, backoffPolicy: linear, backoffDelay: PT5S}\n",
    ),
    (
        "migrate",
        "risk: change\napproval: {needed: false, not_requester: false}\ntimeout_seconds: 60\nconcurrency: {per_runbook: 2}\n",
    ),
    (
        "deploy",
        "risk: change\napproval: {needed: true, not_requester: false, lifetime_seconds: 600}\ntimeout_seconds: 60\nconcurrency: {per_target: 1}\n",
    ),
];

const PARAMETERS: &str = "parameters:\n  type: object\n  additionalProperties: false\n  required: [service]\n  properties:\n    \
    service: {type: string, enum: [mailer, thumbnailer, indexer]}\n    number: {type: integer}\n";

const RIGHTS: &str = "rules:\n  - name: everybody\n    allow: [run, dry_run, approve, cancel]\n";

fn catalogue() -> FolderCatalogue {
    let folder = tempfile::tempdir().unwrap();
    for (name, terms) in RUNBOOKS {
        let text = format!(
            "name: {name}\ntitle: Do it\ndescription: It is done.\ntarget: {{service_from: service}}\n{terms}{PARAMETERS}"
        );
        std::fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    std::fs::write(folder.path().join("rights.yaml"), RIGHTS).unwrap();
    FolderCatalogue::load(folder.path()).unwrap()
}

/// A replica, which hears of what the other one schedules.
struct Replica {
    stage: Stage,
    hearing: tokio::task::JoinHandle<()>,
}

impl Replica {
    fn new(root: &Stage, backbone: &Arc<dyn Backbone>) -> Arc<Self> {
        let stage = root.replica_over(Arc::clone(backbone)).with_runbooks(catalogue());
        let commands = Arc::clone(&stage.state.commands);
        Arc::new(Self { stage, hearing: tokio::spawn(async move { commands.announce_for_ever().await }) })
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.hearing.abort();
    }
}

impl std::ops::Deref for Replica {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

/// What all tasks of one play know.
struct Play {
    /// A replica is replaced when it starts anew; who is in the middle of a request there ends it there.
    replicas: [Mutex<Arc<Replica>>; 2],
    /// Every command that was answered, by its identifier: what it calls.
    asked: Mutex<BTreeMap<String, Value>>,
    counts: Counts,
    is_over: AtomicBool,
    seed: u64,
}

#[derive(Default)]
struct Counts {
    died: AtomicUsize,
    doubled: AtomicUsize,
    late: AtomicUsize,
    slow: AtomicUsize,
    raced: AtomicUsize,
    called_off: AtomicUsize,
    restarts: AtomicUsize,
}

impl Play {
    fn stage(&self, which: u64) -> Arc<Replica> {
        let replica = self.replicas.iter().cycle().nth(usize::try_from(which % 2).unwrap()).unwrap();
        Arc::clone(&replica.lock().unwrap())
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn commands_to_ask() -> usize {
    std::env::var("WATCHGATE_MODEL_COMMANDS").ok().and_then(|count| count.parse().ok()).unwrap_or(COMMANDS)
}

async fn play(backbones: [Arc<dyn Backbone>; 2], root: &Stage, seed: u64) {
    let replica = |which: usize| Replica::new(root, &backbones[which]);
    let play = Arc::new(Play {
        replicas: [Mutex::new(replica(0)), Mutex::new(replica(1))],
        asked: Mutex::default(),
        counts: Counts::default(),
        is_over: AtomicBool::new(false),
        seed,
    });
    let (mut asking, mut serving) = (JoinSet::new(), JoinSet::new());
    let commands = commands_to_ask();
    for person in 0..PEOPLE {
        asking.spawn(people::ask(Arc::clone(&play), person, commands / PEOPLE, Dice(seed * 1000 + person as u64)));
    }
    serving.spawn(people::decide(Arc::clone(&play), Dice(seed * 1000 + 100)));
    for (number, service) in SERVICES.iter().enumerate() {
        for holder in 0..HOLDERS_OF_EACH {
            let dice = Dice(seed * 1000 + 200 + (number * HOLDERS_OF_EACH + holder) as u64);
            serving.spawn(services::serve(Arc::clone(&play), service, dice));
        }
    }
    let mut dice = Dice(seed * 1000 + 500);
    let mut turns = 0;
    loop {
        root.clock.advance(TURN);
        tokio::time::sleep(Duration::from_millis(8)).await;
        let which = usize::try_from(dice.below(2)).unwrap();
        play.stage(which as u64).state.commands.sweep().await.unwrap();
        if dice.below(25) == 0 {
            *play.replicas[which].lock().unwrap() = replica(which);
            count(&play.counts.restarts);
        }
        while let Some(ended) = serving.try_join_next() {
            ended.unwrap();
        }
        if asking.is_empty() {
            turns += 1;
            assert!(turns < TURNS_AT_MOST, "it never ends, seed {seed}");
            if turns % 20 == 0 && play.stage(0).state.backbone.list("commands.open", None, 1).await.unwrap().is_empty()
            {
                break;
            }
        }
        while let Some(ended) = asking.try_join_next() {
            ended.unwrap();
        }
    }
    play.is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = serving.join_next().await {
        ended.unwrap();
    }
    judge::judge(&play, &catalogue()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_file_every_command_ends_once_whatever_happens_to_services_people_and_replicas() {
    for seed in seeds(1) {
        let root = Stage::new();
        let store = || Arc::clone(&root.state.backbone);
        play([store(), store()], &root, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_log_every_command_ends_once_whatever_happens_to_services_people_and_replicas() {
    let server = NatsServer::start(&NatsOptions::default()).unwrap();
    for seed in seeds(1) {
        let root = Stage::new();
        // What expires there does so by the server's clock.
        root.clock.step(time::OffsetDateTime::now_utc() - root.clock.now());
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let stream = format!("COMMANDS-{seed}");
        let one = join(&server, &stream, folders[0].path(), root.clock.clone()).await;
        let other = join(&server, &stream, folders[1].path(), root.clock.clone()).await;
        play([one, other], &root, seed).await;
    }
}
