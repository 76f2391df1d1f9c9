//! The runner with a rootless Podman, through the real gate: what approved commands do to containers, and what is left of them
//! when a process is killed in the middle. `scripts/with-podman.sh` makes the Podman, its user and its containers.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::Companion;
use watchgate_tests::podman;
use watchgate_tests::runner::Runner;
use watchgate_tests::wait::until;

const IMAGES: &str = "localhost/watchgate-test";

fn runbook(name: &str, step: &str, parameters: &str) -> (String, String) {
    let text = format!(
        "name: {name}
title: Plays {name}
description: A container on this host.
target: {{service: runner}}
risk: change
approval: {{needed: true, not_requester: true}}
timeout_seconds: 120
parameters:
  type: object
  additionalProperties: false
  required: [what]
  properties: {{what: {{type: {parameters}}}}}
steps:
  - name: act
    podman: {step}
"
    );
    (name.to_owned(), text)
}

fn roll(container: &str) -> (String, String) {
    let step = format!("{{roll: {{container: {container}, image: {{parameter: what}}, healthy_within_seconds: 60}}}}");
    runbook(&format!("roll-{container}"), &step, "string")
}

/// A stage with these runbooks, whose runner is the user to whom Podman belongs.
async fn start(runbooks: &[(String, String)]) -> Result<Runner> {
    let runbooks: Vec<_> = runbooks.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    Runner::start(tempfile::tempdir()?, &runbooks, vec![("--podman-socket", podman::socket()?)])
        .await?
        .run_as(podman::user()?)
}

/// Asks for a command that somebody else approves.
async fn ask(runner: &Runner, runbook: &str, what: Value) -> Result<Value> {
    let asked = runner.ask(runbook, json!({"what": what}), false).await?;
    runner.approve(&asked).await?;
    Ok(asked)
}

async fn done(runner: &Runner, runbook: &str, what: Value, process: &Companion) -> Result<Value> {
    let asked = ask(runner, runbook, what).await?;
    runner.ended(&asked, process).await
}

/// Name, image and state of the containers that are this one or were made for it, and whether more than one is there.
async fn of(name: &str) -> Result<Vec<(String, String, String)>> {
    let all = podman::look("containers/json?all=true").await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = all.as_array().context("no list of containers")?.iter();
    let all = all.map(|shown| (text(&shown["Names"][0]), text(&shown["Image"]), text(&shown["State"])));
    let mut all: Vec<_> =
        all.filter(|(called, ..)| called == name || called.starts_with(&format!("{name}-"))).collect();
    all.sort();
    Ok(all)
}

fn one(name: &str, version: &str) -> Vec<(String, String, String)> {
    vec![(name.to_owned(), format!("{IMAGES}:{version}"), "running".to_owned())]
}

/// Waits until the new container runs beside the old one, or in its place.
async fn new_one_runs(name: &str) -> Result<()> {
    until("the new container runs", Duration::from_secs(60), async || {
        let beside = format!("{name}-next-");
        let is_new = |(called, _, state): &(String, String, String)| called.starts_with(&beside) && state == "running";
        Ok(of(name).await?.iter().any(is_new).then_some(()))
    })
    .await
}

#[tokio::test]
#[ignore = "needs Podman: scripts/with-podman.sh"]
async fn approved_commands_restart_scale_and_roll_and_put_back_what_is_ill() -> Result<()> {
    let restart = runbook("restart", "{restart: {container: {parameter: what}}}", "string");
    let scale = format!("{{scale: {{pod: shop, image: '{IMAGES}:pod', replicas: {{parameter: what}}}}}}");
    let roll_ill = roll("desk").1.replace("roll-desk", "roll-soon").replace("seconds: 60", "seconds: 3");
    let runbooks = [restart, runbook("scale", &scale, "integer"), roll("desk"), ("roll-soon".to_owned(), roll_ill)];
    let runner = start(&runbooks).await?;
    let process = runner.process("runner")?;
    ensure!(podman::look("info").await?["host"]["security"]["rootless"] == true, "this Podman is not rootless");

    let asked = runner.ask("restart", json!({"what": "desk"}), false).await?;
    ensure!(asked["state"] == "pending", "it was begun before anybody agreed: {asked}");
    let before = podman::look("containers/desk/json").await?;
    runner.approve(&asked).await?;
    let ended = runner.ended(&asked, &process).await?;
    ensure!(ended["state"] == "succeeded", "{ended}\n{}", process.log());
    let after = podman::look("containers/desk/json").await?;
    let started_at = "/State/StartedAt";
    ensure!(before["Id"] == after["Id"] && before.pointer(started_at) != after.pointer(started_at), "{after}");

    for replicas in [3, 1] {
        let ended = done(&runner, "scale", json!(replicas), &process).await?;
        ensure!(ended["state"] == "succeeded", "{ended}\n{}", process.log());
        let shop = of("shop-one").await?;
        let runs = shop.iter().filter(|(_, _, state)| state == "running").count();
        ensure!((shop.len(), runs) == (replicas, replicas), "{replicas} were asked for: {shop:?}");
    }

    let ended = done(&runner, "roll-desk", json!(format!("{IMAGES}:2")), &process).await?;
    ensure!(ended["state"] == "succeeded" && of("desk").await? == one("desk", "2"), "{ended}\n{}", process.log());
    for bad in ["ill", "ends", "nowhere"] {
        let ended = done(&runner, "roll-soon", json!(format!("{IMAGES}:{bad}")), &process).await?;
        ensure!(ended["state"] == "failed" && of("desk").await? == one("desk", "2"), "{bad}: {ended}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs Podman: scripts/with-podman.sh"]
async fn a_runner_that_is_killed_in_a_roll_leaves_one_whole_container_to_the_next() -> Result<()> {
    let restart = runbook("restart", "{restart: {container: {parameter: what}}}", "string");
    let runner = start(&[restart, roll("web"), roll("door")]).await?;
    let mut process = runner.process("runner")?;
    // The door has a port of the host: while the new one is tried the old one is stopped, and a kill leaves none that serves.
    for (name, left) in [("web", "running"), ("door", "exited")] {
        let asked = ask(&runner, &format!("roll-{name}"), json!(format!("{IMAGES}:ill"))).await?;
        new_one_runs(name).await.with_context(|| process.log())?;
        process.kill();
        let broken_off = of(name).await?;
        ensure!(broken_off.len() == 2 && broken_off[0].2 == left, "the kill came too late: {broken_off:?}");

        process = runner.process(&format!("runner-after-{name}"))?;
        let told = runner.ended(&asked, &process).await?;
        ensure!(of(name).await? == one(name, "1"), "{:?}\n{}", of(name).await?, process.log());
        let tale = format!("the container {name} is the old one, running since");
        ensure!(told["state"] == "failed" && told.to_string().contains(&tale), "{told}\n{}", process.log());
    }
    let ended = done(&runner, "restart", json!("door"), &process).await?;
    ensure!(ended["state"] == "succeeded", "{ended}\n{}", process.log());
    Ok(())
}

#[tokio::test]
#[ignore = "needs Podman: scripts/with-podman.sh"]
async fn a_service_that_is_killed_in_a_roll_learns_how_it_ended_or_it_is_put_back() -> Result<()> {
    let runner = start(&[roll("hall")]).await?;
    let process = runner.process("runner")?;
    let asked = ask(&runner, "roll-hall", json!(format!("{IMAGES}:2"))).await?;
    new_one_runs("hall").await.with_context(|| process.log())?;
    runner.stage.kill_service();
    ensure!(of("hall").await?.len() == 2, "the kill came too late: {:?}", of("hall").await?);
    runner.stage.restart_service().await?;
    let ended = runner.ended(&asked, &process).await?;
    ensure!(ended["state"] == "succeeded" && ended.to_string().contains("was replaced"), "{ended}\n{}", process.log());
    ensure!(of("hall").await? == one("hall", "2"), "{:?}", of("hall").await?);

    // It does not come back before the lease is lost: nothing of the roll stays.
    ask(&runner, "roll-hall", json!(format!("{IMAGES}:ill"))).await?;
    new_one_runs("hall").await.with_context(|| process.log())?;
    runner.stage.kill_service();
    until("the old one is alone again", Duration::from_secs(50), async || {
        Ok((of("hall").await? == one("hall", "2")).then_some(()))
    })
    .await
    .with_context(|| process.log())?;
    ensure!(process.log().contains("the lease was lost"), "{}", process.log());
    Ok(())
}
