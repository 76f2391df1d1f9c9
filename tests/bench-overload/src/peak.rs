//! The most that the service carries, by load that grows, and what is left of that at twice and four times as much.

use std::time::Duration;

use anyhow::{Result, ensure};
use measuring::report::{Figure, Target};
use measuring::statistics::{Sample, rounded};
use measuring::usage;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::connection::Kind;
use crate::load::{self, CONNECTIONS, Numbers, Outcome, Sender};
use crate::options::{Options, Part};
use crate::stand::{SENDERS, Stand};

/// The first rate that is tried, and by how much it grows.
const FIRST_RATE: f64 = 500.0;
const GROWTH: f64 = 1.15;

/// More load than the peak's is seen by goodput that stays below what is due.
const CARRIED: f64 = 0.97;

/// All senders together at this rate.
pub(crate) fn at(
    runtime: &Runtime,
    stand: &Stand,
    (kind, rate): (Kind, f64),
    times: (Duration, Duration),
    numbers: &Numbers,
) -> Result<Outcome> {
    let count = SENDERS.len();
    let senders: Vec<Sender<'_>> = SENDERS
        .iter()
        .zip(&stand.words)
        .map(|(subject, word)| Sender {
            subject,
            word,
            kind,
            connections: CONNECTIONS / count,
            rate: rate / count as f64,
        })
        .collect();
    let outcomes = load::run(runtime, stand.service.port, &senders, times, numbers)?;
    Ok(outcomes.into_iter().fold(Outcome::default(), |mut sum, one| {
        sum.seconds = one.seconds;
        sum.due += one.due;
        sum.good += one.good;
        sum.late += one.late;
        sum.shed_503 += one.shed_503;
        sum.shed_429 += one.shed_429;
        sum.other += one.other;
        sum.broken += one.broken;
        sum.unsent += one.unsent;
        sum.opened += one.opened;
        sum.took_ms.extend(one.took_ms);
        sum.refused_ms.extend(one.refused_ms);
        sum
    }))
}

/// Finds the peak: the best goodput of rates that grow until twice in a row less is carried than is due.
pub(crate) fn peak(
    runtime: &Runtime,
    stand: &Stand,
    kind: Kind,
    times: (Duration, Duration),
    numbers: &Numbers,
) -> Result<(f64, f64)> {
    let (mut rate, mut best, mut over) = (FIRST_RATE, (0.0_f64, f64::NAN), 0);
    while over < 2 {
        let outcome = at(runtime, stand, (kind, rate), times, numbers)?;
        said("growing", rate, &outcome);
        if outcome.goodput() > best.0 {
            best = (outcome.goodput(), outcome.p99_ms());
        }
        over = if outcome.share(outcome.good) < CARRIED { over + 1 } else { 0 };
        rate *= GROWTH;
    }
    ensure!(best.0 > 0.0, "nothing was carried");
    Ok(best)
}

/// The figures of one kind: their keys and what they are of.
struct Named {
    kind: Kind,
    keys: [&'static str; 4],
    what: &'static str,
}

const READS: Named = Named {
    kind: Kind::Read,
    keys: ["read_peak", "read_twice", "read_four_times", "read_memory"],
    what: "reads of ten events",
};
const WRITES: Named = Named {
    kind: Kind::Write,
    keys: ["write_peak", "write_twice", "write_four_times", "write_memory"],
    what: "events to be stored",
};

/// Some figures for each kind.
pub(crate) fn measure(runtime: &Runtime, stand: &Stand, options: &Options) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let numbers = Numbers::new(1);
    // Something to read.
    let times = (Duration::ZERO, Duration::from_secs(1));
    at(runtime, stand, (Kind::Write, 100.0), times, &numbers)?;
    if options.wants(Part::Reads) {
        figures.extend(measure_kind(runtime, stand, options, &READS, &numbers)?);
    }
    if options.wants(Part::Writes) {
        figures.extend(measure_kind(runtime, stand, options, &WRITES, &numbers)?);
    }
    Ok(figures)
}

fn measure_kind(
    runtime: &Runtime,
    stand: &Stand,
    options: &Options,
    named: &Named,
    numbers: &Numbers,
) -> Result<Vec<Figure>> {
    let warm_up = Duration::from_millis(options.run.or_quick(1000, 500));
    let times = (warm_up, Duration::from_millis(options.run.or_quick(4000, 1000)));
    let (mut peaks, mut twice, mut four, mut more) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let before = usage::memory(stand.service.id())?.rss_kib;
    for _ in 0..options.run.rounds() {
        let (peak, p99) = peak(runtime, stand, named.kind, times, numbers)?;
        peaks.push(peak);
        let mut round = json!({"peak": rounded(peak, 0), "p99_ms": rounded(p99, 1)});
        for (name, factor, ratios) in [("twice", 2.0, &mut twice), ("four_times", 4.0, &mut four)] {
            let outcome = at(runtime, stand, (named.kind, peak * factor), times, numbers)?;
            said(name, peak * factor, &outcome);
            ratios.push(outcome.goodput() / peak);
            round[name] = told(&outcome);
        }
        more.push(round);
    }
    let grown = (usage::peak_kib(stand.service.id())? - before) / 1024.0;
    let figure = |place: usize, what: String, values: Vec<f64>, unit, target, more: Value| Figure {
        key: named.keys[place],
        what,
        values: Sample::of(values),
        unit,
        target,
        more,
    };
    let what = named.what;
    Ok(vec![
        figure(0, format!("{what}: the most that are answered in time"), peaks, "per s", Target::None, json!(more)),
        figure(1, format!("{what}: at twice that load, of the peak"), twice, "", Target::AtLeast(0.8), Value::Null),
        figure(2, format!("{what}: at four times that load, of the peak"), four, "", Target::AtLeast(0.8), Value::Null),
        figure(3, format!("{what}: the most memory beside that before"), vec![grown], "MiB", Target::None, Value::Null),
    ])
}

fn told(outcome: &Outcome) -> Value {
    let share = |count| rounded(outcome.share(count), 4);
    let refused = Sample::of(outcome.refused_ms.iter().copied());
    json!({
        "goodput": rounded(outcome.goodput(), 0), "p99_ms": rounded(outcome.p99_ms(), 1), "late": share(outcome.late),
        "shed_503": share(outcome.shed_503), "shed_429": share(outcome.shed_429), "other": share(outcome.other),
        "broken": share(outcome.broken), "no_connection_free": share(outcome.unsent), "connections_opened": outcome.opened,
        "refused_after_ms": {"p50": rounded(refused.median(), 1), "p99": rounded(refused.quantile(0.99), 1)},
    })
}

fn said(name: &str, rate: f64, outcome: &Outcome) {
    println!("{name:<10} {rate:>8.0} per s: {}", told(outcome));
}
