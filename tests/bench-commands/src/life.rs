//! Whole lives of commands in a second: requests, leases, beginnings and results as fast as they are answered.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::try_join_all;
use measuring::client::Client;
use measuring::report::{Figure, Target};
use measuring::statistics::Sample;
use measuring::usage;
use serde_json::json;

use crate::options::Options;
use crate::stand::{SERVICES, Stand, Store, carry_out, lease, request};

/// Who asks waits until there are fewer open commands of a service: what stands in a queue makes nothing faster.
const MOST_OPEN: usize = 8;

/// What is open and what is done of one service.
#[derive(Default)]
struct Count {
    asked: AtomicUsize,
    done: AtomicUsize,
}

pub(crate) async fn measure(stand: &Stand<'_>, options: &Options) -> Result<Vec<Figure>> {
    let seconds = options.run.or_quick(10.0, 1.0);
    let (mut rates, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..options.run.rounds() {
        let counts: Vec<Count> = SERVICES.iter().map(|_| Count::default()).collect();
        let is_over = AtomicBool::new(false);
        let before = usage::cpu_time(stand.service.id())?;
        let begun = Instant::now();
        let sides = SERVICES.iter().zip(&counts).map(|(service, count)| async {
            tokio::try_join!(ask(stand, service, count, &is_over), serve(stand, service, count, &is_over))
        });
        let time = async {
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            is_over.store(true, Ordering::Relaxed);
            Ok(())
        };
        tokio::try_join!(try_join_all(sides), time)?;
        let done: usize = counts.iter().map(|count| count.done.load(Ordering::Relaxed)).sum();
        rates.push(done as f64 / begun.elapsed().as_secs_f64());
        cpu.push((usage::cpu_time(stand.service.id())? - before).as_secs_f64() * 1000.0 / done as f64);
    }
    let name = stand.store.or_nats("SQLite", "NATS");
    Ok(vec![
        Figure {
            key: stand.store.or_nats("lives_sqlite", "lives_nats"),
            what: format!("commands through their whole life, {name}"),
            values: Sample::of(rates),
            unit: "1/s",
            target: if stand.store == Store::Sqlite { Target::AtLeast(200.0) } else { Target::None },
            more: json!({"services": SERVICES.len(), "open_at_most": MOST_OPEN * SERVICES.len()}),
        },
        Figure {
            key: stand.store.or_nats("life_cpu_sqlite", "life_cpu_nats"),
            what: format!("the service's CPU for one of them, {name}"),
            values: Sample::of(cpu),
            unit: "ms",
            target: Target::None,
            more: json!({"source": usage::CPU_SOURCE}),
        },
    ])
}

async fn ask(stand: &Stand<'_>, service: &str, count: &Count, is_over: &AtomicBool) -> Result<()> {
    let mut people = Client::connect(&stand.ground.word, stand.service.port).await?;
    while !is_over.load(Ordering::Relaxed) {
        if count.asked.load(Ordering::Relaxed) - count.done.load(Ordering::Relaxed) >= MOST_OPEN {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        request(&mut people, service).await?;
        count.asked.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Carries out until everything that was asked for is done.
async fn serve(stand: &Stand<'_>, service: &'static str, count: &Count, is_over: &AtomicBool) -> Result<()> {
    let word = stand.word_on(service);
    let mut agent = Client::connect(&word, stand.service.port).await?;
    while !is_over.load(Ordering::Relaxed) || count.done.load(Ordering::Relaxed) < count.asked.load(Ordering::Relaxed) {
        if let Some(leased) = lease(&mut agent, service, 1).await? {
            carry_out(&mut agent, &leased).await?;
            count.done.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}
