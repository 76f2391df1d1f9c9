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
    let more = json!({"times": times, "cpu_throttling": said["cpu_throttling"]});
    let figure = |key: &'static str, at_most: f64, what: &str| {
        let values = values(&said[key]).with_context(|| format!("the walk says no {key}"))?;
        let (what, more) = (what.to_owned(), more.clone());
        anyhow::Ok(Figure { key, what, values, unit: "ms", target: Target::AtMost(at_most), more })
    };
    let size = |key: &'static str, what: &str| {
        let values = values(&said[key]).with_context(|| format!("the walk says no {key}"))?;
        anyhow::Ok(Figure {
            key,
            what: what.to_owned(),
            values,
            unit: "kB",
            target: Target::AtMost(60.0),
            more: json!({}),
        })
    };
    Ok(vec![
        figure(
            "watch_first_screen",
            1_000.0,
            "the watch: from opening it until its first screen is there, processor at a quarter",
        )?,
        figure("console_first_screen", 1_000.0, "the console: the same")?,
        figure("watch_first_answer", 2_000.0, "the watch, its session kept: from opening it until an answer is there")?,
        size("watch_first_kilobytes", "the watch: what its first screen fetches, as it is sent")?,
        size("console_first_kilobytes", "the console: the same")?,
    ])
}

fn values(list: &Value) -> Option<Sample> {
    let values: Vec<f64> = list.as_array()?.iter().filter_map(Value::as_f64).collect();
    (!values.is_empty()).then(|| Sample::of(values))
}
