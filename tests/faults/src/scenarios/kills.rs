//! SIGKILL at moments that chance chooses: to the process with the embedded form, to replicas, to the NATS server.

use std::time::Duration;

use anyhow::Result;
use programs::nats::NatsOptions;
use tokio::time::sleep;

use super::{server, settle};
use crate::crew::Crew;
use crate::dice::Dice;
use crate::report::Report;
use crate::stand::Log;
use crate::verdict::Verdict;

/// All that is stored is looked at after so many kills.
const JUDGED_EVERY: u32 = 10;

pub(super) async fn worker(kills: u32, dice: &mut Dice) -> Result<Report> {
    let mut crew = Crew::new(1, None)?;
    let mut violations = Vec::new();
    for kill in 1..=kills {
        crew.start(0).await?;
        sleep(Duration::from_millis(dice.below(300))).await;
        crew.kill(0)?;
        if kill % JUDGED_EVERY == 0 {
            violations.extend(settle(&mut crew).await?.violations);
        }
    }
    let injected = format!("{kills} SIGKILLs to a process with the embedded form");
    close(crew, injected, violations).await
}

pub(super) async fn replica(kills: u32, dice: &mut Dice) -> Result<Report> {
    let log = Log::of(&server(&NatsOptions::default())?);
    let mut crew = Crew::new(2, Some(log))?;
    crew.start(0).await?;
    crew.start(1).await?;
    for kill in 0..kills {
        sleep(Duration::from_millis(dice.below(300))).await;
        let victim = usize::from(dice.below(2) == 1);
        crew.kill(victim)?;
        crew.start(victim).await?;
        if kill % JUDGED_EVERY == 0 {
            crew.acknowledge(20).await?;
        }
    }
    let injected = format!("{kills} SIGKILLs to one of two replicas while the other went on");
    close(crew, injected, Vec::new()).await
}

pub(super) async fn nats(kills: u32, dice: &mut Dice) -> Result<Report> {
    let server = server(&NatsOptions::default())?;
    let mut crew = Crew::new(2, Some(Log::of(&server)))?;
    crew.start(0).await?;
    crew.start(1).await?;
    for _ in 0..kills {
        sleep(Duration::from_millis(dice.below(300))).await;
        server.kill();
        // Sometimes long enough that every replica looks in vain, sometimes not.
        sleep(Duration::from_millis(if dice.below(4) == 0 { 1500 } else { dice.below(50) })).await;
        server.restart()?;
        crew.acknowledge(20).await?;
    }
    let injected = format!("{kills} SIGKILLs to the NATS server of two replicas");
    close(crew, injected, Vec::new()).await
}

async fn close(mut crew: Crew, injected: String, violations: Vec<String>) -> Result<Report> {
    let verdict = settle(&mut crew).await?;
    let verdict = Verdict { violations: [violations, verdict.violations].concat(), ..verdict };
    let notes = vec![format!(
        "{} answers promised nothing, {} conflicts; workers ended by themselves: {:?}",
        crew.witness.unknown, crew.witness.conflicts, crew.witness.ended
    )];
    Ok(Report { injected, verdict, notes })
}
