//! What the service adds to a model's first word: from the question until the server has the whole request, and from the first
//! byte of the answer until the first word is there; beside a bare HTTP client that does the same in the same run.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

mod bare;
mod models;
mod server;

use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use measuring::statistics::Sample;

use bare::Bare;
use models::Models;
use server::Server;

/// Ours until the first word, beyond what a bare client takes.
const MOST_MILLISECONDS: f64 = 10.0;

/// Measures what the service adds to a model's first word.
#[derive(Debug, Parser)]
#[command(name = "bench-model", version)]
struct Options {
    /// How many questions each side asks
    #[arg(long, default_value_t = 1000)]
    questions: usize,
}

/// When a question was asked, and when its first word was there.
struct Asked {
    at: Instant,
    first_word: Instant,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let server = Server::start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (unlimited, limited) = (Models::open(&server, false)?, Models::open(&server, true)?);
    let bare = Bare::new(&server)?;
    let mut sides = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..options.questions + WARM_UP {
        // Every side in every round, so that whatever disturbs one disturbs all.
        let asked =
            [runtime.block_on(bare.ask())?, runtime.block_on(unlimited.ask())?, runtime.block_on(limited.ask())?];
        let seen = server.seen(asked.len())?;
        for ((side, asked), seen) in sides.iter_mut().zip(&asked).zip(seen) {
            if round >= WARM_UP {
                let ours = seen.received.duration_since(asked.at) + asked.first_word.duration_since(seen.answered);
                side.push(ours.as_secs_f64() * 1000.0);
            }
        }
    }
    report(sides.map(Sample::of))
}

const WARM_UP: usize = 20;

fn report([bare, unlimited, limited]: [Sample; 3]) -> Result<()> {
    println!("until the first word, in ms, without the model's own time   median      p99");
    for (side, sample) in
        [("a bare client", &bare), ("the models", &unlimited), ("the models, within budgets", &limited)]
    {
        println!("{side:<58} {:>8.3} {:>8.3}", sample.median(), sample.quantile(0.99));
    }
    let added = limited.median() - bare.median();
    println!("added to a bare client: {:.3} ms, with budgets {added:.3} ms", unlimited.median() - bare.median());
    ensure!(added < MOST_MILLISECONDS, "more than {MOST_MILLISECONDS} ms");
    Ok(())
}
