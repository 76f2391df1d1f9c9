//! How soon a page is of use, with a processor of a quarter of this one's speed: its first screen when nothing of it is kept, and an answer
//! where a session is.

use anyhow::{Context as _, Result};
use measuring::report::{Figure, Target};
use measuring::statistics::Sample;
use serde_json::{Value, json};
use watchgate_tests::pages::Pages;

use crate::options::Options;

pub(crate) async fn measure(pages: &Pages, options: &Options) -> Result<Vec<Figure>> {
    let times = options.run.or_quick(20, 3);
    let said = pages.walk("figures-screen", json!({"times": times})).await?;
    let figure = |key: &'static str, what: &str, most| {
        let values = milliseconds(&said[key]).with_context(|| format!("the walk says no {key}"))?;
        anyhow::Ok(Figure {
            key,
            what: what.to_owned(),
            values,
            unit: "ms",
            target: Target::AtMost(most),
            more: json!({"times": times, "cpu_throttling": said["cpu_throttling"], "bytes": said["bytes"]}),
        })
    };
    Ok(vec![
        figure(
            "watch_first_screen",
            "the watch: from opening it until its first screen can be used, processor at a quarter",
            1_000.0,
        )?,
        figure("console_first_screen", "the console: the same", 1_500.0)?,
        figure(
            "watch_first_answer",
            "the watch, with its session kept: from opening it until an answer stands there",
            2_000.0,
        )?,
    ])
}

pub(crate) fn milliseconds(values: &Value) -> Option<Sample> {
    Some(Sample::of(values.as_array()?.iter().filter_map(Value::as_f64)))
}
