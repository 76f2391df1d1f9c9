//! What many watches that listen cost whoever calls beside them: requests at a fixed rate, in turns without them and with them. A request's
//! time counts from when it should have been sent.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures_util::future::try_join_all;
use measuring::report::{Figure, Target};
use measuring::statistics::Sample;
use reqwest::Response;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use watchgate_tests::Stage;
use watchgate_tests::client::Caller;

use crate::options::Options;

const CONNECTIONS: usize = 32;
/// What is asked for: a token is checked, and the service answers.
const ASKED: &str = "/v1/runbooks";
/// What a watch listens to.
const LISTENED: &str = "/v1/events?type=dev.watchgate.*&source=urn:watchgate:assistant-service";
/// Neither what it takes to connect nor what it takes to hang up is what it takes to listen.
const SETTLED: Duration = Duration::from_secs(3);
/// Each stream has a sign of life of its own every 10 to 15 s. Before the first round with them they have said one, and
/// in each round every one of them says one or two.
const FIRST_SIGNS: Duration = Duration::from_secs(15);

pub(crate) async fn measure(stage: &Stage, options: &Options) -> Result<Figure> {
    let seconds = options.run.or_quick(20.0, 2.0);
    let callers: Vec<Caller> = (0..CONNECTIONS)
        .map(|number| stage.caller(&format!("caller-{number}"), "runbooks:read"))
        .collect::<Result<_>>()?;
    at_rate(&callers, options.rate, 1.0).await?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for round in 1..=options.run.rounds() {
        alone.push(at_rate(&callers, options.rate, seconds).await?.quantile(0.99));
        let watches = listen(stage, options.watches).await?;
        sleep(options.run.or_quick(FIRST_SIGNS, SETTLED)).await;
        beside.push(at_rate(&callers, options.rate, seconds).await?.quantile(0.99));
        let_go(watches).await?;
        sleep(SETTLED).await;
        let (without, with) = (alone[round - 1], beside[round - 1]);
        println!("round {round}: p99 {without:.2} ms without, {with:.2} ms with {} watches", options.watches);
    }
    let ratios = alone.iter().zip(&beside).map(|(without, with)| with / without);
    Ok(Figure {
        key: "beside_watches",
        what: format!(
            "p99 of {:.0} requests/s beside {} watches that listen, by that without them",
            options.rate, options.watches
        ),
        values: Sample::of(ratios),
        unit: "times",
        target: Target::AtMost(1.2),
        more: json!({
            "p99_ms_without": Sample::of(alone).to_json(3), "p99_ms_with": Sample::of(beside).to_json(3),
            "seconds_a_round": seconds, "connections": CONNECTIONS,
        }),
    })
}

/// Each request's time in milliseconds.
async fn at_rate(callers: &[Caller], rate: f64, seconds: f64) -> Result<Sample> {
    let begin = Instant::now() + Duration::from_millis(20);
    let between = callers.len() as f64 / rate;
    let mut connections = JoinSet::new();
    for (index, caller) in callers.iter().enumerate() {
        let (caller, first) = (caller.clone(), begin + Duration::from_secs_f64(index as f64 / rate));
        connections.spawn(async move {
            let mut times = Vec::new();
            for number in 0..(seconds / between) as usize {
                let due = first + Duration::from_secs_f64(between * number as f64);
                sleep_until(due).await;
                let answer = caller.get(ASKED).send().await?;
                ensure!(answer.status() == 200, "answered {}", answer.status());
                answer.bytes().await?;
                times.push(due.elapsed().as_secs_f64() * 1_000.0);
            }
            anyhow::Ok(times)
        });
    }
    let mut all = Vec::new();
    while let Some(times) = connections.join_next().await {
        all.extend(times??);
    }
    Ok(Sample::of(all))
}

/// Each on a connection of its own, with a token of its own, and all of them read, as a watch does. A task ends when its stream does.
async fn listen(stage: &Stage, count: usize) -> Result<JoinSet<Result<()>>> {
    let callers: Vec<Caller> =
        (0..count).map(|number| stage.caller(&format!("watch-{number}"), "events:read")).collect::<Result<_>>()?;
    let mut listening = JoinSet::new();
    // A few at a time: it is not measured how fast connections are made.
    for some in callers.chunks(20) {
        let opened = some.iter().map(async |caller| {
            let answer = caller.get(LISTENED).header("accept", "text/event-stream").send().await?;
            anyhow::Ok(answer.error_for_status()?)
        });
        for watch in try_join_all(opened).await? {
            listening.spawn(read(watch));
        }
    }
    Ok(listening)
}

async fn read(mut watch: Response) -> Result<()> {
    while watch.chunk().await?.is_some() {}
    Ok(())
}

/// Hangs up. Nobody may have been let go before, which would have made the others fast.
async fn let_go(mut watches: JoinSet<Result<()>>) -> Result<()> {
    if let Some(ended) = watches.try_join_next() {
        ended??;
        bail!("a watch was let go");
    }
    watches.shutdown().await;
    Ok(())
}
