//! From the request for a command until an agent that waits has it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use measuring::client::Client;
use measuring::report::{Figure, Target};
use measuring::statistics::Sample;
use serde_json::json;

use crate::options::Options;
use crate::stand::{SERVICES, Stand, Store, carry_out, lease, request};

/// Long enough that the agent waits again.
const BETWEEN: Duration = Duration::from_millis(8);

pub(crate) async fn measure(stand: &Stand<'_>, options: &Options) -> Result<Figure> {
    let service = SERVICES[0];
    let word = stand.word_on(service);
    let mut agent = Client::connect(&word, stand.service.port).await?;
    let mut people = Client::connect(&stand.ground.word, stand.service.port).await?;
    let mut p99 = Vec::new();
    let mut medians = Vec::new();
    for _ in 0..options.run.rounds() {
        let mut times = Vec::new();
        for _ in 0..options.run.or_quick(500, 30) {
            let waiting = async {
                let leased = lease(&mut agent, service, 20).await?.context("no command came")?;
                Ok::<_, anyhow::Error>((leased, Instant::now()))
            };
            let asking = async {
                tokio::time::sleep(BETWEEN).await;
                let asked = Instant::now();
                request(&mut people, service).await.map(|id| (id, asked))
            };
            let ((leased, arrived), (id, asked)) = tokio::try_join!(waiting, asking)?;
            ensure!(leased["command"]["id"] == id.as_str(), "another command came");
            times.push((arrived - asked).as_secs_f64() * 1000.0);
            carry_out(&mut agent, &leased).await?;
        }
        let times = Sample::of(times);
        p99.push(times.quantile(0.99));
        medians.push(times.median());
    }
    Ok(Figure {
        key: stand.store.or_nats("lease_p99_sqlite", "lease_p99_nats"),
        what: format!("from a request until a waiting agent has it, p99, {}", stand.store.or_nats("SQLite", "NATS")),
        values: Sample::of(p99),
        unit: "ms",
        target: if stand.store == Store::Sqlite { Target::AtMost(30.0) } else { Target::None },
        more: json!({"p50_ms": Sample::of(medians).to_json(3)}),
    })
}
