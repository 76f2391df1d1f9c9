//! The figures: as a table to read, and as JSON to keep.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use measuring::statistics::{Sample, rounded};
use measuring::usage::CPU_SOURCE;
use programs::artifacts;
use serde_json::{Value, json};

use crate::gateway::Surroundings;
use crate::options::Options;
use crate::rounds::{Measured, Round};
use crate::route::Route;

/// One route over all rounds.
pub(crate) fn of_route(rounds: &[Round], route: Route) -> Value {
    let sample =
        |figure: fn(&Measured) -> f64| Sample::of(rounds.iter().filter_map(|round| round.get(&route)).map(figure));
    let ratio = |figure: fn(&Measured) -> f64| {
        Sample::of(
            rounds.iter().filter_map(|round| Some(figure(round.get(&route)?) / figure(round.get(&Route::Bare)?))),
        )
    };
    let cpu = sample(|measured| measured.cpu_us_per_request);
    let throughput = sample(|measured| measured.requests_per_second);
    let p99 = sample(|measured| measured.p99_ms);
    let mut figures = json!({
        "cpu_us_per_request": rounded(cpu.median(), 1),
        "requests_per_second": throughput.median().round(),
        "p99_ms": rounded(p99.median(), 3),
        "p50_ms": rounded(sample(|measured| measured.p50_ms).median(), 3),
        "cpu_ratio": ratio(|measured| measured.cpu_us_per_request).to_json(3),
        "requests_per_second_ratio": ratio(|measured| measured.requests_per_second).to_json(3),
        "p99_ratio": ratio(|measured| measured.p99_ms).to_json(2),
        "others_share_of_machine": rounded(sample(|measured| measured.foreign_share).most(), 3),
        "spread": {
            "cpu_us_per_request": cpu.to_json(1),
            "requests_per_second": throughput.to_json(0),
            "p99_ms": p99.to_json(3),
        },
    });
    if route == Route::ForwardAuth {
        figures["cpu_us_per_request_of_the_server_asked"] =
            json!(rounded(sample(|measured| measured.other_cpu_us_per_request).median(), 1));
        figures["server_asked"] = json!("the bench's own axum server, deciding natively with trust-core's Gate");
    }
    figures
}

/// Prints the ratios.
pub(crate) fn print(rounds: &[Round], routes: &[Route]) {
    println!("\nmedian of {} rounds [least to most]; ratios are to the same round's bare", rounds.len());
    println!("{:<18} {:>8} {:>22} {:>11} {:>22} {:>9}", "", "CPU µs", "ratio", "requests/s", "ratio", "p99 ms");
    for route in routes {
        let figures = of_route(rounds, *route);
        let number = |pointer: &str| figures.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let ratio = |of: &str| {
            let part = |name: &str| number(&format!("/{of}/{name}"));
            format!("{:.3} [{:.3} to {:.3}]", part("median"), part("least"), part("most"))
        };
        println!(
            "{:<18} {:>8.1} {:>22} {:>11.0} {:>22} {:>9.2}",
            route.name(),
            number("/cpu_us_per_request"),
            ratio("cpu_ratio"),
            number("/requests_per_second"),
            ratio("requests_per_second_ratio"),
            number("/p99_ms"),
        );
    }
}

/// What the figures were taken on and how.
pub(crate) fn circumstances(rounds: usize, options: &Options, surroundings: &Surroundings<'_>) -> Result<Value> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let version = Command::new(artifacts::traefik()?).arg("version").output().context("Traefik does not start")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let field =
        |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    let changed: Vec<_> = surroundings.header_changes.iter().map(|(name, _)| name).collect();
    Ok(json!({
        "rounds": rounds,
        "seconds_each": {"warm_up": options.warm_up(), "full_load": options.seconds(), "fixed_rate": options.paced_seconds()},
        "one_traefik_for_all_routes": !options.separate,
        "headers_changed": changed,
        "token_bytes": surroundings.good_token.len(),
        "cpu": model.trim_start_matches([' ', '\t', ':']),
        "cores": std::thread::available_parallelism()?.get(),
        "kernel": kernel.trim(),
        "traefik": field("Version:"),
        "go": field("Go version:"),
        "plugin_bytes": fs::metadata(artifacts::plugin()?.join("plugin.wasm"))?.len(),
        "cpu_time": CPU_SOURCE,
        "load": "32 connections of HTTP/1.1 in clear text, kept; load generator, back end and Traefik share the machine",
    }))
}
