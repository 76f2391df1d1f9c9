//! The whole service behind Traefik, killed again and again while many clients post over HTTP: what was answered 202 is there, once,
//! and each client's events are in its order.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;
use watchgate_tests::{Stage, StageOptions};

use super::posting::{AGAIN_AFTER, Pace, Posting};
use crate::dice::Dice;
use crate::judge::judge;
use crate::report::Report;

const CLIENTS: u32 = 8;

pub(super) async fn killed(kills: u32, dice: &mut Dice) -> Result<Report> {
    let stage = Stage::start(StageOptions::default()).await?;
    let mut posting = Posting::begin(&stage, Pace::of(CLIENTS, Duration::ZERO), &Arc::default())?;
    for _ in 0..kills {
        sleep(Duration::from_millis(100 + dice.below(400))).await;
        stage.kill_service();
        sleep(AGAIN_AFTER).await;
        stage.restart_service().await?;
    }
    sleep(Duration::from_millis(300)).await;
    posting.end().await?;
    let stored = posting.stored(|request| request).await?;
    let verdict = judge(&stored, &posting.witness)?;
    let notes = vec![format!("{} posts had no answer, and were offered again", posting.witness.unknown)];
    Ok(Report { injected: format!("{kills} SIGKILLs to `watchgate serve` behind Traefik"), verdict, notes })
}
