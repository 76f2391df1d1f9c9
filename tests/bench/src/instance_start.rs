//! How long a new instance of the gate takes. Traefik starts one for a request that finds none idle, so requests that are
//! held at the back end make it start one for each that follows.

use std::time::Instant;

use anyhow::{Context, Result};
use measuring::calm;
use measuring::statistics::{Sample, rounded};
use serde_json::{Value, json};

use crate::back_end::BackEnd;
use crate::gateway::{Gateway, Surroundings};
use crate::open_requests::open_warm;
use crate::paced;
use crate::requests::Requests;
use crate::route::Route;

const SAMPLES: usize = 300;

/// One after the other: with an idle instance, and without.
struct Waits {
    idle_us: f64,
    none_us: f64,
}

/// What a request waits longer for a new instance, beyond what bare Traefik needs for one more connection to the back end.
pub(crate) fn measure(
    surroundings: &Surroundings<'_>,
    back_end: &BackEnd,
    requests: &Requests,
    patience: usize,
) -> Result<Value> {
    let gateway = Gateway::start(surroundings, &[Route::Bare, Route::EmptyWasm, Route::Gate])?;
    let waits = |route| {
        let measure = || calm::measured(&[gateway.process.id()], || waits(&gateway, back_end, requests, route));
        Ok::<_, anyhow::Error>(calm::undisturbed(patience, measure)?.0)
    };
    let bare = waits(Route::Bare)?;
    let mut figures = json!({});
    for route in [Route::EmptyWasm, Route::Gate] {
        let with = waits(route)?;
        let start_us = (with.none_us - bare.none_us) - (with.idle_us - bare.idle_us);
        figures[route.name()] = json!(rounded(start_us, 0));
        println!("instance start, {:<12} {start_us:.0} µs", route.name());
    }
    Ok(figures)
}

fn waits(gateway: &Gateway, back_end: &BackEnd, requests: &Requests, route: Route) -> Result<Waits> {
    let mut connections = open_warm(gateway.port(route)?, requests, SAMPLES)?;
    let microseconds = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1e6;
    let mut idle = Vec::with_capacity(SAMPLES);
    for (index, connection) in connections.iter_mut().enumerate() {
        let began = Instant::now();
        paced::exchange(connection, requests.get(index).context("too few requests")?)?;
        idle.push(microseconds(began, Instant::now()));
    }
    back_end.hold();
    let mut none = Vec::with_capacity(SAMPLES);
    for (index, connection) in connections.iter_mut().enumerate() {
        let began = Instant::now();
        paced::send(connection, requests.get(index).context("too few requests")?)?;
        none.push(microseconds(began, back_end.next_arrival()?));
    }
    back_end.release();
    for connection in &mut connections {
        paced::receive(connection)?;
    }
    Ok(Waits { idle_us: Sample::of(idle).median(), none_us: Sample::of(none).median() })
}
