//! How values and times are written.

use time::OffsetDateTime;
use time::macros::format_description;

use crate::Millis;
use crate::columns::as_f64;

/// The unit of a metric, where its name is one of PresentMon's, of the device portal's or says it itself.
#[must_use]
pub fn unit(metric: &str) -> Option<&'static str> {
    const MILLISECONDS: [&str; 14] = [
        "FrameTime",
        "MsBetweenPresents",
        "CPUBusy",
        "CPUWait",
        "GPULatency",
        "GPUTime",
        "GPUBusy",
        "GPUWait",
        "DisplayLatency",
        "DisplayedTime",
        "AnimationError",
        "ClickToPhotonLatency",
        "AllInputToPhotonLatency",
        "VideoBusy",
    ];
    let is_about = |word: &str| metric.to_ascii_lowercase().contains(word);
    if MILLISECONDS.contains(&metric) || metric.ends_with("Ms") || metric.ends_with("_ms") {
        Some("ms")
    } else if is_about("temperature") {
        Some("°C")
    } else if metric.ends_with("Pages") {
        Some("pages")
    } else if metric.ends_with("Speed") {
        Some("bytes/s")
    } else if metric.ends_with("Bytes") || metric.ends_with("MemoryUsed") {
        Some("bytes")
    } else if metric.ends_with("Load") || is_about("utilization") || metric.ends_with("Percent") {
        Some("%")
    } else {
        None
    }
}

/// A value in few characters: `16.7`, `1.2 M`.
pub(crate) fn short(value: f64) -> String {
    let steps = [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k")];
    let (value, suffix) = match steps.into_iter().find(|(step, _)| value.abs() >= *step) {
        Some((1e4, suffix)) => (value / 1e3, suffix),
        Some((step, suffix)) => (value / step, suffix),
        None => (value, ""),
    };
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    format!("{}{suffix}", if text == "-0" { "0" } else { &text })
}

/// Some round values from one to another, about so many.
pub(crate) fn ticks(low: f64, high: f64, about: f64) -> Vec<f64> {
    let raw = (high - low) / about;
    if !raw.is_finite() || raw <= 0.0 {
        return vec![low];
    }
    let power = 10_f64.powf(raw.log10().floor());
    let factors = [1.0, 2.0, 2.5, 5.0, 10.0];
    let step = factors.into_iter().map(|factor| factor * power).find(|step| *step >= raw).unwrap_or(raw);
    let first = (low / step).ceil();
    let values = std::iter::successors(Some(first), |count| Some(count + 1.0)).map(|count| count * step);
    values.take_while(|value| *value <= high).take(20).collect()
}

/// A moment of a day.
pub(crate) fn clock(at: Millis, with_seconds: bool) -> String {
    let form = if with_seconds {
        time_of(at).format(format_description!("[hour]:[minute]:[second]"))
    } else {
        time_of(at).format(format_description!("[hour]:[minute]"))
    };
    form.unwrap_or_default()
}

/// A day.
pub(crate) fn day(at: Millis) -> String {
    time_of(at).format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
}

/// How long something took: `4 s`, `12 min`.
pub(crate) fn lasted(millis: Millis) -> String {
    let seconds = as_f64(millis.max(0)) / 1000.0;
    match seconds {
        seconds if seconds < 10.0 => format!("{seconds:.1} s"),
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

fn time_of(at: Millis) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at).saturating_mul(1_000_000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
