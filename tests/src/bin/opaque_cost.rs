//! `make bench-opaque`: what an opaque token costs Traefik against a JWT, when both are known, and the exchange beside it.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use futures_util::future::try_join_all;
use serde_json::json;
use watchgate_tests::client::Caller;
use watchgate_tests::identity::IdentityStage;
use watchgate_tests::identity_provider::Resource;
use watchgate_tests::{artifacts, cpu_time};

/// Measures processor time of Traefik for each request, with JWTs and with opaque tokens that the exchange knows, in turns.
#[derive(Parser)]
struct Options {
    /// Turns of each kind.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// How long each turn lasts.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Connections at once, each with a token of its own.
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

/// Processor time for each request of a turn, in microseconds.
struct Turn {
    traefik: f64,
    exchange: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let staged = IdentityStage::start().await?;
    let callers = async |resource: Resource| {
        let mut callers = Vec::new();
        for _ in 0..options.connections {
            let grant = staged.provider.grant(resource.clone()).scope("events:read");
            callers.push(staged.caller(&grant.machine().await?.access)?);
        }
        anyhow::Ok(callers)
    };
    let (jwt, opaque) = (callers(Resource::jwt()).await?, callers(Resource::opaque()).await?);
    let seconds = Duration::from_secs_f64(options.seconds);
    // So that every token is known.
    for callers in [&jwt, &opaque] {
        turn(&staged, callers, Duration::from_secs(1)).await?;
    }
    let (mut ratios, mut shares) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        let (one, other) = (turn(&staged, &jwt, seconds).await?, turn(&staged, &opaque, seconds).await?);
        let ratio = other.traefik / one.traefik;
        println!(
            "{round}: JWT {:.0} µs, opaque {:.0} µs ({ratio:.2} times), and the exchange's own {:.0} µs",
            one.traefik, other.traefik, other.exchange
        );
        ratios.push(ratio);
        shares.push(other.exchange / one.traefik);
    }
    let (ratio, share) = (median(&mut ratios)?, median(&mut shares)?);
    println!("median: {ratio:.2} times a JWT's, and the exchange's own {share:.2} times");
    let folder = artifacts::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    let report = json!({"traefik_cpu_ratio": ratios, "exchange_cpu_share": shares});
    fs::write(folder.join("opaque.json"), format!("{report:#}\n")).context("the report cannot be written")
}

async fn turn(staged: &IdentityStage, callers: &[Caller], lasts: Duration) -> Result<Turn> {
    let used = || anyhow::Ok((cpu_time(staged.stage.traefik_pid())?, cpu_time(staged.exchange.id())?));
    let before = used()?;
    let until = Instant::now().checked_add(lasts).context("too long")?;
    let requests: u32 = try_join_all(callers.iter().map(|caller| bring(caller, until))).await?.into_iter().sum();
    let after = used()?;
    ensure!(requests > 0, "no request was answered");
    let each = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64() * 1e6 / f64::from(requests);
    Ok(Turn { traefik: each(before.0, after.0), exchange: each(before.1, after.1) })
}

/// Brings a token again and again.
async fn bring(caller: &Caller, until: Instant) -> Result<u32> {
    let mut requests = 0_u32;
    while Instant::now() < until {
        let answered = caller.get("/v1/events?limit=1").send().await?;
        ensure!(answered.status() == 200, "answered {}", answered.status());
        answered.bytes().await?;
        requests = requests.saturating_add(1);
    }
    Ok(requests)
}

fn median(values: &mut [f64]) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().context("no round was asked for")
}
