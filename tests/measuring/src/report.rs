//! The figures: as a table to read, and as JSON to keep.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::statistics::Sample;

/// What a figure must reach.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// So much or more.
    AtLeast(f64),
    /// So much or less.
    AtMost(f64),
    /// It is told, and nothing is asked of it.
    None,
}

/// A figure beside what is asked of it.
#[derive(Debug)]
pub struct Figure {
    /// Its name in the JSON.
    pub key: &'static str,
    /// What a person reads.
    pub what: String,
    /// Of each round.
    pub values: Sample,
    /// Of what.
    pub unit: &'static str,
    /// What is asked of it.
    pub target: Target,
    /// Everything else of it.
    pub more: Value,
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
pub fn print(figures: &[Figure], rounds: usize) {
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

/// Writes them, with how they were taken; parts that were measured in another run stay.
pub fn write(figures: &[Figure], out: &Path, taken: &Value) -> Result<()> {
    let before = fs::read(out).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut whole: Value = before.unwrap_or_else(|| json!({}));
    let mut circumstances = machine()?;
    for (key, value) in taken.as_object().into_iter().flatten() {
        circumstances[key] = value.clone();
    }
    for figure in figures {
        whole[figure.key] = figure.to_json();
        whole[figure.key]["circumstances"] = circumstances.clone();
    }
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    fs::write(out, format!("{whole:#}\n")).with_context(|| format!("{} cannot be written", out.display()))?;
    println!("\n{}", out.display());
    Ok(())
}

/// On what figures were taken.
pub fn machine() -> Result<Value> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Ok(json!({
        "cpu": model.trim_start_matches([' ', '\t', ':']),
        "cores": std::thread::available_parallelism()?.get(),
        "kernel": kernel.trim(),
        "load_average": fs::read_to_string("/proc/loadavg").unwrap_or_default().trim(),
        "load": "HTTP/1.1 in clear text on loopback, from another process on the same machine",
    }))
}
