//! A wall clock that is set by an hour, forward and back, under load.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::settle;
use crate::crew::Crew;
use crate::report::Report;

const EVERY: Duration = Duration::from_millis(150);
const FOR: Duration = Duration::from_secs(6);

pub(super) async fn stepped() -> Result<Report> {
    let mut crew = Crew::new(1, None)?;
    crew.way.more = vec!["--clock-step-millis".to_owned(), EVERY.as_millis().to_string()];
    // What was offered before a start is offered again after it, by a clock that is right again.
    for _ in 0..2 {
        crew.start(0).await?;
        sleep(FOR / 2).await;
        crew.kill(0)?;
    }
    let verdict = settle(&mut crew).await?;
    let steps = FOR.as_millis() / EVERY.as_millis();
    Ok(Report {
        injected: format!("{steps} steps of the clock by an hour, forward and back"),
        verdict,
        notes: Vec::new(),
    })
}
