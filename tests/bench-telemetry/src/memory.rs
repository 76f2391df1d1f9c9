//! What series take that are alive: in a process that has the engine and nothing else, and in the real service.

use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use diagnosis::Millis;
use measuring::report::{Figure, Target};
use measuring::statistics::Sample;
use measuring::usage;
use reqwest::Method;
use serde_json::{Value, json};
use watchgate_tests::client::{Caller, expect_json};
use watchgate_tests::wait::until;
use watchgate_tests::{Stage, StageOptions};

use crate::lab::event;
use crate::live_series::{self, METRICS, ROWS, batch};
use crate::options::Options;

/// 2 KiB a series.
const KIB_A_SERIES: f64 = 2.0;

const CALLER: &str = "collector";

/// A request has at most 1 MiB.
const MOST_BYTES: usize = 900 * 1024;

/// The service judges what it was given; whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) fn of_the_engine(options: &Options) -> Result<Figure> {
    let series = options.series();
    let output = Command::new(std::env::current_exe()?).args([live_series::ALONE, &series.to_string()]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout)?;
    let kib = said["rss_kib"].as_f64().context("no memory was said")?;
    Ok(figure("memory_engine", series, kib, "a process with the engine alone", json!({"rows": ROWS})))
}

fn figure(key: &'static str, series: usize, kib: f64, place: &str, more: Value) -> Figure {
    Figure {
        key,
        what: format!("memory of {series} live series, {place}"),
        values: Sample::of([kib / 1024.0]),
        unit: "MiB",
        target: Target::AtMost((series as f64 * KIB_A_SERIES / 1024.0).ceil()),
        more: json!({"kib_a_series": kib / series as f64, "how": more}),
    }
}

/// The real service takes as many samples twice: of few series, and then of many.
pub(crate) async fn of_the_service(options: &Options) -> Result<Figure> {
    let series = options.series();
    let devices = series.div_ceil(METRICS);
    let stage = Stage::start(StageOptions::default()).await?;
    let caller = stage.caller(CALLER, "events:write metrics:read")?;
    let process = stage.replica_pid(0)?;
    let now = Millis::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let lasts = ROWS as Millis * 1000;
    // Each batch begins where the one before ended; the last one ends now.
    let turns = Millis::try_from(devices)?;
    let fresh = usage::memory(process)?.rss_kib;
    send(&caller, (0..turns).map(|turn| live_series::batch(0, now - (turns - turn) * lasts))).await?;
    judged(&caller, METRICS).await?;
    let before = usage::memory(process)?.rss_kib;
    send(&caller, (1..devices).map(|device| batch(device, now - lasts))).await?;
    judged(&caller, devices * METRICS).await?;
    let after = usage::memory(process)?.rss_kib;
    let how = json!({
        "rss_fresh_mib": fresh / 1024.0, "rss_after_as_many_samples_of_few_series_mib": before / 1024.0, "rss_mib": after / 1024.0,
        "peak_mib": usage::peak_kib(process)? / 1024.0, "rows": ROWS,
    });
    let place = "the service, against as many samples of few series";
    Ok(figure("memory_service", series, after - before, place, how))
}

async fn send(caller: &Caller, batches: impl Iterator<Item = diagnosis::batch::Batch>) -> Result<()> {
    let mut events = String::new();
    for (number, batch) in batches.enumerate() {
        let mut event = event(CALLER, number, &batch);
        event["id"] = format!("{}-{}", batch.device, batch.start).into();
        let event = event.to_string();
        if events.len() + event.len() > MOST_BYTES {
            post(caller, &events).await?;
            events.clear();
        }
        events.push(if events.is_empty() { '[' } else { ',' });
        events.push_str(&event);
    }
    if events.is_empty() { Ok(()) } else { post(caller, &events).await }
}

async fn post(caller: &Caller, events: &str) -> Result<()> {
    let request =
        caller.request(Method::POST, "/v1/events").header("content-type", "application/cloudevents-batch+json");
    expect_json(202, request.body(format!("{events}]"))).await?;
    Ok(())
}

/// Waits until all that was sent is judged, and so many series are alive.
async fn judged(caller: &Caller, series: usize) -> Result<()> {
    until("all is judged", PATIENCE, async || {
        let metrics = caller.get("/metrics").send().await?.error_for_status()?.text().await?;
        let value = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
            line.trim().parse::<f64>().ok()
        };
        let (live, lag) = (value("watchgate_series_in_memory"), value("watchgate_diagnosis_lag_events"));
        Ok((live >= Some(series as f64) && lag == Some(0.0)).then_some(()))
    })
    .await
}
