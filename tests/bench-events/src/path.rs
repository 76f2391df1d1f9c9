//! The price of going by events: from a sender through the real Traefik with the gate, the service and its store to a consumer who
//! reads the tail through the same Traefik, beside the same call made directly to the consumer. One at a time.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use measuring::report::{Figure, Target};
use measuring::statistics::Sample;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use watchgate_tests::client::{Caller, plain};
use watchgate_tests::{Stage, StageOptions};

use crate::event::{Event, Kind, SENDER};
use crate::options::Options;

const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// Milliseconds from the beginning of each call: until it arrived, and until its sender was answered.
#[derive(Default)]
struct Times {
    arrived: Vec<f64>,
    answered: Vec<f64>,
}

/// A consumer who is called.
async fn called() -> Result<(String, mpsc::UnboundedReceiver<Instant>)> {
    let (sender, arrivals) = mpsc::unbounded_channel();
    let consume = move |_: bytes::Bytes| async move {
        // The bench may have ended.
        let _ = sender.send(Instant::now());
        StatusCode::ACCEPTED
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, Router::new().route("/v1/events", post(consume))).into_future());
    Ok((url, arrivals))
}

/// A consumer who reads the tail: tells when each event came.
async fn reading(caller: &Caller) -> Result<mpsc::UnboundedReceiver<Instant>> {
    let (sender, arrivals) = mpsc::unbounded_channel();
    let mut tail = caller.get("/v1/events").header("accept", "text/event-stream").send().await?;
    ensure!(tail.status() == 200, "the tail was answered {}", tail.status());
    tokio::spawn(async move {
        // Each event is written in one piece; a tail that breaks off is missed by whoever waits.
        while let Ok(Some(piece)) = tail.chunk().await {
            let now = Instant::now();
            for _ in piece.windows(13).filter(|bytes| *bytes == b"\"specversion\"") {
                let _ = sender.send(now);
            }
        }
    });
    Ok(arrivals)
}

async fn call(
    caller: &Caller,
    arrivals: &mut mpsc::UnboundedReceiver<Instant>,
    numbers: std::ops::Range<u64>,
) -> Result<Times> {
    let mut times = Times::default();
    for number in numbers {
        let mut body = Vec::new();
        Event(number).send(&mut body);
        let request: RequestBuilder = caller.request(Method::POST, "/v1/events").body(body);
        let request = request.header("content-type", Kind::One.content_type());
        let begun = Instant::now();
        let answer: Response = request.send().await?;
        let answered = begun.elapsed();
        ensure!(answer.status() == 202, "answered {}: {}", answer.status(), answer.text().await?);
        answer.bytes().await?;
        let arrived = timeout(ARRIVES_WITHIN, arrivals.recv()).await.context("an event did not arrive")?;
        let arrived = arrived.context("nobody waits for events any more")?;
        times.arrived.push(arrived.duration_since(begun).as_secs_f64() * 1e3);
        times.answered.push(answered.as_secs_f64() * 1e3);
    }
    Ok(times)
}

async fn rounds(options: &Options) -> Result<Vec<Figure>> {
    let count = options.run.or_quick(500, 20);
    let stage = Stage::start(StageOptions::default()).await?;
    let by_events = stage.caller(SENDER, "events:write")?;
    let reader = stage.caller(SENDER, "events:read")?;
    let (url, mut direct_arrivals) = called().await?;
    let direct = Caller::new(plain()?, &url, None);
    let (mut prices, mut more) = (Vec::new(), Vec::new());
    for round in 0..options.run.rounds() as u64 {
        let first = round * 2 * count;
        let mut arrivals = reading(&reader).await?;
        call(&by_events, &mut arrivals, first..first + count / 10).await?;
        call(&direct, &mut direct_arrivals, 0..count / 10).await?;
        let ours = call(&by_events, &mut arrivals, first + count..first + 2 * count).await?;
        let bare = call(&direct, &mut direct_arrivals, 0..count).await?;
        let [ours, bare] = [ours, bare].map(|times| (Sample::of(times.arrived), Sample::of(times.answered)));
        println!(
            "round {}: to the consumer by events p50 {:.3} ms, p99 {:.3} ms; directly {:.3} ms, {:.3} ms",
            round + 1,
            ours.0.median(),
            ours.0.quantile(0.99),
            bare.0.median(),
            bare.0.quantile(0.99)
        );
        prices.push(ours.0.median() - bare.0.median());
        let told = |(arrived, answered): &(Sample, Sample)| {
            json!({"arrived_p50_ms": arrived.median(), "arrived_p99_ms": arrived.quantile(0.99),
                "answered_p50_ms": answered.median(), "answered_p99_ms": answered.quantile(0.99)})
        };
        more.push(json!({"by_events": told(&ours), "directly": told(&bare)}));
    }
    let what = "price of going by events: gate, service, store and tail, above a direct call, p50".to_owned();
    let values = Sample::of(prices);
    Ok(vec![Figure { key: "path", what, values, unit: "ms", target: Target::None, more: json!({"rounds": more}) }])
}

pub(crate) fn measure(options: &Options) -> Result<Vec<Figure>> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(rounds(options))
}
