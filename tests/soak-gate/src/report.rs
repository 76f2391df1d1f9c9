//! The figures: as a table to read, and as JSON to keep.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use programs::artifacts;
use serde_json::{Value, json};

use crate::gateway::{Gateway, Middleware};
use crate::load::Load;
use crate::memory::{Sample, Watch, cpu_microseconds};
use crate::options::Options;

/// A Traefik is warm after two minutes, or after a fifth of a shorter run.
const WARM_UP_SECONDS: usize = 120;

/// A level is the median of so many seconds: Go gives memory back in waves.
const LEVEL_SECONDS: usize = 60;

/// By so much the level of one and the same Traefik differs from one minute to the next, at the least.
const NOISE_KIB: f64 = 16.0 * 1024.0;

/// What there is to tell.
pub(crate) struct Report<'a> {
    pub(crate) options: &'a Options,
    pub(crate) took: Duration,
    pub(crate) load: &'a Load,
    pub(crate) watch: &'a Watch,
}

impl Report<'_> {
    /// All figures.
    pub(crate) fn figures(&self, rotations: u64, reloads: u64) -> Value {
        let samples = self.watch.samples();
        let counts = self.load.counts();
        let mut traefiks = json!({});
        for (place, gateway) in self.watch.gateways().iter().enumerate() {
            let resident: Vec<f64> = samples.iter().map(|sample| sample.resident_kib[place]).collect();
            let (warm, end) = levels(&resident);
            let cpu = cpu_microseconds(gateway.process()).unwrap_or(f64::NAN) / counts.requests[place] as f64;
            traefiks[gateway.name()] = json!({
                "middleware": if gateway.middleware() == Middleware::Gate { "gate" } else { "empty wasm" },
                "requests": counts.requests[place],
                "cpu_us_per_request": cpu.round(),
                "warm_kib": warm, "end_kib": end, "growth_kib": end - warm,
                "most_kib": resident.iter().copied().fold(0.0, f64::max),
                "resident_kib_every_second": resident,
            });
        }
        json!({
            "seconds": self.took.as_secs(),
            "tokens": self.options.tokens,
            "connections": self.options.connections(),
            "key_rotations": rotations,
            "reloads": reloads,
            "requests_at_gates": self.load.at_gates(),
            "requests_per_second_at_gates": (self.load.at_gates() as f64 / self.took.as_secs_f64()).round(),
            "permitted": counts.permitted, "unauthorized": counts.unauthorized, "forbidden": counts.forbidden,
            "within_a_second_of_a_rotation": counts.in_transition,
            "wrong": counts.wrong, "first_wrong": self.load.first_wrong(),
            "warm_after_seconds": warm_up(samples.len()), "level_seconds": level(samples.len()),
            "requests_when_warm": samples.get(warm_up(samples.len())).map(requests),
            "traefiks": traefiks,
        })
    }

    pub(crate) fn print(&self, figures: &Value) {
        println!(
            "\n{} s, {} requests at the gates ({}/s), {} key rotations, {} reloads, {} wrong answers",
            figures["seconds"],
            figures["requests_at_gates"],
            figures["requests_per_second_at_gates"],
            figures["key_rotations"],
            figures["reloads"],
            figures["wrong"]
        );
        let (requests, cpu) = ("requests", "CPU us each");
        println!(
            "{:<8} {requests:>10} {cpu:>12} {:>12} {:>12} {:>12} {:>12}",
            "", "warm KiB", "end KiB", "growth", "most"
        );
        for gateway in self.watch.gateways() {
            let of = &figures["traefiks"][gateway.name()];
            let shown = |name: &str| format!("{:.0}", of[name].as_f64().unwrap_or(f64::NAN));
            println!(
                "{:<8} {:>10} {:>12} {:>12} {:>12} {:>12} {:>12}",
                gateway.name(),
                shown("requests"),
                shown("cpu_us_per_request"),
                shown("warm_kib"),
                shown("end_kib"),
                shown("growth_kib"),
                shown("most_kib")
            );
        }
    }

    /// Gates that grow more than the empty module beside them keep something. By how much two that are the same differ is
    /// what chance does in such a run.
    pub(crate) fn judge_growth(&self, figures: &Value) -> Result<()> {
        let growth = |middleware: Middleware| -> Vec<f64> {
            let of = |gateway: &&Gateway| gateway.middleware() == middleware;
            let names = self.watch.gateways().iter().filter(of).map(Gateway::name);
            names.filter_map(|name| figures["traefiks"][name]["growth_kib"].as_f64()).collect()
        };
        let (gates, empty) = (growth(Middleware::Gate), growth(Middleware::Empty));
        ensure!(gates.len() == 2 && empty.len() == 1, "too short to see what anything grows by");
        let noise = (gates[0] - gates[1]).abs().max(NOISE_KIB);
        let (gates, empty) = ((gates[0] + gates[1]) / 2.0, empty[0]);
        ensure!(
            gates <= empty.max(0.0) + noise,
            "the gates grew by {gates:.0} KiB, the empty module by {empty:.0} KiB; chance makes {noise:.0} KiB"
        );
        Ok(())
    }
}

/// Writes the JSON.
pub(crate) fn write(options: &Options, figures: &Value) -> Result<()> {
    let folder = artifacts::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    let out = options.out(folder);
    fs::write(&out, format!("{figures}\n")).with_context(|| format!("{} cannot be written", out.display()))?;
    println!("\n{}", out.display());
    Ok(())
}

fn requests(sample: &Sample) -> u64 {
    sample.requests.iter().sum()
}

/// The level when warm and the level at the end.
fn levels(resident: &[f64]) -> (f64, f64) {
    let (warm, level) = (warm_up(resident.len()), level(resident.len()));
    let end = resident.len().saturating_sub(level);
    (median(&resident[warm.min(end)..(warm + level).min(resident.len())]), median(&resident[end..]))
}

fn warm_up(seconds: usize) -> usize {
    WARM_UP_SECONDS.min(seconds / 5)
}

fn level(seconds: usize) -> usize {
    LEVEL_SECONDS.min(seconds / 5)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_from_the_warm_level_to_the_last() {
        let risen: Vec<f64> = (0..900).map(|second| if second < 120 { 5.0 } else { f64::from(second) }).collect();
        assert_eq!(levels(&risen), (150.0, 870.0));
        assert_eq!(levels(&[7.0; 30]), (7.0, 7.0));
    }
}
