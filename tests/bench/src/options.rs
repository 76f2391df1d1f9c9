//! What can be asked for.

use std::path::PathBuf;

use clap::Parser;

use crate::route::Route;

/// Measures what the gate costs: CPU time of the Traefik process per request, requests a second and waiting times, each
/// against the same Traefik without the gate. Writes target/bench/gate.json.
#[derive(Debug, Parser)]
#[command(name = "bench-gate", version)]
pub(crate) struct Options {
    /// How many rounds; each visits every route. Many short ones tell more than few long ones: the machine's own speed
    /// drifts [default: 15, quick: 5]
    #[arg(long)]
    rounds: Option<usize>,

    /// Seconds at full load for each route and round [default: 1.5, quick: 1]
    #[arg(long)]
    seconds: Option<f64>,

    /// Seconds of load before each measurement
    #[arg(long, default_value_t = 0.5)]
    warm_up: f64,

    /// Seconds at the fixed rate for each route and round [default: 1.5, quick: 0.5]
    #[arg(long)]
    paced_seconds: Option<f64>,

    /// How often a measurement is made again when other programs disturbed it
    #[arg(long, default_value_t = 3)]
    pub(crate) patience: usize,

    /// Only these routes, and `bare`, with which they are compared; nothing but rounds is measured then
    #[arg(long, value_delimiter = ',')]
    pub(crate) routes: Vec<Route>,

    /// Short: good enough to see a change of 5 %
    #[arg(long)]
    pub(crate) quick: bool,

    /// A Traefik process for each route, in place of one for all
    #[arg(long)]
    pub(crate) separate: bool,

    /// Writes a CPU profile of Traefik during the first round; wants exactly one route
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,

    /// Decides the order of routes and tokens
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Where the figures go [default: target/bench/gate.json; with --routes nowhere]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

impl Options {
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 5 } else { 15 })
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.seconds.unwrap_or(if self.quick { 1.0 } else { 1.5 })
    }

    pub(crate) fn warm_up(&self) -> f64 {
        self.warm_up
    }

    pub(crate) fn paced_seconds(&self) -> f64 {
        self.paced_seconds.unwrap_or(if self.quick { 0.5 } else { 1.5 })
    }

    /// How much of the first minute is watched.
    pub(crate) fn first_seconds(&self) -> usize {
        if self.quick { 15 } else { 60 }
    }

    /// The routes to visit.
    pub(crate) fn visited(&self) -> Vec<Route> {
        if self.routes.is_empty() {
            return Route::ALL.to_vec();
        }
        // A profile is of one process, in which nothing else shall run.
        let is_wanted =
            |route: &Route| self.routes.contains(route) || (*route == Route::Bare && self.profile.is_none());
        Route::ALL.into_iter().filter(is_wanted).collect()
    }
}
