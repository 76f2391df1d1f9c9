//! What was found: as a table to read, and as JSON to keep.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::baselines::BASELINES;
use crate::labelled::Labelled;
use crate::ours;
use crate::scorer::{self, FileResult};

/// What scores from this on are called alarms in the product, whatever threshold is best here.
const ALARM: f64 = 0.9;

/// All that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    parts: Vec<Part>,
    /// Samples a second on one core.
    pub(crate) speed: Option<f64>,
}

/// One set of series.
#[derive(Debug)]
pub(crate) struct Part {
    key: &'static str,
    what: &'static str,
    ours: scorer::Result,
    /// What the product's own threshold gives.
    at_alarm: f64,
    baselines: Vec<(&'static str, f64)>,
    names: Vec<String>,
    rows: usize,
}

impl Part {
    /// Runs every detector over all series.
    pub(crate) fn measure(key: &'static str, what: &'static str, all: &[Labelled]) -> Self {
        let scores: Vec<Vec<f64>> = all.iter().map(ours).collect();
        let baseline = |(name, of): &(&'static str, fn(&Labelled) -> Vec<f64>)| {
            let scores: Vec<Vec<f64>> = all.iter().map(of).collect();
            (*name, scorer::score(all, &scores).normalised)
        };
        Self {
            key,
            what,
            ours: scorer::score(all, &scores),
            at_alarm: scorer::score_at(all, &scores, ALARM).normalised,
            baselines: BASELINES.iter().map(baseline).collect(),
            names: all.iter().map(|series| series.name.clone()).collect(),
            rows: all.iter().map(|series| series.values.len()).sum(),
        }
    }

    /// Sums over files, or over what has the same first name.
    fn groups(&self) -> BTreeMap<&str, FileResult> {
        let mut groups: BTreeMap<&str, FileResult> = BTreeMap::new();
        for (name, file) in self.names.iter().zip(&self.ours.files) {
            let is_file = name.ends_with(".csv");
            let group = if is_file { name } else { name.split('/').next().unwrap_or_default() };
            groups.entry(group).or_default().add(file);
        }
        groups
    }

    fn to_json(&self) -> Value {
        let files = self.names.iter().zip(&self.ours.files);
        let files: serde_json::Map<String, Value> = files.map(|(name, file)| (name.clone(), file.to_json())).collect();
        let baselines: serde_json::Map<String, Value> =
            self.baselines.iter().map(|(name, score)| ((*name).to_owned(), json!(score))).collect();
        let total = FileResult::total(&self.ours.files);
        json!({
            "what": self.what, "score": self.ours.normalised, "threshold": self.ours.threshold, "score_at_0.9": self.at_alarm,
            "windows": total.windows, "hits": total.hits, "false_positives": total.false_positives, "rows": self.rows,
            "baselines": baselines, "files": files,
        })
    }
}

impl FileResult {
    fn add(&mut self, other: &Self) {
        self.windows += other.windows;
        self.hits += other.hits;
        self.false_positives += other.false_positives;
        self.raw += other.raw;
    }

    fn total(files: &[Self]) -> Self {
        let mut total = Self::default();
        files.iter().for_each(|file| total.add(file));
        total
    }

    fn to_json(&self) -> Value {
        let Self { windows, hits, false_positives, raw } = self;
        json!({ "windows": windows, "hits": hits, "false_positives": false_positives, "raw": raw })
    }
}

impl Report {
    pub(crate) fn add(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// Prints the table, and on demand what it is made of.
    pub(crate) fn print(&self, with_files: bool) {
        for part in &self.parts {
            let total = FileResult::total(&part.ours.files);
            println!("\n{}: {} rows, {} windows", part.what, part.rows, total.windows);
            let line = |name: &str, score: f64| println!("  {name:<24} {score:6.2}");
            line("ours", part.ours.normalised);
            println!(
                "    at its best threshold, {:.4}: {} hits, {} false positives; {:.2} at {ALARM}",
                part.ours.threshold, total.hits, total.false_positives, part.at_alarm
            );
            part.baselines.iter().for_each(|(name, score)| line(name, *score));
            for (name, FileResult { windows, hits, false_positives, raw }) in
                part.groups().iter().filter(|_| with_files)
            {
                println!("    {name:<52} {hits} of {windows}, {false_positives} false, {raw:.2}");
            }
        }
        if let Some(speed) = self.speed {
            println!("\n{speed:.0} samples a second on one core");
        }
    }

    /// Writes all of it.
    pub(crate) fn write(&self, out: &Path) -> Result<()> {
        let parts: serde_json::Map<String, Value> =
            self.parts.iter().map(|part| (part.key.to_owned(), part.to_json())).collect();
        let whole = json!({ "parts": parts, "samples_per_second": self.speed });
        if let Some(folder) = out.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(out, format!("{whole:#}\n")).with_context(|| format!("{} cannot be written", out.display()))?;
        println!("\n{}", out.display());
        Ok(())
    }
}
