//! Commands while the service is killed: people ask, decide and call off, services lease, give signs of life, write, report, die and fall
//! silent. In the end each command has ended once, as everybody was told.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

mod cast;
pub(super) mod crowd;
mod holders;
pub(super) mod library;
mod people;
pub(super) mod runbooks;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;
use watchgate_tests::replicas::two_replicas_with;
use watchgate_tests::{Stage, StageOptions};

use crate::dice::Dice;
use crate::report::Report;
pub(super) use cast::{Cast, Library};
use crowd::Crowd;
use runbooks::{RIGHTS, RUNBOOKS};

/// Between two kills at most.
const GAP_MILLIS: u64 = 1500;

/// A killed service is away for so long at most, beside the time that its start takes.
const AWAY_MILLIS: u64 = 400;

/// In the long form the service is left alone after so many kills, for longer than a lease lasts.
const ALONE_AFTER: u32 = 10;
const ALONE: Duration = Duration::from_secs(33);

/// How often the service is killed, and whether services may die of what takes a minute to be tried again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) kills: u32,
    pub(super) is_long: bool,
}

pub(super) async fn embedded(plan: Plan, dice: &mut Dice) -> Result<Report> {
    let folder = runbook_folder()?;
    let stage = Stage::start(options(&folder)).await?;
    play(&stage, 1, plan, dice).await
}

pub(super) async fn replicas(plan: Plan, dice: &mut Dice) -> Result<Report> {
    let folder = runbook_folder()?;
    let stage = two_replicas_with(options(&folder)).await?;
    play(&stage, 2, plan, dice).await
}

/// A stage whose service has the play's runbooks.
pub(super) fn options(runbooks: &tempfile::TempDir) -> StageOptions {
    StageOptions { runbooks: Some(runbooks.path().to_owned()), ..StageOptions::default() }
}

pub(super) fn runbook_folder() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for runbook in RUNBOOKS {
        fs::write(folder.path().join(format!("{}.yaml", runbook.terms.runbook)), runbook.text())?;
    }
    fs::write(folder.path().join("rights.yaml"), RIGHTS)?;
    Ok(folder)
}

async fn play(stage: &Stage, replicas: usize, plan: Plan, dice: &mut Dice) -> Result<Report> {
    let mut crowd = Crowd::begin(stage, Cast::of(replicas, plan.is_long), Arc::default(), dice)?;
    for kill in 1..=plan.kills {
        sleep(Duration::from_millis(dice.below(GAP_MILLIS))).await;
        let victim = usize::try_from(dice.below(replicas as u64))?;
        stage.kill_replica(victim)?;
        sleep(Duration::from_millis(dice.below(AWAY_MILLIS))).await;
        stage.restart_replica(victim).await?;
        if plan.is_long && kill % ALONE_AFTER == 0 {
            sleep(ALONE).await;
        }
        crowd.look().await?;
    }
    let process = if replicas > 1 { "one of two replicas" } else { "`watchgate serve`" };
    let injected =
        format!("{} SIGKILLs to {process} while commands were asked for, decided and carried out", plan.kills);
    let verdict = crowd.judged(&[]).await?.0;
    Ok(Report { injected, verdict, notes: Vec::new() })
}
