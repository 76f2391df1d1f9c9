//! Many series at once: devices with as many metrics as a batch may have, each long enough that all that is ever kept of it is there.

use std::io::Write as _;

use anyhow::{Context, Result, ensure};
use diagnosis::Millis;
use diagnosis::batch::{Batch, Row};
use diagnosis::engine::Engine;
use measuring::usage;
use serde_json::json;
use telemetry_traces::dice::Dice;

/// By this word the program knows that it is to hold series, and to say what they take.
pub(crate) const ALONE: &str = "live-series";

/// Series of one device.
pub(crate) const METRICS: usize = 50;

/// One a second: longer than a watch learns, and than gaps are remembered.
pub(crate) const ROWS: usize = 90;

/// One device's batch, which begins at `start`; devices are alike but for chance.
pub(crate) fn batch(device: usize, start: Millis) -> Batch {
    let mut dice = Dice::seeded(3, &device.to_string());
    let mut value =
        |metric: usize| Some(((5.0 + metric as f64) * (1.0 + 0.04 * dice.normal()) * 1000.0).round() / 1000.0);
    let rows = (0..ROWS).map(|row| Row(row as u32 * 1000, (0..METRICS).map(&mut value).collect()));
    Batch {
        device: format!("device-{device:05}"),
        build: "build".to_owned(),
        scene: format!("scene-{}", device % 7),
        start,
        metrics: (0..METRICS).map(|metric| format!("metric-{metric}")).collect(),
        rows: rows.collect(),
        ..Batch::default()
    }
}

/// Holds so many series in this process, and prints what they take.
pub(crate) fn alone(series: Option<&str>) -> Result<()> {
    let series: usize = series.context("say how many series")?.parse()?;
    let this = std::process::id();
    let before = usage::memory(this)?.rss_kib;
    let mut engine = Engine::default();
    for device in 0..series.div_ceil(METRICS) {
        engine.take(&batch(device, 1_795_788_000_000));
    }
    let census = engine.census();
    ensure!(census.series >= series && census.forgotten == 0, "{census:?}");
    let taken = usage::memory(this)?.rss_kib - before;
    writeln!(std::io::stdout(), "{}", json!({"series": census.series, "rss_kib": taken}))?;
    Ok(())
}
