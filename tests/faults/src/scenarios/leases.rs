//! Holders of one consumer that die with what they were handed, over HTTP through the gateway: some in the middle of a word, some fall
//! silent and speak when others have it, and the service itself is killed while leases are out. Every event goes on from hand to hand
//! until somebody has said that it is done.

mod holder;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use watchgate_tests::client::{expect_json, status};
use watchgate_tests::replicas::two_replicas;
use watchgate_tests::{Stage, StageOptions};

use super::agree;
use super::door::Door;
use super::posting::{Pace, Posting, SOURCE, caller};
use crate::dice::Dice;
use crate::journal::Line;
use crate::judge::{Left, judge, judge_leases};
use crate::lease::{ACK_WAIT, Lease, LeaseLine};
use crate::report::Report;
use holder::{Fate, Holder};

const CONSUMER: &str = "/v1/consumers/leases";

/// Each posts to a subject of its own; what a dead holder had holds up its subject alone.
const CLIENTS: u32 = 16;

/// Between two posts of one client.
const PAUSE: Duration = Duration::from_millis(100);

/// At work at the same time.
const HOLDERS: usize = 4;

const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn embedded(kills: u32, dice: &mut Dice) -> Result<Report> {
    let stage = Stage::start(StageOptions::default()).await?;
    play(&stage, 1, kills, dice).await
}

pub(super) async fn replicas(kills: u32, dice: &mut Dice) -> Result<Report> {
    let stage = two_replicas().await?;
    play(&stage, 2, kills, dice).await
}

async fn play(stage: &Stage, replicas: usize, kills: u32, dice: &mut Dice) -> Result<Report> {
    let mut shift = Shift::begin(stage, replicas, dice).await?;
    for _ in 0..kills {
        sleep(Duration::from_millis(dice.below(200))).await;
        shift.kill_one(dice).await?;
        let silent = shift.silence_one(dice).await?;
        let victim = usize::try_from(dice.below(replicas as u64))?;
        stage.kill_replica(victim)?;
        sleep(Duration::from_millis(dice.below(200))).await;
        stage.restart_replica(victim).await?;
        shift.speak_late(silent).await?;
    }
    // Nobody ever hears of these again before all is done.
    let silent = shift.silence_one(dice).await?;
    shift.posting.end().await?;
    shift.until_done().await?;
    shift.end().await?;
    silent.holder.acknowledge(&silent.leases).await?;
    shift.posting.witness.read()?;
    let process = if replicas > 1 { "one of two replicas" } else { "`watchgate serve`" };
    let injected = format!(
        "{kills} SIGKILLs to {process} while leases were out, {kills} holders ended in the middle, {} fallen silent",
        kills + 1
    );
    shift.judged(injected).await
}

/// A holder at work.
struct AtWork {
    holder: Holder,
    fate: watch::Sender<Fate>,
    task: JoinHandle<Result<Vec<Lease>>>,
}

/// One that has fallen silent, and what it holds.
struct Silent {
    holder: Holder,
    leases: Vec<Lease>,
}

/// Clients that post, and holders that work on what they post.
struct Shift {
    posting: Posting,
    door: Door,
    at_work: Vec<AtWork>,
    next_number: u32,
    begun: Instant,
}

impl Shift {
    async fn begin(stage: &Stage, replicas: usize, dice: &mut Dice) -> Result<Self> {
        let door = Door { caller: caller(stage, "worker", "events:consume")?, replicas };
        let settings = json!({
            "filter": {"source": SOURCE}, "begin": {"after": 0}, "ordered": true, "ack_wait_seconds": ACK_WAIT.as_secs(),
            "max_deliveries": 100,
        });
        let made = status(door.by(0, door.caller.request(Method::PUT, CONSUMER).json(&settings))).await?;
        ensure!(made == 201, "the consumer was not made: {made}");
        let posting = Posting::begin(stage, Pace::of(CLIENTS, PAUSE), &Arc::default())?;
        let mut shift = Self { posting, door, at_work: Vec::new(), next_number: 0, begun: Instant::now() };
        while shift.at_work.len() < HOLDERS {
            shift.hire(dice);
        }
        Ok(shift)
    }

    fn hire(&mut self, dice: &mut Dice) {
        let (number, journal) = (self.next_number, Arc::clone(&self.posting.journal));
        self.next_number += 1;
        let holder = Holder { number, door: self.door.clone(), journal, begun: self.begun };
        let (fate, told) = watch::channel(Fate::Work);
        let task = tokio::spawn(holder.clone().hold(told, Dice::seeded(dice.below(1 << 32))));
        self.at_work.push(AtWork { holder, fate, task });
    }

    /// Somebody else takes the place of the one who leaves.
    fn replace_one(&mut self, dice: &mut Dice) -> Result<AtWork> {
        let leaving = usize::try_from(dice.below(self.at_work.len() as u64))?;
        let leaving = self.at_work.swap_remove(leaving);
        self.hire(dice);
        Ok(leaving)
    }

    /// Ends a holder wherever it is: before it is answered, after it, with something in its hands or not.
    async fn kill_one(&mut self, dice: &mut Dice) -> Result<()> {
        let killed = self.replace_one(dice)?;
        killed.task.abort();
        match killed.task.await {
            Err(error) if error.is_cancelled() => {}
            ended => bail!("a holder ended by itself: {ended:?}"),
        }
        self.posting.journal.put_down(&Line::Lease(killed.holder.number, LeaseLine::Killed));
        Ok(())
    }

    /// Has a holder keep the next events that it is handed, and waits until it has some.
    async fn silence_one(&mut self, dice: &mut Dice) -> Result<Silent> {
        let AtWork { holder, fate, task } = self.replace_one(dice)?;
        fate.send_replace(Fate::Silence);
        let leases = tokio::time::timeout(PATIENCE, task).await.context("nobody was handed anything")???;
        ensure!(!leases.is_empty(), "a holder ended with nothing");
        Ok(Silent { holder, leases })
    }

    /// Speaks for the silent one as soon as others were handed all that it holds.
    async fn speak_late(&mut self, Silent { holder, leases }: Silent) -> Result<()> {
        let begun = Instant::now();
        loop {
            self.posting.witness.read()?;
            if leases.iter().all(|lease| self.posting.witness.is_overtaken(*lease)) {
                return holder.acknowledge(&leases).await;
            }
            if begun.elapsed() > PATIENCE {
                bail!("what a silent one held was handed to nobody: {leases:?}");
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn until_done(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let left = self.left(0).await?;
            if left == Left::default() {
                return Ok(());
            }
            // The judge says what is wrong with it.
            if begun.elapsed() > PATIENCE {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn left(&self, replica: usize) -> Result<Left> {
        let told = expect_json(200, self.door.by(replica, self.door.caller.get(CONSUMER))).await?;
        let number = |name| told.get(name).and_then(Value::as_u64).with_context(|| format!("no {name}: {told}"));
        Ok(Left { held: number("held")?, waiting: number("waiting")?, lag: number("lag")? })
    }

    /// Lets all who are at work end what they are at.
    async fn end(&mut self) -> Result<()> {
        for AtWork { fate, .. } in &self.at_work {
            fate.send_replace(Fate::End);
        }
        for AtWork { task, .. } in self.at_work.drain(..) {
            task.await??;
        }
        Ok(())
    }

    /// What every replica knows, held against the journal.
    async fn judged(&self, injected: String) -> Result<Report> {
        let (door, witness) = (&self.door, &self.posting.witness);
        let first = self.posting.stored(|request| door.by(0, request)).await?;
        let mut verdict = judge(&first, witness)?;
        judge_leases(&first, witness, self.left(0).await?, &mut verdict)?;
        verdict.replicas = door.replicas as u64;
        for replica in 1..door.replicas {
            let other = self.posting.stored(|request| door.by(replica, request)).await?;
            agree(&first, &other, replica, &mut verdict);
            let left = self.left(replica).await?;
            if left != Left::default() {
                verdict.violate(format!("replica {replica} knows of something that is left: {left:?}"));
            }
        }
        let notes = vec![format!("{} posts had no answer, and were offered again", witness.unknown)];
        Ok(Report { injected, verdict, notes })
    }
}
