//! A hundred devices send through the real Traefik with the gate to the real service, at a fixed rate; some go bad in turn, and are seen.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use diagnosis::Millis;
use futures_util::future::try_join_all;
use measuring::report::{Figure, Target};
use measuring::statistics::Sample;
use measuring::usage;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{sleep_until, timeout};
use watchgate_tests::client::{Caller, expect_json};
use watchgate_tests::{Stage, StageOptions};

use crate::arrival;
use crate::lab::{DEVICES, Lab, PERIOD, SAMPLES, event};
use crate::options::Options;
use crate::prediction::predict;
use crate::tail;

/// What is asked for.
const SAMPLES_PER_SECOND: f64 = 20_000.0;

/// Until everything stands ready.
const MAKE_READY: Duration = Duration::from_millis(500);

/// An incident that is not seen so long after the last sample is not seen at all.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// The beginning, by both clocks.
#[derive(Clone, Copy)]
struct Begin {
    at: Instant,
    millis: Millis,
}

/// What became of one device's posts: milliseconds of each from when it was due, and from when it was sent, until it was answered.
#[derive(Default)]
struct Posted {
    from_due: Vec<f64>,
    from_sent: Vec<f64>,
    refused: usize,
}

pub(crate) async fn measure(options: &Options) -> Result<Vec<Figure>> {
    let lab = Arc::new(Lab::new(options.incidents()));
    let stage = Stage::start(StageOptions::default()).await?;
    let mut callers = Vec::new();
    for device in 0..DEVICES {
        callers.push(stage.caller(&Lab::name(device), "events:write")?);
    }
    let reader = stage.caller("reader", "events:read metrics:read")?;
    let mut opened = tail::opened(&reader).await?;

    let service = stage.replica_pid(0)?;
    let used = || Ok::<_, anyhow::Error>((usage::cpu_time(service)?, usage::cpu_time(stage.traefik_pid())?));
    let (cpu, machine, ours) = (used()?, usage::machine()?, usage::cpu_time(std::process::id())?);
    let since = SystemTime::now().duration_since(UNIX_EPOCH)? + MAKE_READY;
    let begin = Begin { at: Instant::now() + MAKE_READY, millis: Millis::try_from(since.as_millis())? };
    let sending = callers.into_iter().enumerate().map(|(device, caller)| {
        let lab = Arc::clone(&lab);
        async move { tokio::spawn(async move { send(&lab, device, &caller, begin).await }).await? }
    });
    let posted = try_join_all(sending).await?;
    let elapsed = begin.at.elapsed().as_secs_f64();
    let (after, ours) = (used()?, usage::cpu_time(std::process::id())? - ours);
    let (of_service, of_traefik) = (after.0 - cpu.0, after.1 - cpu.1);
    let wall = begin.at.elapsed() + MAKE_READY;
    let foreign = usage::foreign_share(machine, usage::machine()?, ours + of_service + of_traefik, wall)?;

    let predicted = predict(&lab, lab.batches(), begin.millis);
    let mut seen = Vec::new();
    while seen.len() < predicted.len() {
        let next = timeout(SEEN_WITHIN, opened.recv()).await;
        let seen_so_far = seen.len();
        seen.push(
            next.ok().flatten().with_context(|| format!("{seen_so_far} of {} incidents are seen", predicted.len()))?,
        );
    }
    let page = expect_json(200, reader.get("/v1/incidents?limit=200")).await?;
    let listed = page["incidents"].as_array().map_or(0, Vec::len);
    ensure!(listed == predicted.len(), "{listed} incidents are listed, {} were told", predicted.len());
    let delays = arrival::delays(&predicted, &seen, begin.at)?;

    let circumstances = json!({
        "devices": DEVICES, "samples_a_post": SAMPLES, "seconds": elapsed, "others_used_of_the_machine": foreign,
        "service_cpu_share": of_service.as_secs_f64() / elapsed, "traefik_cpu_share": of_traefik.as_secs_f64() / elapsed,
        "bench_cpu_share": ours.as_secs_f64() / elapsed, "source": usage::CPU_SOURCE,
        "service_rss_mib": usage::memory(service)?.rss_kib / 1024.0,
    });
    let mut figures = posts(&posted, elapsed, &circumstances);
    figures.push(Figure {
        key: "incident_p99",
        what: format!("from the deciding sample until the incident is on the tail, p99 of {}", predicted.len()),
        values: Sample::of([delays.quantile(0.99)]),
        unit: "ms",
        target: Target::AtMost(1000.0),
        more: json!({
            "delays_ms": delays.to_json(1), "incidents": predicted.len(), "circumstances": circumstances,
            "deciding_sample": "the batch after which the pure engine, which hears the same batches in the order in which they are due, tells \
                the incident; its time counts from when it was due to be sent. So the time in which the detector makes sure (8 of 10 s) and in \
                which alarms of one cause are gathered (10 s) is not counted",
        }),
    });
    Ok(figures)
}

fn posts(posted: &[Posted], elapsed: f64, circumstances: &Value) -> Vec<Figure> {
    let all = |of: fn(&Posted) -> &Vec<f64>| Sample::of(posted.iter().flat_map(|one| of(one).iter().copied()));
    let (from_due, from_sent) = (all(|one| &one.from_due), all(|one| &one.from_sent));
    let taken: usize = posted.iter().map(|one| one.from_due.len()).sum();
    let refused: usize = posted.iter().map(|one| one.refused).sum();
    let times =
        |sample: &Sample| json!({"p50_ms": sample.median(), "p99_ms": sample.quantile(0.99), "most_ms": sample.most()});
    let more = json!({"from_due": times(&from_due), "from_sent": times(&from_sent), "circumstances": circumstances});
    vec![
        Figure {
            key: "path_rate",
            what: format!("samples through Traefik, gate and service, {DEVICES} devices, {SAMPLES} in a post"),
            values: Sample::of([(taken * SAMPLES) as f64 / elapsed]),
            unit: "1/s",
            target: Target::AtLeast(SAMPLES_PER_SECOND),
            more: more.clone(),
        },
        Figure {
            key: "path_errors",
            what: "posts that were not taken".to_owned(),
            values: Sample::of([refused as f64]),
            unit: "",
            target: Target::AtMost(0.0),
            more: json!({"taken": taken}),
        },
        Figure {
            key: "post_p99",
            what: "a post, from when it was due until it is answered, p99".to_owned(),
            values: Sample::of([from_due.quantile(0.99)]),
            unit: "ms",
            target: Target::None,
            more,
        },
    ]
}

/// Sends all of a device, each batch when it is due or, if that is later, when the one before it is answered.
async fn send(lab: &Lab, device: usize, caller: &Caller, begin: Begin) -> Result<Posted> {
    let mut posted = Posted::default();
    for number in 0..lab.batches() {
        let batch = lab.batch(device, number, begin.millis);
        let body = event(&Lab::name(device), number, &batch).to_string();
        let request = caller.request(Method::POST, "/v1/events").header("content-type", "application/cloudevents+json");
        let due = begin.at + Lab::due(device, number);
        sleep_until(due.into()).await;
        let sent = Instant::now();
        let answer = request.body(body).timeout(PERIOD * 60).send().await;
        let is_taken = match answer {
            Ok(answer) => answer.status() == 202 && answer.bytes().await.is_ok(),
            Err(_) => false,
        };
        if is_taken {
            posted.from_due.push(due.elapsed().as_secs_f64() * 1e3);
            posted.from_sent.push(sent.elapsed().as_secs_f64() * 1e3);
        } else {
            posted.refused += 1;
        }
    }
    Ok(posted)
}
