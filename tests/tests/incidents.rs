//! Diagnosis through the real gate: consoles send samples, a build goes bad on some of them, and although the service is killed in between,
//! one incident says so once, with a picture, an explanation and a runbook. On one file, and on a log that two replicas share.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use watchgate_tests::client::{Caller, expect_json};
use watchgate_tests::replicas::{at, two_replicas_with};
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

/// Whoever sends for the consoles, and looks at what comes of it.
struct Collector {
    caller: Caller,
    /// Which replica it asks, where there are two.
    replica: usize,
    start: u64,
    dice: Dice,
}

impl Collector {
    /// All that it sends lies in the past.
    fn new(stage: &Stage) -> Result<Self> {
        let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let start = now.saturating_sub(ENDS.saturating_mul(1000));
        Ok(Self { caller: stage.caller("console-7", SCOPES)?, replica: 0, start, dice: Dice(7) })
    }

    fn get(&self, path: &str) -> RequestBuilder {
        at(self.replica, self.caller.get(path))
    }

    /// Sends some seconds of all consoles, twenty at a time, as a collector does that has kept them.
    async fn send(&mut self, seconds: std::ops::Range<u64>) -> Result<()> {
        let numbers: Vec<u64> = seconds.collect();
        for some in numbers.chunks(20) {
            let events: Vec<Value> = some
                .iter()
                .flat_map(|number| CONSOLES.map(|(console, gets_it)| (console, gets_it, *number)))
                .map(|(console, gets_it, number)| second(console, gets_it, self.start, number, &mut self.dice))
                .collect();
            let request = at(self.replica, self.caller.request(Method::POST, "/v1/events"));
            let request = request.header("content-type", "application/cloudevents-batch+json");
            expect_json(202, request.body(Value::from(events).to_string())).await?;
        }
        Ok(())
    }

    async fn incidents(&self) -> Result<Vec<Value>> {
        let page = expect_json(200, self.get("/v1/incidents")).await?;
        Ok(page["incidents"].as_array().context("no incidents")?.clone())
    }

    /// Waits for an incident that goes on.
    async fn noticed(&self) -> Result<Value> {
        let sent = Instant::now();
        let incident = until("there is an incident", PATIENCE, async || Ok(self.incidents().await?.pop())).await?;
        println!("an incident {:?} after the last samples: {incident:#}", sent.elapsed());
        ensure!(incident["state"] == "open" && incident["moved"][0]["metric"] == "FrameTime", "{incident}");
        Ok(incident)
    }

    /// Waits until it is over.
    async fn over(&self, incident: &Value) -> Result<Value> {
        let path = path(incident)?;
        let incident = until("it is over", PATIENCE, async || {
            let incident = expect_json(200, self.get(&path)).await?;
            Ok((incident["state"] == "resolved").then_some(incident))
        })
        .await?;
        println!("over: {incident:#}");
        ensure!(incident["devices"].as_array().is_some_and(|devices| devices.len() == 3), "{incident}");
        Ok(incident)
    }

    /// Holds that all that was told is of this one incident, each step of it once and none left out.
    async fn told_once(&self, incident: &Value) -> Result<()> {
        let query = [("type", "dev.watchgate.incident.*"), ("limit", "1000")];
        let page = expect_json(200, self.get("/v1/events").query(&query)).await?;
        let told: Vec<&Value> =
            page["events"].as_array().context("no events")?.iter().map(|one| &one["event"]).collect();
        let id = incident["incident"].as_str().context("no id")?;
        for (number, event) in (1_u32..).zip(&told) {
            ensure!(event["id"] == format!("{id}.{number}"), "{number}: {event}");
        }
        for what in ["opened", "resolved"] {
            let event_type = format!("dev.watchgate.incident.{what}");
            let count = told.iter().filter(|event| event["type"] == event_type.as_str()).count();
            ensure!(count == 1, "{what} was told {count} times");
        }
        ensure!(self.incidents().await?.len() == 1, "there are others");
        Ok(())
    }

    /// Which of two replicas judges.
    async fn judging(&self) -> Result<usize> {
        until("a replica judges", PATIENCE, async || {
            for replica in [0, 1] {
                let metrics = at(replica, self.caller.get("/metrics")).send().await?.text().await?;
                let series = metrics.lines().find_map(|line| line.strip_prefix("watchgate_series_in_memory "));
                if series.is_some_and(|series| series != "0") {
                    return Ok(Some(replica));
                }
            }
            Ok(None)
        })
        .await
    }
}

fn path(incident: &Value) -> Result<String> {
    Ok(format!("/v1/incidents/{}", incident["incident"].as_str().context("no id")?))
}

fn options() -> StageOptions {
    StageOptions { documents: Some(artifacts::root().join("examples/company/lab")), ..StageOptions::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_build_is_one_incident_with_a_picture_an_explanation_and_a_runbook_whoever_is_killed() -> Result<()> {
    let scene = async |stage: &Stage| {
        let mut console = Collector::new(stage)?;
        console.send(0..GOES_BAD).await?;
        stage.restart_service().await?;
        console.send(GOES_BAD..IS_WELL_AGAIN).await?;
        let incident = console.noticed().await?;
        stage.restart_service().await?;
        console.send(IS_WELL_AGAIN..ENDS).await?;
        let incident = console.over(&incident).await?;
        ensure!(incident["suggested"] == json!(["roll-back-build"]), "{incident}");
        console.told_once(&incident).await?;
        let path = path(&incident)?;

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
    };
    Stage::start(options()).await?.play(scene).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_the_other_one_goes_on_when_the_one_that_judges_is_killed() -> Result<()> {
    let scene = async |stage: &Stage| {
        let mut console = Collector::new(stage)?;
        console.send(0..GOES_BAD).await?;
        let first = console.judging().await?;
        console.send(GOES_BAD..GOES_BAD + 10).await?;
        stage.kill_replica(first)?;
        console.replica = 1 - first;
        console.send(GOES_BAD + 10..IS_WELL_AGAIN).await?;
        let incident = console.noticed().await?;
        // And back again, in the middle of the incident.
        stage.restart_replica(first).await?;
        stage.kill_replica(1 - first)?;
        console.replica = first;
        console.send(IS_WELL_AGAIN..ENDS).await?;
        let incident = console.over(&incident).await?;
        ensure!(console.judging().await? == first, "the replica that is gone judges");
        stage.restart_replica(1 - first).await?;
        for replica in [0, 1] {
            console.replica = replica;
            ensure!(
                expect_json(200, console.get(&path(&incident)?)).await? == incident,
                "replica {replica} shows another"
            );
            console.told_once(&incident).await?;
        }
        Ok(())
    };
    two_replicas_with(options()).await?.play(scene).await
}
