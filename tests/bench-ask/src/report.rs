//! The figures: as a table to read, and as JSON to keep.

use std::fs;

use anyhow::{Context, Result};
use measuring::statistics::Sample;
use serde_json::{Value, json};

use crate::corpus::Corpus;
use crate::options::Options;

/// What a figure must reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// It is told, and nothing is asked of it.
    None,
}

/// A figure beside what is asked of it.
pub(crate) struct Figure {
    /// Its name in the JSON.
    pub(crate) key: &'static str,
    pub(crate) what: String,
    /// Of each round.
    pub(crate) values: Sample,
    pub(crate) unit: &'static str,
    pub(crate) target: Target,
    /// Everything else of it.
    pub(crate) more: Value,
}

impl Target {
    fn is_met(self, value: f64) -> Option<bool> {
        match self {
            Self::AtLeast(bound) => Some(value >= bound),
            Self::AtMost(bound) => Some(value <= bound),
            Self::None => None,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(bound) => format!("at least {bound}"),
            Self::AtMost(bound) => format!("at most {bound}"),
            Self::None => "told".to_owned(),
        }
    }
}

impl Figure {
    fn to_json(&self) -> Value {
        let median = self.values.median();
        let mut json = json!({
            "what": self.what, "unit": self.unit, "values": self.values.to_json(3),
            "target": self.target.text(), "is_met": self.target.is_met(median),
        });
        json["more"] = self.more.clone();
        json
    }
}

/// Prints the table.
pub(crate) fn print(figures: &[Figure], rounds: usize) {
    println!("\nmedian of {rounds} rounds [least to most]");
    for figure in figures {
        let Figure { what, values, unit, target, .. } = figure;
        let met = match target.is_met(values.median()) {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        let (median, least, most) = (values.median(), values.least(), values.most());
        println!("{what:<92} {median:>10.3} {unit:<8} [{least:.3} to {most:.3}]  {:<13} {met}", target.text());
    }
}

/// Writes them; parts that were measured in another run stay.
pub(crate) fn write(figures: &[Figure], options: &Options, corpus: &Corpus, kept: &std::path::Path) -> Result<()> {
    let out = options.out.clone().unwrap_or_else(|| kept.join("ask.json"));
    let before = fs::read(&out).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut whole: Value = before.unwrap_or_else(|| json!({}));
    for figure in figures {
        whole[figure.key] = figure.to_json();
        whole[figure.key]["circumstances"] = circumstances(options, corpus)?;
    }
    fs::write(&out, format!("{whole:#}\n")).with_context(|| format!("{} cannot be written", out.display()))?;
    println!("\n{}", out.display());
    Ok(())
}

fn circumstances(options: &Options, corpus: &Corpus) -> Result<Value> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Ok(json!({
        "rounds": options.rounds(),
        "quick": options.quick,
        "cpu": model.trim_start_matches([' ', '\t', ':']),
        "cores": std::thread::available_parallelism()?.get(),
        "kernel": kernel.trim(),
        "documents": corpus.files.len(),
        "bytes": corpus.bytes,
        "load": "HTTP/1.1 in clear text on loopback, from another process on the same machine",
        "load_average": fs::read_to_string("/proc/loadavg").unwrap_or_default().trim(),
    }))
}
