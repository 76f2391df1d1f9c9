//! What a console has said, and what of it the service has.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;
use telemetry_traces::Trace;
use watchgate_tests::client::{Caller, expect_json};

/// A frame as its game tells it and as it arrives: the time, how long it took, the build and the scene.
pub(crate) type Frame = (i64, f64, String, String);

/// All events with samples that the service has, in its order.
#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) events: Vec<Value>,
    after: u64,
}

impl Stored {
    /// Reads what has come since the last time.
    pub(crate) async fn look(&mut self, reader: &Caller, source: &str) -> Result<()> {
        loop {
            let query = [("source", source.to_owned()), ("limit", "200".to_owned()), ("after", self.after.to_string())];
            let page = expect_json(200, reader.get("/v1/events").query(&query)).await?;
            for event in page["events"].as_array().context("no events")? {
                self.after = event["position"].as_u64().context("no position")?;
                self.events.push(event["event"].clone());
            }
            if page["next_after"].is_null() {
                return Ok(());
            }
        }
    }

    pub(crate) fn frames(&self) -> Result<Vec<Frame>> {
        let told = |data: &Value, name: &str| data[name].as_str().unwrap_or_default().to_owned();
        let mut frames = Vec::new();
        for data in self.events.iter().map(|event| &event["data"]) {
            for (at, value) in column(data, "FrameTime")? {
                frames.push((at, value, told(data, "build"), told(data, "scene")));
            }
        }
        Ok(frames)
    }

    /// What the console measured of itself: the times, and the pages that were committed.
    pub(crate) fn gauges(&self) -> Result<Vec<(i64, f64)>> {
        let columns = self.events.iter().map(|event| column(&event["data"], "CommittedPages"));
        Ok(columns.collect::<Result<Vec<_>>>()?.concat())
    }
}

/// A metric of a batch, where it has it: times and values, gaps left out.
fn column(data: &Value, metric: &str) -> Result<Vec<(i64, f64)>> {
    let names = data["metrics"].as_array().context("no metrics")?;
    let Some(place) = names.iter().position(|name| name == metric) else { return Ok(Vec::new()) };
    let start = data["start"].as_i64().context("no start")?;
    let rows = data["rows"].as_array().context("no rows")?;
    let row = |row: &Value| Some((start + row[0].as_i64()?, row[1][place].as_f64()?));
    Ok(rows.iter().filter_map(row).collect())
}

/// The frames that a game has written into its file.
pub(crate) fn written(game: &Path) -> Result<Vec<Frame>> {
    let (mut build, mut scene, mut frames) = (String::new(), String::new(), Vec::new());
    for line in std::fs::read_to_string(game)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        for (name, holds) in [("build", &mut build), ("scene", &mut scene)] {
            if let Some(now) = line[name].as_str() {
                now.clone_into(holds);
            }
        }
        if let Some(value) = line["metrics"]["FrameTime"].as_f64() {
            frames.push((line["time"].as_i64().context("no time")?, value, build.clone(), scene.clone()));
        }
    }
    Ok(frames)
}

/// The pages that a console of the trace tells of, in their order.
pub(crate) fn told(trace: Trace, device: &str) -> Vec<f64> {
    let pages = trace.of_device(device).flat_map(|batch| {
        let place = batch.metrics.iter().position(|name| name == "CommittedPages");
        batch.rows.into_iter().filter_map(move |row| row.1.get(place?).copied().flatten())
    });
    pages.map(f64::trunc).collect()
}
