//! How long the real service needs to start on many events, how much memory it has then, and how long a replica needs that has
//! nothing but the log.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use assistant_service::backbone::jetstream::JetStreamBackbone;
use assistant_service::backbone::retention::Retention;
use assistant_service::clock::SystemClock;
use assistant_service::metrics::Metrics;
use measuring::report::{Figure, Target};
use measuring::service::Ground;
use measuring::statistics::Sample;
use measuring::usage;
use programs::nats::{NatsOptions, NatsServer};
use serde_json::{Value, json};

use crate::large_store;
use crate::options::Options;
use crate::service::{self, settings};

fn figure(key: &'static str, what: String, values: Sample, unit: &'static str, target: Target) -> Figure {
    Figure { key, what, values, unit, target, more: Value::Null }
}

/// On the large store.
pub(crate) fn measure(ground: &Ground, options: &Options, folder: &Path) -> Result<Vec<Figure>> {
    let (mut seconds, mut mebibytes) = (Vec::new(), Vec::new());
    for _ in 0..options.run.rounds() {
        let service = service::real(ground, folder, None)?;
        seconds.push(service.started_in.as_secs_f64());
        mebibytes.push(usage::memory(service.id())?.rss_kib / 1024.0);
        service.end();
    }
    let events = options.large_events();
    Ok(vec![
        figure(
            "start_seconds",
            format!("`watchgate serve` listens, {events} events"),
            Sample::of(seconds),
            "s",
            Target::AtMost(2.0),
        ),
        figure(
            "start_mebibytes",
            "resident memory then".to_owned(),
            Sample::of(mebibytes),
            "MiB",
            Target::AtMost(200.0),
        ),
    ])
}

/// A log, a replica that reads all of it, and the same one started again.
pub(crate) fn rebuild(ground: &Ground, options: &Options) -> Result<Vec<Figure>> {
    let events = options.log_events();
    let server = NatsServer::start(&NatsOptions { folder: Some(ground.folder.join("log")), ..NatsOptions::default() })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let filled = runtime.block_on(async {
        let (clock, histogram) = (Arc::new(SystemClock), Metrics::default().jobs_per_commit);
        let folder = ground.folder.join("filler");
        let store =
            JetStreamBackbone::join(&folder, &settings(&server)?, Retention::default(), clock, histogram).await?;
        large_store::append(&store, 0, events, 8).await
    })?;
    println!("a log of {events} events, written in {:.1} s", filled.seconds);
    let folder = ground.folder.join("fresh");
    let service = service::real(ground, &folder, Some(&server))?;
    let (rebuilt, mebibytes) = (service.started_in.as_secs_f64(), usage::memory(service.id())?.rss_kib / 1024.0);
    service.end();
    let (mut again, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..options.run.rounds() {
        let service = service::real(ground, &folder, Some(&server))?;
        again.push(service.started_in.as_secs_f64());
        memory.push(usage::memory(service.id())?.rss_kib / 1024.0);
        service.end();
    }
    let mut first = figure(
        "rebuild_seconds",
        format!("a fresh replica has read a log of {events} events"),
        Sample::of([rebuilt]),
        "s",
        Target::None,
    );
    first.more = json!({"events_per_second": events as f64 / rebuilt, "resident_mebibytes": mebibytes, "fill_seconds": filled.seconds});
    Ok(vec![
        first,
        figure(
            "replica_start_seconds",
            format!("the same replica started again, {events} events"),
            Sample::of(again),
            "s",
            Target::AtMost(2.0),
        ),
        figure(
            "replica_start_mebibytes",
            "resident memory then".to_owned(),
            Sample::of(memory),
            "MiB",
            Target::AtMost(200.0),
        ),
    ])
}
