//! What an hour shows and a minute does not. Two Traefik processes with the gate share one trust directory, a third runs
//! an empty wasm middleware; all three get the same number of requests while keys change and configurations reload. Each
//! answer is known beforehand: one that is wrong fails the run.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the soak, which is what a wrong figure shall do"
)]

mod back_end;
mod connection;
mod gateway;
mod issuer;
mod load;
mod memory;
mod options;
mod report;
mod rotation;

use std::cell::Cell;
use std::env;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser as _;
use programs::guardian::Guardian;
use tokio::task::LocalSet;

use gateway::{Gateway, Middleware, Surroundings};
use issuer::Generation;
use load::Load;
use memory::Watch;
use options::Options;
use rotation::Keys;

fn main() -> ExitCode {
    match soak(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak-gate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn soak(options: &Options) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("watchgate-soak-").tempdir()?.keep();
    let guardian = Arc::new(Guardian::start(env::var_os("WATCHGATE_KEEP").is_none().then_some(&folder))?);
    println!("signing {} tokens", options.tokens);
    let first = Generation::make(1, options.tokens)?;
    gateway::write_trust(&folder, &first)?;
    let surroundings = Surroundings { folder: folder.clone(), back_end_url: back_end::start()?, guardian };
    println!("starting two Traefik processes with the gate, and one with an empty wasm middleware");
    let gateways = Rc::new([
        Gateway::start(&surroundings, "gate-1", Middleware::Gate, first.a_good_request())?,
        Gateway::start(&surroundings, "gate-2", Middleware::Gate, first.a_good_request())?,
        Gateway::start(&surroundings, "empty", Middleware::Empty, first.a_good_request())?,
    ]);

    let keys = Rc::new(Keys::new(first, folder));
    let load = Rc::new(Load::new(Rc::clone(&keys), Rc::clone(&gateways)));
    let watch = Rc::new(Watch::new(Rc::clone(&gateways), Rc::clone(&load)));
    let reloads = Rc::new(Cell::new(0));
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = LocalSet::new().block_on(&runtime, async {
        for index in 0..options.connections() {
            tokio::task::spawn_local(Rc::clone(&load).run(index, options.pause()));
        }
        let rotating = Rc::clone(&keys).rotate(options.tokens);
        let reloading = reload_every(options.reload(), Rc::clone(&gateways), Rc::clone(&reloads));
        tokio::select! {
            rotated = rotating => rotated,
            reloaded = reloading => reloaded,
            watched = Rc::clone(&watch).run() => watched,
            () = until_done(options, began, &load, &reloads, &keys) => Ok(()),
        }
    });
    let report = report::Report { options, took: began.elapsed(), load: &load, watch: &watch };
    let figures = report.figures(keys.rotations(), reloads.get());
    report::write(options, &figures)?;
    report.print(&figures);
    for gateway in gateways.iter().filter(|_| ended.is_err() || load.has_failed()) {
        eprintln!("--- {}\n{}", gateway.name(), gateway.log());
    }
    ended?;
    ensure!(!load.has_failed(), "{} answers were wrong; the first: {}", load.wrong(), load.first_wrong());
    report.judge_growth(&figures)
}

/// Until time is up, or so many requests or reloads are done.
async fn until_done(options: &Options, began: Instant, load: &Load, reloads: &Cell<u64>, keys: &Keys) {
    let mut said = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if options.is_done(began.elapsed(), load.at_gates(), reloads.get()) || load.has_failed_often() {
            return;
        }
        if said.elapsed() >= options.progress() {
            said = Instant::now();
            println!(
                "{:>5} s: {} requests at the gates, {} key rotations, {} reloads, {} wrong",
                began.elapsed().as_secs(),
                load.at_gates(),
                keys.rotations(),
                reloads.get(),
                load.wrong()
            );
        }
    }
}

/// Rewrites every Traefik's dynamic file at this pace, and sees each one take effect.
async fn reload_every(pace: Duration, gateways: Rc<[Gateway; 3]>, reloads: Rc<Cell<u64>>) -> Result<()> {
    loop {
        let next = tokio::time::Instant::now() + pace;
        tokio::time::sleep_until(next).await;
        let number = reloads.get() + 1;
        for gateway in gateways.iter() {
            gateway.reload(number)?;
        }
        for gateway in gateways.iter() {
            gateway.until_reloaded(number).await?;
        }
        reloads.set(number);
    }
}
