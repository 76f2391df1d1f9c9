//! An incident in one sentence.

use crate::detector::{Direction, Kind};
use crate::incident::{Movement, Shared};

/// What moved first, which way, where, and what those places share.
pub(super) fn title(moved: &[Movement], devices: &[String], shared: &[Shared]) -> String {
    let Some(first) = moved.first() else { return String::new() };
    let on = match devices {
        [one] => one.clone(),
        many => format!("{} devices", many.len()),
    };
    let also = match moved
        .iter()
        .map(|movement| movement.series.metric.as_str())
        .collect::<std::collections::BTreeSet<_>>()
        .len()
    {
        0 | 1 => String::new(),
        2 => ", and one more metric".to_owned(),
        metrics => format!(", and {} more metrics", metrics.saturating_sub(1)),
    };
    format!("{}{}{}", what(first, &on), places(shared, devices.len() > 1), also)
}

fn what(first: &Movement, on: &str) -> String {
    let metric = &first.series.metric;
    let (before, now) = (written(first.before), written(first.now));
    let unit = unit(metric).map(|unit| format!(" {unit}")).unwrap_or_default();
    match (first.kind, first.direction) {
        (Kind::Silence, _) => format!("No more samples from {on}"),
        (Kind::Flatline, _) => format!("{metric} stands still on {on}"),
        (Kind::Variance, Direction::Up) => format!("{metric} unsteady (steps of {before} → {now}{unit}) on {on}"),
        (Kind::Variance, Direction::Down) => {
            format!("{metric} unusually even (steps of {before} → {now}{unit}) on {on}")
        }
        (Kind::Spike, Direction::Up) => format!("{metric} spikes ({before} → {now}{unit}) on {on}"),
        (Kind::Spike, Direction::Down) => format!("{metric} drops out ({before} → {now}{unit}) on {on}"),
        (Kind::Drift, Direction::Up) => format!("{metric} climbing ({before} → {now}{unit}) on {on}"),
        (Kind::Drift, Direction::Down) => format!("{metric} sinking ({before} → {now}{unit}) on {on}"),
        (Kind::Season, Direction::Up) => {
            format!("{metric} more than usual at this time ({before} → {now}{unit}) on {on}")
        }
        (Kind::Season, Direction::Down) => {
            format!("{metric} less than usual at this time ({before} → {now}{unit}) on {on}")
        }
        (Kind::LevelShift, Direction::Up) => format!("{metric} up ({before} → {now}{unit}) on {on}"),
        (Kind::LevelShift, Direction::Down) => format!("{metric} down ({before} → {now}{unit}) on {on}"),
    }
}

/// The most telling things first; a scene is said beside what else tells.
fn places(shared: &[Shared], are_many: bool) -> String {
    let told = |shared: &Shared| match shared.what.as_str() {
        "build" => format!(" since build {}", shared.value),
        "scene" => format!(", in scene {}", shared.value),
        name => format!(" with {name} {}", shared.value),
    };
    let first = shared.first().filter(|shared| shared.what != "device" && shared.what != "scene");
    let scene = shared.iter().find(|shared| shared.what == "scene" && are_many);
    first.into_iter().chain(scene).map(told).collect()
}

/// Two to four figures, as people say them.
fn written(value: f64) -> String {
    let (scaled, prefix) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, " G"),
        size if size >= 1e6 => (value / 1e6, " M"),
        size if size >= 1e3 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let digits = match scaled.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let written = format!("{scaled:.digits$}");
    let trimmed = if written.contains('.') { written.trim_end_matches('0').trim_end_matches('.') } else { &written };
    format!("{}{prefix}", if trimmed == "-0" { "0" } else { trimmed })
}

/// The unit of metrics whose names are documented to have one: PresentMon's times, and what says its unit itself.
fn unit(metric: &str) -> Option<&'static str> {
    const MILLISECONDS: [&str; 14] = [
        "FrameTime",
        "CPUBusy",
        "CPUWait",
        "GPULatency",
        "GPUTime",
        "GPUBusy",
        "GPUWait",
        "DisplayLatency",
        "DisplayedTime",
        "AnimationError",
        "AnimationTime",
        "ClickToPhotonLatency",
        "AllInputToPhotonLatency",
        "MsBetweenPresents",
    ];
    match metric {
        _ if MILLISECONDS.contains(&metric) || metric.ends_with("Ms") => Some("ms"),
        _ if metric.ends_with("Temperature") => Some("°C"),
        "CpuLoad" => Some("%"),
        _ if metric.ends_with("Bytes") => Some("B"),
        _ if metric.ends_with("Pages") => Some("pages"),
        _ => None,
    }
}
