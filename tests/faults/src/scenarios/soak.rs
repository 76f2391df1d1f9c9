//! Everything at once for as long as you like, as clients and services do it: events, tails, questions, commands and long polls through
//! Traefik and the gate, at two replicas on NATS. Meanwhile somebody kills and stops what it stands on, and updates both replicas.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

mod agents;
mod askers;
mod found;
mod processes;
mod schedule;
mod tails;
mod told;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::{Instant, sleep, sleep_until};
use watchgate_tests::replicas::{at, two_replicas_with};
use watchgate_tests::{Stage, StageOptions};

use super::agree;
use super::commands::crowd::Crowd;
use super::commands::{Cast, Library, options as stage_options, runbook_folder};
use super::posting::{Pace, Posting, writer};
use crate::dice::Dice;
use crate::judge::judge;
use crate::options::Soak;
use crate::times::{Phase, Times};
use agents::Processes;
pub(crate) use agents::agents;
use askers::Askers;
use found::Found;
use processes::Watch;
use schedule::{Step, schedule};
use tails::Tails;

/// How long a replica still answers when it is updated, as the pod that is shipped says it.
const DRAIN: Duration = Duration::from_secs(5);

/// From one replica's update to the next: Traefik asks each second whether a replica is ready.
const BETWEEN: Duration = Duration::from_secs(3);

/// How long NATS and a killed replica are away.
const AWAY: Duration = Duration::from_secs(3);

/// What is still said to be a fault's or an update's after it is over.
const AFTERMATH: Duration = Duration::from_secs(3);

/// What an honest client waits before it asks again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// How many clients post, one event after the other: enough that slow answers do not keep them from their timetable.
const WRITERS: u32 = 40;

/// Plays it, prints what was found, and writes the figures.
pub(crate) fn soak(plan: &Soak) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let found = runtime.block_on(play(plan))?;
    found.print();
    found.write(&plan.out())?;
    Ok(if found.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn play(plan: &Soak) -> Result<Found> {
    let runbooks = runbook_folder()?;
    let stage = two_replicas_with(StageOptions { drain: DRAIN, ..stage_options(&runbooks) }).await?;
    let played = Load::begin(&stage, plan).await;
    match played {
        Ok(load) => load.play(plan).await.with_context(|| stage.log_tails()),
        Err(error) => Err(error).with_context(|| stage.log_tails()),
    }
}

/// Everybody at once.
struct Load<'a> {
    stage: &'a Stage,
    times: Arc<Times>,
    watch: Watch,
    agents: Processes,
    tails: Tails,
    crowd: Crowd,
    askers: Askers,
    posting: Posting,
    dice: Dice,
    begun: Instant,
}

impl<'a> Load<'a> {
    async fn begin(stage: &'a Stage, plan: &Soak) -> Result<Load<'a>> {
        let times = Arc::<Times>::default();
        let mut dice = Dice::seeded(plan.seed);
        let agents = Processes::start(stage, plan.polls())?;
        // Before the first event, so that each sees all of its writer's.
        let tails = Tails::open(stage, plan.tails(), WRITERS, &times).await?;
        let cast = Cast {
            in_turn: 0,
            requesters: if plan.short { 2 } else { 4 },
            pause_millis: 4_000,
            look_every: Duration::from_millis(500),
            again_after: AGAIN_AFTER,
            by_library_of_hundred: 80,
            library: Library::Elsewhere,
            ..Cast::of(2, !plan.short)
        };
        let crowd = Crowd::begin(stage, cast, Arc::clone(&times), &mut dice)?;
        let askers = Askers::begin(stage, if plan.short { 1 } else { 2 }, &times)?;
        let every = Duration::from_secs(1) * WRITERS / plan.events();
        let pace = Pace { clients: WRITERS, every, again_after: AGAIN_AFTER };
        let posting = Posting::begin(stage, pace, &times)?;
        let watch = Watch::begin();
        Ok(Self { stage, times, watch, agents, tails, crowd, askers, posting, dice, begun: Instant::now() })
    }

    async fn play(mut self, plan: &Soak) -> Result<Found> {
        let lasts = plan.lasts();
        let steps = schedule(lasts);
        told::say_what_comes(plan, &steps)?;
        let mut done = Vec::new();
        let mut calm = Phase::Before;
        self.until(lasts.mul_f64(schedule::WARM_UP)).await?;
        self.times.enter(calm, now());
        for (due, step) in steps {
            self.until(due).await?;
            let is_update = step == Step::Update;
            self.times.enter(if is_update { Phase::Update } else { Phase::Faults }, now());
            let from = self.begun.elapsed();
            self.inject(step).await.with_context(|| format!("{step}"))?;
            let took = self.begun.elapsed() - from;
            told::say_what_was_done(step, from, took)?;
            done.push((step, from, took));
            if is_update {
                (calm, self.watch.updated) = (Phase::After, Some(self.begun.elapsed()));
            }
            self.until(self.begun.elapsed() + AFTERMATH).await?;
            self.times.enter(calm, now());
        }
        self.until(lasts).await?;
        // What comes to its end now has less company.
        self.times.enter(Phase::WarmUp, now());
        self.end(plan, done).await
    }

    /// Looks at everybody until then.
    async fn until(&mut self, then: Duration) -> Result<()> {
        while self.begun.elapsed() < then {
            self.crowd.look().await?;
            self.askers.look().await?;
            if let Some(ended) = self.stage.ended() {
                anyhow::bail!("{ended}");
            }
            self.watch.look(self.stage, &self.agents, self.begun.elapsed())?;
            sleep_until((self.begun + then).min(Instant::now() + processes::EVERY)).await;
        }
        Ok(())
    }

    async fn inject(&mut self, step: Step) -> Result<()> {
        let nats = self.stage.nats()?;
        match step {
            Step::KillReplica(replica) => {
                self.stage.kill_replica(replica)?;
                sleep(AWAY).await;
                self.stage.restart_replica(replica).await
            }
            Step::StopNats => {
                tokio::task::block_in_place(|| nats.stop());
                sleep(AWAY).await;
                tokio::task::block_in_place(|| nats.restart())
            }
            Step::KillNats => {
                nats.kill();
                tokio::task::block_in_place(|| nats.restart())
            }
            Step::PauseNats => {
                nats.pause();
                sleep(AWAY).await;
                nats.resume();
                Ok(())
            }
            Step::Rewrite(number) => schedule::rewrite(self.stage, number).await,
            Step::KillAgents => self.agents.kill_at_work(self.stage, &mut self.dice).await,
            Step::Update => {
                for replica in [0, 1] {
                    tokio::task::block_in_place(|| self.stage.stop_replica(replica))?;
                    self.stage.restart_replica(replica).await?;
                    sleep(BETWEEN).await;
                }
                Ok(())
            }
        }
    }

    /// Lets everybody have their last answer, and judges.
    async fn end(mut self, plan: &Soak, done: Vec<(Step, Duration, Duration)>) -> Result<Found> {
        let load_lasted = self.begun.elapsed();
        self.posting.end().await?;
        let ends: BTreeMap<u32, u64> =
            (0..WRITERS).map(writer).map(|writer| (writer, self.posting.witness.next_of(writer))).collect();
        let followed = self.tails.end(ends).await;
        let asked = self.askers.end().await?;
        let first = self.posting.stored(|request| at(0, request)).await?;
        let other = self.posting.stored(|request| at(1, request)).await?;
        let mut events = judge(&first, &self.posting.witness)?;
        events.replicas = 2;
        agree(&first, &other, 1, &mut events);
        // Agents are needed until each command has come to its end.
        let lines = self.agents.begun_lines();
        let (commands, told) = self.crowd.judged(&lines).await?;
        let agents = self.agents.end(&told, &self.times)?;
        told::note_hand_outs(&told, &self.times)?;
        let processes = self.watch.end(load_lasted);
        Found::of(
            plan,
            &self.times,
            found::Parts { done, load_lasted, events, followed, asked, commands, agents, processes },
        )
    }
}

/// By the clock of the wall, as events say it.
fn now() -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc()
}
