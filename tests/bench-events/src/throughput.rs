//! How many events a second each side takes: single ones against a store that does nothing, batches against what SQLite and NATS
//! can do by themselves.

use std::time::Duration;

use anyhow::Result;
use measuring::report::{Figure, Target};
use measuring::service::Ground;
use measuring::statistics::Sample;
use measuring::{calm, usage};
use programs::nats::{NatsOptions, NatsServer};
use serde_json::{Value, json};

use crate::bare_nats::BareStream;
use crate::bare_sqlite::{Indexes, Table, check_same_rows};
use crate::event::Kind;
use crate::load::{self, Load, Until};
use crate::options::Options;
use crate::service;

const SINGLE_CONNECTIONS: usize = 64;

/// Callers who send batches, and publishers who do the same without us.
const BATCH_CONNECTIONS: usize = 8;

/// A way that events can go, and what it took in each round.
struct Side<'a> {
    name: &'static str,
    processes: Vec<u32>,
    take: Box<dyn FnMut() -> Result<f64> + 'a>,
    events_per_second: Vec<f64>,
    cpu_us_per_event: Vec<f64>,
    others: f64,
}

impl<'a> Side<'a> {
    fn new(name: &'static str, processes: Vec<u32>, take: impl FnMut() -> Result<f64> + 'a) -> Side<'a> {
        let take = Box::new(take);
        Side { name, processes, take, events_per_second: Vec::new(), cpu_us_per_event: Vec::new(), others: 0.0 }
    }

    fn measure(&mut self, round: usize, patience: usize) -> Result<()> {
        let Side { processes, take, .. } = self;
        let ((rate, cpu), others) = calm::undisturbed(patience, || {
            calm::measured(processes, || {
                let used = || processes.iter().map(|id| usage::cpu_time(*id)).sum::<Result<Duration>>();
                let (before, begun) = (used()?, std::time::Instant::now());
                let rate = take()?;
                let events = rate * begun.elapsed().as_secs_f64();
                Ok((rate, (used()? - before).as_secs_f64() * 1e6 / events))
            })
        })?;
        println!(
            "round {round} {:<34} {rate:>8.0} events/s, {cpu:>6.1} µs CPU, others {:.0} %",
            self.name,
            others * 100.0
        );
        self.events_per_second.push(rate);
        self.cpu_us_per_event.push(cpu);
        self.others = self.others.max(others);
        Ok(())
    }

    fn to_json(&self) -> Value {
        json!({
            "events_per_second": Sample::of(self.events_per_second.iter().copied()).to_json(0),
            "cpu_us_per_event": Sample::of(self.cpu_us_per_event.iter().copied()).to_json(1),
            "others_share_of_machine": self.others,
        })
    }

    fn ratio_to(&self, limit: &Side<'_>) -> Sample {
        Sample::of(self.events_per_second.iter().zip(&limit.events_per_second).map(|(ours, limit)| ours / limit))
    }
}

/// Every side in each round, in turns from both ends.
fn rounds(sides: &mut [Side<'_>], options: &Options) -> Result<()> {
    for side in &mut *sides {
        (side.take)()?;
    }
    for round in 1..=options.run.rounds() {
        for side in &mut *sides {
            side.measure(round, options.patience)?;
        }
        sides.reverse();
    }
    if options.run.rounds() % 2 == 1 {
        sides.reverse();
    }
    Ok(())
}

fn figure(key: &'static str, what: &str, (ours, limit): (&Side<'_>, &Side<'_>), target: Target) -> Figure {
    let more = json!({ours.name: ours.to_json(), limit.name: limit.to_json()});
    Figure { key, what: what.to_owned(), values: ours.ratio_to(limit), unit: "times", target, more }
}

/// One event a request.
pub(crate) fn single(ground: &Ground, options: &Options) -> Result<Vec<Figure>> {
    let until = Until::Seconds(options.run.or_quick(4.0, 0.5));
    let services = [service::on(ground, "sqlite", "single", None)?, service::on(ground, "nothing", "nothing", None)?];
    let mut next = [0, 0];
    let [ours, limit] = &services;
    let [next_ours, next_limit] = &mut next;
    let load = |port| Load { port, word: &ground.word, kind: Kind::One, connections: SINGLE_CONNECTIONS };
    let mut sides = [
        Side::new("SQLite, one event a request", vec![ours.id()], || {
            Ok(load::run(load(ours.port), until, next_ours)?.events_per_second())
        }),
        Side::new("a store that does nothing", vec![limit.id()], || {
            Ok(load::run(load(limit.port), until, next_limit)?.events_per_second())
        }),
    ];
    rounds(&mut sides, options)?;
    let [ours, limit] = &sides;
    let what = "SQLite: one event a request, 64 connections / the same route, a store that does nothing";
    Ok(vec![figure("single", what, (ours, limit), Target::AtLeast(0.5))])
}

/// Batches of a hundred.
pub(crate) fn batches(ground: &Ground, options: &Options) -> Result<Vec<Figure>> {
    let events = options.run.or_quick(60_000, 5_000);
    let server =
        NatsServer::start(&NatsOptions { folder: Some(ground.folder.join("nats")), ..NatsOptions::default() })?;
    let sqlite = service::on(ground, "sqlite", "batches", None)?;
    let jetstream = service::on(ground, "jetstream", "replica", Some(&server))?;
    let server_id = server.id().into_iter();
    let nats_ids: Vec<u32> = server_id.clone().chain([jetstream.id()]).collect();
    let mut table = Table::make(&ground.folder.join("bare"), Indexes::Plain)?;
    let mut plain = Table::make(&ground.folder.join("plain"), Indexes::None)?;
    let mut stream = BareStream::make(&server)?;
    let (mut next_sqlite, mut next_jetstream) = (0, 0);
    let load = |port| Load { port, word: &ground.word, kind: Kind::Batch, connections: BATCH_CONNECTIONS };
    let until = Until::Events(events);
    let mut sides = [
        Side::new("SQLite form, batches of 100", vec![sqlite.id()], || {
            Ok(load::run(load(sqlite.port), until, &mut next_sqlite)?.events_per_second())
        }),
        Side::new("bare inserts, six indexes", Vec::new(), || table.insert(events)),
        Side::new("bare inserts, no indexes", Vec::new(), || plain.insert(events)),
        Side::new("NATS form, batches of 100", nats_ids, || {
            Ok(load::run(load(jetstream.port), until, &mut next_jetstream)?.events_per_second())
        }),
        // A tenth of the events: it is that much slower.
        Side::new("bare publishing", server_id.collect(), || stream.publish(events / 10, BATCH_CONNECTIONS)),
    ];
    rounds(&mut sides, options)?;
    let [sqlite_side, table_side, plain_side, nats_side, bare_side] = &sides;
    let figures = vec![
        figure(
            "batches_sqlite",
            "SQLite: batches of 100 / bare inserts, same rows, an index for each way to ask",
            (sqlite_side, table_side),
            Target::AtLeast(0.5),
        ),
        figure(
            "batches_sqlite_no_indexes",
            "the same / bare inserts without any secondary index",
            (sqlite_side, plain_side),
            Target::None,
        ),
        figure(
            "batches_sqlite_nats",
            "SQLite: batches of 100 / bare publishing to NATS that syncs always",
            (sqlite_side, bare_side),
            Target::AtLeast(1.0),
        ),
        figure(
            "batches_nats",
            "NATS: batches of 100 / bare publishing to the same server",
            (nats_side, bare_side),
            Target::AtLeast(0.8),
        ),
    ];
    drop(sides);
    sqlite.end();
    check_same_rows(&ground.folder.join("batches"))?;
    Ok(figures)
}
