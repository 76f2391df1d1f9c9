//! What the gate costs. The real Traefik stands before a one-line back end, with one of several middlewares between or
//! none, and every figure is compared with `bare` of the same round.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

mod answer;
mod back_end;
mod cold;
mod first_minute;
mod forward_auth;
mod gate;
mod gateway;
mod instance_start;
mod issuer;
mod load;
mod open_requests;
mod options;
mod paced;
mod profile;
mod refusals;
mod report;
mod requests;
mod rounds;
mod route;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Parser as _;
use programs::guardian::Guardian;
use programs::process::Process;
use programs::{artifacts, ports};
use serde_json::{Value, json};

use back_end::BackEnd;
use gateway::{Gateway, Surroundings};
use issuer::Issuer;
use options::Options;
use requests::Requests;
use rounds::Course;
use route::Route;

/// By this word the program knows that it is to be the server that `forwardAuth` asks.
const DECIDER: &str = "decide-natively";

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().collect();
    if let [_, word, port, trust] = &*arguments
        && word == DECIDER
    {
        return forward_auth::serve(port.parse()?, Path::new(trust));
    }
    measure(&Options::parse())
}

fn measure(options: &Options) -> Result<()> {
    ensure!(options.profile.is_none() || options.routes.len() == 1, "--profile wants exactly one route in --routes");
    let kept = artifacts::root().join("target/bench");
    let mut issuer = Issuer::open(&kept)?;
    let routes = options.visited();
    let mut requests = BTreeMap::new();
    for count in routes.iter().map(|route| route.tokens()) {
        requests.insert(count, Requests::with_tokens(&issuer.rs256_tokens(count)?));
    }
    let good_token = issuer.rs256_tokens(1)?.remove(0);

    let folder = tempfile::Builder::new().prefix("watchgate-bench-").tempdir()?.keep();
    let guardian = Arc::new(Guardian::start(env::var_os("WATCHGATE_KEEP").is_none().then_some(&folder))?);
    let back_end = BackEnd::start()?;
    let trust = folder.join("trust");
    gate::write_trust(&trust, &issuer)?;
    let decider_port = ports::free()?;
    let surroundings = Surroundings {
        issuer: &issuer,
        header_changes: gate::header_changes(&trust, &good_token)?,
        good_token: &good_token,
        back_end_url: back_end.url(),
        forward_auth_url: format!("http://127.0.0.1:{decider_port}/"),
        guardian: Arc::clone(&guardian),
        folder: folder.clone(),
        serves_profiles: options.profile.is_some(),
    };
    let decider = if routes.contains(&Route::ForwardAuth) {
        let mut command = Command::new(env::current_exe()?);
        command.arg(DECIDER).arg(decider_port.to_string()).arg(&trust);
        Some(Process::start(&mut command, &folder.join("decider.log"), &guardian)?)
    } else {
        None
    };

    println!("starting Traefik with {} routes", routes.len());
    let gateways = if options.separate {
        routes.iter().map(|route| Gateway::start(&surroundings, &[*route])).collect::<Result<Vec<_>>>()?
    } else {
        vec![Gateway::start(&surroundings, &routes)?]
    };
    let course = Course {
        options,
        surroundings: &surroundings,
        gateways: &gateways,
        requests: &requests,
        decider: decider.as_ref().map(Process::id),
    };
    let rounds = course.run(&routes).inspect_err(|_| {
        gateways
            .iter()
            .map(Gateway::log)
            .filter(|log| !log.is_empty())
            .for_each(|log| eprintln!("Traefik's log:\n{log}"));
    })?;
    report::print(&rounds, &routes);

    drop(gateways);
    let mut figures = json!({});
    for route in &routes {
        figures[route.name()] = report::of_route(&rounds, *route);
    }
    figures["circumstances"] = report::circumstances(rounds.len(), options, &surroundings)?;
    if options.routes.is_empty() {
        measure_the_rest(options, &surroundings, &back_end, &requests[&Route::Gate.tokens()], &mut figures)?;
    }
    let out = options.out.clone().or_else(|| options.routes.is_empty().then(|| kept.join("gate.json")));
    if let Some(out) = out {
        fs::write(&out, format!("{figures:#}\n")).with_context(|| format!("{} cannot be written", out.display()))?;
        println!("\n{}", out.display());
    }
    Ok(())
}

/// What needs a Traefik that is fresh.
fn measure_the_rest(
    options: &Options,
    surroundings: &Surroundings<'_>,
    back_end: &BackEnd,
    requests: &Requests,
    figures: &mut Value,
) -> Result<()> {
    println!();
    let in_sandbox = cold::measure(surroundings, options.patience)?;
    figures["cold_us"] = in_sandbox.first;
    figures["known_us"] = in_sandbox.again;
    let started = instance_start::measure(surroundings, back_end, requests, options.patience)?;
    figures["instance_start_us"] = started[Route::Gate.name()].clone();
    figures["instance_start"] = started;
    figures["instance_start"]["of_which"] = in_sandbox.start;
    let open = open_requests::measure(surroundings, back_end, requests)?;
    figures["open_request_kib"] = open[Route::Gate.name()]["rss_kib"].clone();
    figures["open_requests"] = open;
    figures["first_minute"] = first_minute::measure(surroundings, requests, options.first_seconds())?;
    Ok(())
}
