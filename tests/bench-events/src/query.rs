//! The last hundred events of one subject among very many: through the route and through the port, beside the bare SQL on the same
//! file.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use assistant_service::backbone::{Backbone, EventFilter, Order};
use measuring::gate_word::Head;
use measuring::random::Random;
use measuring::service::Ground;
use measuring::statistics::Sample;
use memchr::memmem;
use rusqlite::config::DbConfig;
use rusqlite::{Connection as Sqlite, OpenFlags};
use rustix::fs::{Advice, fadvise};
use serde_json::json;

use crate::bare_sqlite::{file, open};
use crate::blocking::Connection;
use crate::event::{SUBJECTS, subject};
use crate::options::Options;
use crate::service;
use measuring::report::{Figure, Target};

/// SQLite's own index of subjects, on which the bare SQL stands; the service does not know it.
const BARE_INDEX: &str = "CREATE INDEX IF NOT EXISTS bare_by_subject ON events (subject) WHERE subject IS NOT NULL";
const BARE: &str =
    "SELECT position, json FROM events INDEXED BY bare_by_subject WHERE subject = ?1 ORDER BY position DESC LIMIT 100";

/// One side's way to ask; gives how many events it got.
type Ask<'a> = Box<dyn FnMut(&str) -> Result<usize> + 'a>;

/// Asks about subjects, each time in milliseconds.
fn times(ask: &mut Ask<'_>, subjects: &[String], least: usize) -> Result<Sample> {
    let mut times = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let begun = Instant::now();
        let count = ask(subject)?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(count >= least, "{count} events of {subject}");
    }
    Ok(Sample::of(times))
}

/// What the rounds of two sides came to.
#[derive(Default)]
struct Rounds {
    ratios: Vec<f64>,
    ours_p50: Vec<f64>,
    ours_p99: Vec<f64>,
    bare_p50: Vec<f64>,
    bare_p99: Vec<f64>,
}

impl Rounds {
    fn add(&mut self, ours: &Sample, bare: &Sample) {
        self.ratios.push(ours.median() / bare.median());
        self.ours_p50.push(ours.median());
        self.ours_p99.push(ours.quantile(0.99));
        self.bare_p50.push(bare.median());
        self.bare_p99.push(bare.quantile(0.99));
    }

    fn figures(&self, ratio: (&'static str, String), p99: (&'static str, String), target: Target) -> Vec<Figure> {
        let sample = |values: &[f64]| Sample::of(values.iter().copied());
        let more = json!({
            "ours_p50_ms": sample(&self.ours_p50).to_json(3), "bare_p50_ms": sample(&self.bare_p50).to_json(3),
            "bare_p99_ms": sample(&self.bare_p99).to_json(3),
        });
        let values = sample(&self.ratios);
        let first = Figure { key: ratio.0, what: ratio.1, values, unit: "times", target, more: more.clone() };
        let (values, target) = (sample(&self.ours_p99), Target::AtMost(20.0));
        vec![first, Figure { key: p99.0, what: p99.1, values, unit: "ms", target, more }]
    }
}

/// What has been read of the file leaves memory, as if the machine had just started.
fn forget_pages(folder: &Path) -> Result<()> {
    let file = File::open(file(folder))?;
    file.sync_all()?;
    fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok(())
}

pub(crate) fn measure(ground: &Ground, options: &Options, folder: &Path) -> Result<Vec<Figure>> {
    let events = options.large_events();
    let least = if events >= 200 * SUBJECTS { 100 } else { 0 };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut random = Random::seeded(1);
    let mut some =
        |count: usize| -> Vec<String> { (0..count).map(|_| subject(random.below(SUBJECTS as usize) as u64)).collect() };
    let each = options.run.or_quick(400, 20);
    let bare = || -> Result<Ask<'_>> {
        let connection = Sqlite::open_with_flags(file(folder), flags)?;
        // As the service does; without it SQLite plans each time anew.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(Box::new(move |subject: &str| {
            let mut statement = connection.prepare_cached(BARE)?;
            let rows = statement.query_map([subject], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?.len())
        }))
    };
    Sqlite::open(file(folder))?.execute_batch(BARE_INDEX)?;
    let (mut port, mut route, mut cold) = (Rounds::default(), Rounds::default(), Rounds::default());

    let store = open(folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut ask: Ask<'_> = Box::new(|subject: &str| {
        let filter = EventFilter {
            subject: Some(subject.to_owned()),
            limit: 100,
            order: Order::Descending,
            ..EventFilter::default()
        };
        Ok(runtime.block_on(store.query(filter))?.events.len())
    });
    let mut plain = bare()?;
    for _ in 0..options.run.rounds() {
        let subjects = some(each);
        // Each side finds the pages warm: both have asked about these subjects before.
        times(&mut plain, &subjects, least)?;
        let bare = times(&mut plain, &subjects, least)?;
        port.add(&times(&mut ask, &subjects, least)?, &bare);
    }
    drop(ask);
    drop(store);

    let service = service::real(ground, folder, None)?;
    let mut connection = Connection::open(service.port)?;
    let word = &ground.word;
    let mut ask: Ask<'_> = Box::new(|subject: &str| {
        let target = format!("/v1/events?subject={subject}&order=desc&limit=100");
        let mut head = Head::new(word, service.port, "GET", target, String::new());
        let body = connection.exchange(head.text()?, &[], 200)?;
        Ok(memmem::find_iter(body, b"\"position\":").count())
    });
    for _ in 0..options.run.rounds() {
        let subjects = some(each);
        times(&mut plain, &subjects, least)?;
        let bare = times(&mut plain, &subjects, least)?;
        route.add(&times(&mut ask, &subjects, least)?, &bare);
    }
    for _ in 0..options.run.rounds() {
        let (ours, others) = (some(each / 4), some(each / 4));
        forget_pages(folder)?;
        let bare = times(&mut plain, &others, least)?;
        forget_pages(folder)?;
        cold.add(&times(&mut ask, &ours, least)?, &bare);
    }
    drop(ask);
    service.end();

    let what = |how: &str| format!("last 100 of one subject among {events}, {how} / the bare SQL");
    let p99 = |how: &str| format!("p99 of it, {how}");
    let mut figures = port.figures(
        ("query_port", what("by the port")),
        ("query_port_p99", p99("by the port, warm")),
        Target::AtMost(2.0),
    );
    figures.extend(route.figures(
        ("query_route", what("by the route")),
        ("query_route_p99", p99("by the route, warm")),
        Target::AtMost(2.0),
    ));
    figures.extend(cold.figures(
        ("query_cold", what("by the route, pages not in memory")),
        ("query_cold_p99", p99("by the route, pages not in memory")),
        Target::None,
    ));
    Ok(figures)
}
