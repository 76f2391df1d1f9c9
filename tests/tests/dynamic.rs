//! Files appear in the watched directory, change and go, and the routes with them; nothing is restarted.

use std::time::Duration;

use anyhow::{Result, ensure};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::{Caller, expect_json, status};
use watchgate_tests::wait::until;
use watchgate_tests::{BackEnd, Stage, StageOptions, second_service};

async fn stage() -> Result<Stage> {
    let back_end = BackEnd::DropIn(EchoBackEnd::start("first")?.url());
    Stage::start(StageOptions { back_end, ..StageOptions::default() }).await
}

async fn answers(caller: &Caller, path: &str, expected: u16) -> Result<()> {
    until(&format!("{path} answers {expected}"), Duration::from_secs(15), async || {
        Ok((status(caller.get(path)).await? == expected).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_file_brings_a_route_changes_it_and_takes_it_away() -> Result<()> {
    let stage = stage().await?;
    stage
        .play(async |stage| {
            let caller = stage.caller("ana", "reports:read")?;
            ensure!(status(caller.get("/reports")).await? == 403, "reached before there was a route");

            let reports = EchoBackEnd::start("reports")?;
            stage.write_dynamic("reports.yml", &second_service::reports(&reports.url())?)?;
            answers(&caller, "/reports", 200).await?;
            let received = expect_json(200, caller.get("/reports")).await?;
            ensure!(received["back_end"] == "reports", "{received}");
            ensure!(status(stage.stranger()?.get("/reports")).await? == 401, "no token was needed");
            let unscoped = stage.caller("ben", "events:read")?;
            ensure!(status(unscoped.get("/reports")).await? == 403, "no scope was needed");

            let moved = EchoBackEnd::start("moved")?;
            stage.write_dynamic("reports.yml", &second_service::reports(&moved.url())?)?;
            until("the new back end answers", Duration::from_secs(15), async || {
                let received = expect_json(200, caller.get("/reports")).await?;
                Ok((received["back_end"] == "moved").then_some(()))
            })
            .await?;

            stage.remove_dynamic("reports.yml")?;
            answers(&caller, "/reports", 403).await?;
            ensure!(stage.ended().is_none(), "something was restarted");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_broken_file_leaves_what_is_there_and_a_mended_one_counts() -> Result<()> {
    let stage = stage().await?;
    stage
        .play(async |stage| {
            let caller = stage.caller("ana", "reports:read")?;
            let reports = EchoBackEnd::start("reports")?;
            stage.write_dynamic("reports.yml", "http: {routers: [this is no router")?;
            let said = until("Traefik speaks of the broken file", Duration::from_secs(15), async || {
                Ok(stage.traefik_log().contains("reports.yml").then_some(()))
            });
            said.await?;
            ensure!(status(stage.stranger()?.get("/healthz")).await? == 200, "the other routes are gone");
            ensure!(status(stage.stranger()?.get("/v1/events")).await? == 401, "the other routes are open");
            stage.write_dynamic("reports.yml", &second_service::reports(&reports.url())?)?;
            answers(&caller, "/reports", 200).await
        })
        .await
}
