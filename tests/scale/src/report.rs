//! What is printed and kept.

#![expect(clippy::print_stdout, reason = "it is what the program is for")]

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::check::Point;
use crate::costs::Costs;
use crate::mix::MIX;
use crate::needs::{GATE_CORES, Need, REPLICA_CORES};
use crate::system::Outcome;

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench")
}

pub(crate) fn points(points: &[Point]) {
    println!("the simulation beside what was measured:");
    for point in points {
        let Point { what, source, measured_ms, simulated_ms } = point;
        println!(
            "  {what}: measured {measured_ms:.2} ms, simulated {simulated_ms:.2} ms, {:.2} times ({source})",
            point.ratio()
        );
    }
}

pub(crate) fn needs(needs: &[(f64, Result<Need>)]) {
    println!(
        "\nwhat is needed, hosts of {GATE_CORES} cores for gates and {REPLICA_CORES} for replicas, one of each of which may be lost:"
    );
    for (rate, need) in needs {
        let need = match need {
            Ok(need) => need,
            Err(error) => {
                println!("  {rate:>8} requests/s: cannot be had: {error}");
                continue;
            }
        };
        let hosts = need.hosts;
        println!(
            "  {rate:>8} requests/s: {} gates ({}), {} replicas ({}), {} NATS nodes; {} disks",
            hosts.gates,
            need.gates_for,
            hosts.replicas,
            need.replicas_for,
            hosts.nats,
            hosts.replicas + hosts.nats
        );
        for (name, outcome) in [("all there", &need.whole), ("one of each lost", &need.lost)] {
            println!("    {name:<17} p99 ms {}; busy: {}", p99s(outcome), busy(outcome));
        }
    }
}

pub(crate) fn limit(limit: Option<&(f64, String)>) {
    if let Some((can, why)) = limit {
        println!("\nthe first limit: {can:.0} requests/s of this mix can be had; beyond: {why}");
    }
}

fn p99s(outcome: &Outcome) -> String {
    let of = MIX
        .map(|part| format!("{} {:.1}", part.kind.name(), outcome.quantile(part.kind, 0.99).unwrap_or(f64::NAN) * 1e3));
    of.join(", ")
}

fn busy(outcome: &Outcome) -> String {
    let Outcome { gate, replica, applier, disk, jobs_of_a_record, .. } = outcome;
    format!(
        "gate {gate:.2}, replica {replica:.2}, applying {applier:.2}, disk {disk:.2}; {jobs_of_a_record:.1} jobs a record"
    )
}

fn outcome(outcome: &Outcome) -> Value {
    let mut p99 = json!({});
    for part in MIX {
        p99[part.kind.name()] = json!(outcome.quantile(part.kind, 0.99).map(|seconds| seconds * 1e3));
    }
    json!({
        "p99_ms": p99, "gate": outcome.gate, "replica": outcome.replica, "applier": outcome.applier, "disk": outcome.disk,
        "jobs_of_a_record": outcome.jobs_of_a_record,
    })
}

/// Writes the JSON.
pub(crate) fn write(
    out: &Path,
    costs: &Costs,
    points: &[Point],
    needs: &[(f64, Result<Need>)],
    limit: Option<&(f64, String)>,
) -> Result<()> {
    let needs = needs.iter().map(|(rate, need)| match need {
        Ok(need) => json!({
            "requests_per_second": rate, "gates": need.hosts.gates, "replicas": need.hosts.replicas, "nats": need.hosts.nats,
            "all_there": outcome(&need.whole), "one_of_each_lost": outcome(&need.lost),
        }),
        Err(error) => json!({"requests_per_second": rate, "cannot": error.to_string()}),
    });
    let json = json!({
        "costs": costs.table.iter().map(|(name, cost)| json!({
            "name": name, "value": cost.value, "unit": cost.unit, "known": format!("{:?}", cost.known), "source": cost.source,
        })).collect::<Vec<_>>(),
        "points": points.iter().map(|point| json!({
            "what": point.what, "source": point.source, "measured_ms": point.measured_ms, "simulated_ms": point.simulated_ms,
        })).collect::<Vec<_>>(),
        "needs": needs.collect::<Vec<_>>(),
        "limit": limit.map(|(can, why)| json!({"requests_per_second": can, "why": why})),
    });
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(out, format!("{json:#}\n")).with_context(|| format!("{} cannot be written", out.display()))?;
    println!("\n{}", out.display());
    Ok(())
}
