//! Plays scenarios with many seeds and tells which hold: `make scenarios`.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail, ensure};
use bench_scenarios::play::{Played, play};
use bench_scenarios::summary::Summary;
use clap::Parser;
use serde_json::json;
use telemetry_traces::{Rate, SCENARIOS, Scenario};

/// Plays the scenarios to the diagnosis, and holds what it raises against what should be raised.
#[derive(Debug, Parser)]
struct Options {
    /// Only scenarios with this in their names
    #[arg(long, value_name = "PART")]
    only: Vec<String>,

    /// With which seeds; 1001..1020 were not used when the rules were made
    #[arg(long, value_name = "FROM..TO", default_value = "1001..1020", value_parser = seeds)]
    seeds: (u64, u64),

    /// Each frame, as a collector sends it, instead of one each second
    #[arg(long)]
    each_frame: bool,

    /// Print every incident too
    #[arg(long)]
    incidents: bool,

    /// Where the figures go
    #[arg(long, value_name = "FILE", default_value = "target/bench/scenarios.json")]
    out: PathBuf,
}

fn seeds(text: &str) -> Result<(u64, u64)> {
    let (from, to) = text.split_once("..").context("seeds are FROM..TO")?;
    let (from, to): (u64, u64) = (from.parse()?, to.parse()?);
    ensure!(from <= to, "seeds are FROM..TO, both included");
    Ok((from, to))
}

fn main() -> Result<()> {
    let options = Options::parse();
    let is_asked =
        |scenario: &&Scenario| options.only.is_empty() || options.only.iter().any(|part| scenario.name.contains(part));
    let asked: Vec<&Scenario> = SCENARIOS.iter().filter(is_asked).collect();
    if asked.is_empty() {
        bail!("no scenario has such a name");
    }
    let seeds: Vec<u64> = (options.seeds.0..=options.seeds.1).collect();
    println!("{}", Summary::HEAD);
    let (mut all, mut holding, mut false_alarms, mut healthy_hours) = (serde_json::Map::new(), true, 0, 0.0);
    for scenario in asked {
        let rate = (options.each_frame && !scenario.is_of_days()).then_some(Rate::EACH_FRAME);
        let played = play_all(scenario, &seeds, rate)?;
        let summary = Summary { name: scenario.name, played: &played };
        println!("{}", summary.line());
        for played in &played {
            tell(played, options.incidents);
        }
        if scenario.is_healthy {
            false_alarms = summary.extra().saturating_add(false_alarms);
            healthy_hours += summary.device_hours();
        }
        holding &= summary.holding() == played.len();
        all.insert(scenario.name.to_owned(), summary.to_json());
    }
    println!("\nhealthy: {false_alarms} false alarms in {healthy_hours:.0} device-hours");
    let whole = json!({
        "seeds": [options.seeds.0, options.seeds.1],
        "rate": if options.each_frame { "each frame" } else { "one row a second" },
        "scenarios": all,
        "healthy": {"false_alarms": false_alarms, "device_hours": healthy_hours},
    });
    if let Some(folder) = options.out.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&options.out, format!("{whole:#}\n"))
        .with_context(|| format!("{} cannot be written", options.out.display()))?;
    println!("{}", options.out.display());
    ensure!(holding, "not every scenario holds");
    Ok(())
}

/// Plays all seeds, on all cores.
fn play_all(scenario: &Scenario, seeds: &[u64], rate: Option<Rate>) -> Result<Vec<Played>> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let played = play(scenario, *seed, rate);
                    if let Ok(mut done) = done.lock() {
                        done.push(played);
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().map_err(|_| anyhow::anyhow!("a player has panicked"))?;
    ensure!(done.len() == seeds.len(), "a player has panicked");
    done.sort_by_key(|played| played.seed);
    Ok(done)
}

fn tell(played: &Played, with_incidents: bool) {
    for failure in &played.failures {
        println!("    seed {}: {failure}", played.seed);
    }
    if with_incidents {
        for (told_at, incident) in &played.incidents {
            let shared: Vec<String> = incident.shared.iter().map(|it| format!("{}={}", it.what, it.value)).collect();
            println!(
                "    seed {}: told {told_at}, began {}: {} [{}]",
                played.seed,
                incident.began_at,
                incident.title,
                shared.join(", ")
            );
            for moved in &incident.moved {
                println!(
                    "        {} {} {} {} {:?} {:?} {} -> {} score {:.2}{}",
                    moved.began_at,
                    moved.series.device,
                    moved.series.scene,
                    moved.series.metric,
                    moved.kind,
                    moved.direction,
                    moved.before,
                    moved.now,
                    moved.score,
                    if moved.is_over { " over" } else { "" }
                );
            }
        }
    }
}
