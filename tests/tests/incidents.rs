//! Diagnosis through the real gate: consoles send samples, a build goes bad on some of them, and although the service is killed in between,
//! one incident says so once, with a picture, an explanation and a runbook.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use watchgate_tests::client::{Caller, expect_json};
use watchgate_tests::wait::until;
use watchgate_tests::{Stage, StageOptions, artifacts};

const SOURCE: &str = "https://issuer.watchgate.test#console-7";
const SCOPES: &str = "events:write events:read metrics:read assistant:ask silences:write";
const PATIENCE: Duration = Duration::from_secs(60);

/// A device, and whether it gets the bad build.
const CONSOLES: [(&str, bool); 6] =
    [("qa-1", true), ("qa-2", true), ("qa-3", true), ("qa-4", false), ("qa-5", false), ("qa-6", false)];

const GOES_BAD: u64 = 240;
const IS_WELL_AGAIN: u64 = 300;
const ENDS: u64 = 420;

/// Chance that is the same in every play.
struct Dice(u64);

impl Dice {
    /// About the usual value, within some percent of it.
    fn about(&mut self, usual: f64) -> f64 {
        let mut throw = || {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(self.0 >> 32).unwrap_or_default()) / f64::from(u32::MAX)
        };
        usual * (1.0 + (throw() + throw() + throw() + throw() - 2.0) / 40.0)
    }
}

/// Ten frames of one second of a console, as an event.
fn second(console: &str, gets_it: bool, start: u64, number: u64, dice: &mut Dice) -> Value {
    let has_it = gets_it && number >= GOES_BAD;
    let is_bad = has_it && number < IS_WELL_AGAIN;
    let usual = if is_bad { 90.0 } else { 16.7 };
    let mut row = |frame: u64| json!([frame.saturating_mul(100), [dice.about(usual), dice.about(55.0)]]);
    let rows: Vec<Value> = (0..10).map(&mut row).collect();
    json!({
        "specversion": "1.0", "id": format!("{console}-{number}"), "source": SOURCE, "subject": console,
        "type": "dev.watchgate.telemetry.samples", "datacontenttype": "application/json",
        "data": {
            "device": console, "build": if has_it { "2026.11.3" } else { "2026.11.2" }, "scene": "harbour",
            "traits": {"site": "lab"}, "start": start.saturating_add(number.saturating_mul(1000)), "metrics": ["FrameTime", "CpuLoad"], "rows": rows,
        },
    })
}

/// Sends some seconds of all consoles, twenty at a time, as a collector does that has kept them.
async fn send(caller: &Caller, start: u64, seconds: std::ops::Range<u64>, dice: &mut Dice) -> Result<()> {
    let numbers: Vec<u64> = seconds.collect();
    for some in numbers.chunks(20) {
        let events: Vec<Value> = some
            .iter()
            .flat_map(|number| CONSOLES.map(|(console, gets_it)| (console, gets_it, *number)))
            .map(|(console, gets_it, number)| second(console, gets_it, start, number, dice))
            .collect();
        let request = caller.request(Method::POST, "/v1/events");
        let request = request.header("content-type", "application/cloudevents-batch+json");
        expect_json(202, request.body(Value::from(events).to_string())).await?;
    }
    Ok(())
}

async fn incidents(caller: &Caller) -> Result<Vec<Value>> {
    let page = expect_json(200, caller.get("/v1/incidents")).await?;
    Ok(page["incidents"].as_array().context("no incidents")?.clone())
}

async fn told(caller: &Caller, what: &str) -> Result<usize> {
    let event_type = format!("dev.watchgate.incident.{what}");
    let page =
        expect_json(200, caller.get("/v1/events").query(&[("type", event_type.as_str()), ("limit", "1000")])).await?;
    Ok(page["events"].as_array().context("no events")?.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_build_is_one_incident_with_a_picture_an_explanation_and_a_runbook_whoever_is_killed() -> Result<()> {
    Stage::start(StageOptions {
        documents: Some(artifacts::root().join("examples/company/lab")),
        ..StageOptions::default()
    })
    .await?
    .play(async |stage| {
        let console = stage.caller("console-7", SCOPES)?;
        let mut dice = Dice(7);
        let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let start = now.saturating_sub(ENDS.saturating_mul(1000));
        send(&console, start, 0..GOES_BAD, &mut dice).await?;
        stage.restart_service().await?;
        send(&console, start, GOES_BAD..IS_WELL_AGAIN, &mut dice).await?;
        let sent = Instant::now();
        let incident = until("there is an incident", PATIENCE, async || Ok(incidents(&console).await?.pop())).await?;
        println!("an incident {:?} after the last samples: {incident:#}", sent.elapsed());
        ensure!(incident["state"] == "open" && incident["moved"][0]["metric"] == "FrameTime", "{incident}");
        stage.restart_service().await?;
        send(&console, start, IS_WELL_AGAIN..ENDS, &mut dice).await?;
        let id = incident["incident"].as_str().context("no id")?;
        let path = format!("/v1/incidents/{id}");
        let incident = until("it is over", PATIENCE, async || {
            let incident = expect_json(200, console.get(&path)).await?;
            Ok((incident["state"] == "resolved").then_some(incident))
        })
        .await?;
        println!("over: {incident:#}");
        ensure!(incident["devices"].as_array().is_some_and(|devices| devices.len() == 3), "{incident}");
        ensure!(incident["suggested"] == json!(["roll-back-build"]), "{incident}");
        for (what, count) in [("opened", 1), ("resolved", 1)] {
            ensure!(told(&console, what).await? == count, "{what} was told {} times", told(&console, what).await?);
        }
        ensure!(incidents(&console).await?.len() == 1, "there are others");

        let svg = console.get(&format!("{path}/plot.svg")).send().await?;
        ensure!(svg.headers()["content-type"] == "image/svg+xml");
        let svg = svg.text().await?;
        ensure!(
            svg.contains(">FrameTime (ms)<")
                && svg.contains("class=\"struck struck-0\"")
                && svg.contains("class=\"other\"")
        );
        let png = console.get(&format!("{path}/plot.png")).send().await?.bytes().await?;
        ensure!(png.starts_with(b"\x89PNG"));

        let explained = expect_json(200, console.get(&format!("{path}/explanation"))).await?;
        println!("explained: {explained:#}");
        let citations = explained["answer"]["citations"].as_array().context("no citations")?;
        ensure!(citations.iter().any(|one| one["file"] == "frame-times.md"), "{explained}");

        let reader = stage.caller("console-7", "events:read")?;
        for request in [
            reader.get(&format!("{path}/explanation")),
            reader.post("/v1/silences", &json!({"device": "qa-1", "until": "2099-01-01T00:00:00Z", "reason": "r"})),
        ] {
            ensure!(request.send().await?.status() == 403);
        }
        let metrics = console.get("/metrics").send().await?.text().await?;
        ensure!(metrics.contains("watchgate_samples_total{became=\"judged\"}"), "{metrics}");
        Ok(())
    })
    .await
}
