//! Plays scenarios with many seeds and tells which hold: `make scenarios`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use bench_scenarios::play::{Played, play};
use bench_scenarios::summary::Summary;
use clap::Parser;
use serde_json::{Value, json};
use telemetry_traces::{Rate, SCENARIOS, Scenario};

/// A series is at most so many bytes.
const SERIES_BYTES: usize = 2048;

/// Plays the scenarios to the diagnosis, and holds what it raises against what should be raised. Ends with 1 when one does not hold.
#[derive(Debug, Parser)]
struct Options {
    /// Only scenarios with this in their names
    #[arg(long, value_name = "PART")]
    only: Vec<String>,

    /// With which seeds, both included; docs/DIAGNOSIS.md says which were looked at while the rules were made
    #[arg(long, value_name = "FROM..TO", default_value = "1006..1020", value_parser = seeds)]
    seeds: (u64, u64),

    /// How many of the seeds are played at each frame too, 60 rows a second instead of one; not traces of days
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    each_frame: usize,

    /// Print every incident too
    #[arg(long)]
    incidents: bool,

    /// Where the figures go
    #[arg(long, value_name = "FILE", default_value = "target/bench/scenarios.json")]
    out: PathBuf,
}

/// What came of all scenarios at one rate.
#[derive(Default)]
struct Whole {
    scenarios: serde_json::Map<String, Value>,
    held: usize,
    played: usize,
    missed: usize,
    false_alarms: usize,
    device_hours: f64,
    samples: usize,
    most_series: usize,
    seconds: f64,
}

fn seeds(text: &str) -> Result<(u64, u64)> {
    let (from, to) = text.split_once("..").context("seeds are FROM..TO")?;
    let (from, to): (u64, u64) = (from.parse()?, to.parse()?);
    ensure!(from <= to, "seeds are FROM..TO, both included");
    Ok((from, to))
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let is_asked =
        |scenario: &&Scenario| options.only.is_empty() || options.only.iter().any(|part| scenario.name.contains(part));
    let asked: Vec<&Scenario> = SCENARIOS.iter().filter(is_asked).collect();
    if asked.is_empty() {
        bail!("no scenario has such a name");
    }
    let seeds: Vec<u64> = (options.seeds.0..=options.seeds.1).collect();
    println!("{}", Summary::HEAD);
    let sampled = Whole::of(&asked, &seeds, None, options.incidents)?;
    let frames: Vec<&Scenario> = asked.into_iter().filter(|scenario| !scenario.is_of_days()).collect();
    let some: Vec<u64> = seeds.iter().copied().take(options.each_frame).collect();
    let each_frame = if some.is_empty() || frames.is_empty() {
        Whole::default()
    } else {
        println!("\nat each frame, 60 a second, seeds {some:?}");
        Whole::of(&frames, &some, Some(Rate::EACH_FRAME), options.incidents)?
    };
    println!("\none row a second:  {}", sampled.line());
    if each_frame.played > 0 {
        println!("at each frame:     {}", each_frame.line());
    }
    let whole = json!({
        "seeds": seeds, "usual_rate": sampled.to_json(),
        "seeds_at_each_frame": some, "each_frame": each_frame.to_json(),
    });
    if let Some(folder) = options.out.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&options.out, format!("{whole:#}\n"))
        .with_context(|| format!("{} cannot be written", options.out.display()))?;
    println!("figures: {}", options.out.display());
    let holds = sampled.held == sampled.played && each_frame.held == each_frame.played;
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Whole {
    fn of(asked: &[&Scenario], seeds: &[u64], rate: Option<Rate>, with_incidents: bool) -> Result<Self> {
        let (mut whole, begins) = (Self::default(), Instant::now());
        for scenario in asked {
            let played = play_all(scenario, seeds, rate)?;
            let summary = Summary { name: scenario.name, played: &played };
            println!("{}", summary.line());
            played.iter().for_each(|played| tell(played, with_incidents));
            whole.add(&summary);
        }
        whole.seconds = begins.elapsed().as_secs_f64();
        Ok(whole)
    }

    fn add(&mut self, summary: &Summary<'_>) {
        let sum = |one: &mut usize, more: usize| *one = one.saturating_add(more);
        sum(&mut self.held, summary.holding());
        sum(&mut self.played, summary.played.len());
        sum(&mut self.missed, summary.missed());
        sum(&mut self.false_alarms, summary.extra());
        self.device_hours += summary.device_hours();
        for played in summary.played {
            sum(&mut self.samples, played.judged);
            self.most_series = self.most_series.max(played.series);
        }
        self.scenarios.insert(summary.name.to_owned(), summary.to_json());
    }

    fn line(&self) -> String {
        format!(
            "{} of {} hold; {} causes missed; {} false alarms in {:.0} device-hours; {:.0} million samples in {:.0} s on all cores, {:.1} MiB of series at most",
            self.held,
            self.played,
            self.missed,
            self.false_alarms,
            self.device_hours,
            self.samples as f64 / 1e6,
            self.seconds,
            self.most_series.saturating_mul(SERIES_BYTES) as f64 / 1_048_576.0,
        )
    }

    fn to_json(&self) -> Value {
        json!({
            "held": self.held, "played": self.played, "missed": self.missed, "false_alarms": self.false_alarms,
            "device_hours": self.device_hours, "samples": self.samples, "seconds": self.seconds, "most_series": self.most_series,
            "scenarios": self.scenarios,
        })
    }
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
