//! A line of the game: `{"time": …, "build": "…", "scene": "…", "metrics": {"FrameTime": 16.6, …}}`.

use std::sync::Arc;

use diagnosis::Millis;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::names::fitted;
use crate::reading::{Context, Reading};

/// The year 2286: a later time is no time in milliseconds.
const LATEST: Millis = 9_999_999_999_999;

const NANOSECONDS_PER_MILLISECOND: i128 = 1_000_000;

/// Why a line says nothing.
#[derive(Debug, Error)]
pub(crate) enum BadLine {
    #[error("it is no JSON of the form that is documented: {0}")]
    Form(#[from] serde_json::Error),
    #[error("it has metrics, and no time")]
    NoTime,
    #[error("its time is neither RFC 3339 nor milliseconds since 1970")]
    Time,
    #[error("it has more bytes than are read of a line")]
    TooLong,
}

#[derive(Deserialize)]
struct Line {
    time: Option<Value>,
    build: Option<String>,
    scene: Option<String>,
    #[serde(default)]
    metrics: Map<String, Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// What a line said.
#[derive(Debug, PartialEq)]
pub(crate) struct Read {
    pub(crate) reading: Reading,
    /// Members that nobody knows, and metrics that are no numbers.
    pub(crate) ignored: u64,
}

/// Reads lines one after the other; build and scene stay until another is said.
#[derive(Debug, Default)]
pub(crate) struct LineReader {
    pub(crate) context: Context,
}

impl LineReader {
    /// What this line says.
    pub(crate) fn read(&mut self, line: &[u8]) -> Result<Read, BadLine> {
        let Line { time, build, scene, metrics, others } = serde_json::from_slice(line)?;
        let time = time.as_ref().map(moment).transpose()?;
        let told = metrics.len();
        let values: Vec<_> = metrics.iter().filter_map(|(name, value)| Some((metric(name)?, number(value)?))).collect();
        let nulls = metrics.values().filter(|value| value.is_null()).count();
        let time = match time {
            Some(time) => time,
            None if values.is_empty() => 0,
            None => return Err(BadLine::NoTime),
        };
        if let Some(build) = build {
            self.context.build = fitted(&build).into();
        }
        if let Some(scene) = scene {
            self.context.scene = fitted(&scene).into();
        }
        let ignored = told.saturating_sub(values.len()).saturating_sub(nulls).saturating_add(others.len());
        Ok(Read { reading: Reading { time, values }, ignored: u64::try_from(ignored).unwrap_or(u64::MAX) })
    }
}

fn metric(name: &str) -> Option<Arc<str>> {
    let name = fitted(name);
    (!name.is_empty()).then(|| name.into())
}

/// A controller that is connected is one; JSON has no number that is none.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(is_so) => Some(f64::from(u8::from(*is_so))),
        Value::Number(number) => number.as_f64().filter(|number| number.is_finite()),
        _ => None,
    }
}

fn moment(value: &Value) -> Result<Millis, BadLine> {
    let millis = match value {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a fraction of a millisecond is not kept, and casts saturate"
        )]
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|number| number as Millis)),
        Value::String(text) => OffsetDateTime::parse(text, &Rfc3339).ok().and_then(|time| {
            Millis::try_from(time.unix_timestamp_nanos().checked_div(NANOSECONDS_PER_MILLISECOND)?).ok()
        }),
        _ => None,
    };
    millis.filter(|millis| (0..=LATEST).contains(millis)).ok_or(BadLine::Time)
}

#[cfg(test)]
mod tests;
