//! A revoked token passes no gate, cached or not; and when nobody keeps the trust directory any more, no token does.

use std::time::Duration;

use anyhow::{Result, ensure};
use watchgate_tests::client::status;
use watchgate_tests::revocation::{KeptStage, delay, median_and_worst};
use watchgate_tests::wait::until;

/// The figure is `make bench-revocation`'s; here something is wrong, not slow.
const WRONG: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_refused_on_every_connection_soon_after() -> Result<()> {
    let kept = KeptStage::start().await?;
    kept.stage
        .play(async |stage| {
            let mut delays = Vec::new();
            for round in 0..5 {
                delays.push(delay(stage, &format!("caller-{round}"), 8).await?);
            }
            let worst = median_and_worst(delays.clone()).map(|(_, worst)| worst);
            ensure!(worst.is_some_and(|worst| worst < WRONG), "revocations took {delays:?}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn without_a_keeper_no_token_passes_and_with_it_again_they_do() -> Result<()> {
    let mut kept = KeptStage::start().await?;
    let caller = kept.stage.caller("ada", "events:read")?;
    kept.keeper.kill();
    until("no token passes", Duration::from_secs(30), async || {
        Ok((status(caller.get("/echo")).await? == 503).then_some(()))
    })
    .await?;
    ensure!(status(kept.stage.stranger()?.get("/healthz")).await? == 200, "a public route needs a keeper");
    let _again = kept.stage.watchgate("keeper", &watchgate_tests::revocation::keeper_config(&kept.stage))?;
    until("tokens pass again", Duration::from_secs(30), async || {
        Ok((status(caller.get("/echo")).await? == 200).then_some(()))
    })
    .await
}
