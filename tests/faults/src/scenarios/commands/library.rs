//! Commands that `service-agent` carries out. Its handler knows of no lease and no kill; what it returns, the library tells.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use service_agent::{Agent, Command, Outcome, Progress};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::dice::Dice;
use crate::ledger::{End, Lease, Line};

const WORK_MILLIS: u64 = 300;

/// Where handlers put down what they do.
pub(in crate::scenarios) type Book = Arc<dyn Fn(Line) + Send + Sync>;

/// Carries out until it is over.
pub(in crate::scenarios) async fn serve(agent: Agent, book: Book, mut over: watch::Receiver<bool>) -> Result<()> {
    let handler = |command: Command, progress: Progress| carry_out(Arc::clone(&book), command, progress);
    agent.run(handler, async move { drop(over.wait_for(|is_over| *is_over).await) }).await;
    Ok(())
}

async fn carry_out(book: Book, command: Command, progress: Progress) -> Outcome {
    let lease = Lease { id: command.id.clone(), fence: command.fence };
    book(Line::Begun { lease: lease.clone() });
    let end = match work(&command, &progress).await {
        Ok(end) => end,
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    };
    book(Line::Ended { lease: lease.clone(), end });
    match end {
        End::Succeeded => Outcome::Succeeded(json!({"word": lease.word()})),
        End::Failed => Outcome::Failed(lease.word()),
        End::Canceled => Outcome::Canceled(lease.word()),
    }
}

async fn work(command: &Command, progress: &Progress) -> Result<End> {
    let number = command.parameters["number"].as_u64().context("a command without a number")?;
    let mut dice = Dice::seeded(number * 100 + u64::from(command.attempt));
    progress.output("begun\n");
    tokio::select! {
        () = sleep(Duration::from_millis(dice.below(WORK_MILLIS))) => {}
        () = progress.stop_asked() => return Ok(End::Canceled),
    }
    progress.report(50, "half way");
    if dice.below(4) == 0 {
        progress.verifying();
        sleep(Duration::from_millis(dice.below(WORK_MILLIS))).await;
    }
    if dice.below(5) > 0 {
        return Ok(End::Succeeded);
    }
    if dice.below(2) == 0 {
        progress.rolling_back();
        sleep(Duration::from_millis(dice.below(WORK_MILLIS))).await;
    }
    Ok(End::Failed)
}
