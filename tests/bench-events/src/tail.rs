//! How long an event takes from its sender to a reader of the tail, at a fixed rate. Its time counts from when it should have been
//! sent, and stands in its data; sender and reader are this process, so that they have one clock.

use std::io::Read as _;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use measuring::gate_word::{GateWord, Head, describe};
use measuring::service::{Ground, Service};
use measuring::statistics::Sample;
use programs::nats::{NatsOptions, NatsServer};
use serde_json::json;

use crate::answer;
use crate::blocking::Connection;
use crate::event::{Event, Kind};
use crate::options::Options;
use crate::service;
use measuring::report::{Figure, Target};

const EVENTS_PER_SECOND: f64 = 2_000.0;
const SENDERS: usize = 32;

/// A reader whose senders have failed must not wait for ever: the tail has signs of life of its own.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(60);

/// Before the digits of a time in microseconds.
const MARK: &[u8] = b"\"due_us\":\"";
const DIGITS: usize = 12;

/// Reads the tail until so many events have come; gives each one's time in milliseconds.
fn read(mut connection: Connection, count: usize, clock: Instant) -> Result<Vec<f64>> {
    let (mut received, mut times) = (Vec::new(), Vec::with_capacity(count));
    let mut piece = [0; 64 * 1024];
    while times.len() < count {
        let length = connection.stream.read(&mut piece)?;
        let now = clock.elapsed().as_micros() as f64;
        ensure!(clock.elapsed() < GIVEN_UP_AFTER, "{} of {count} events have come", times.len());
        ensure!(length > 0, "the tail ended after {} of {count} events", times.len());
        received.extend_from_slice(&piece[..length]);
        let mut done = 0;
        while let Some(at) = received[done..].windows(MARK.len()).position(|bytes| bytes == MARK) {
            let begin = done + at + MARK.len();
            let Some(digits) = received.get(begin..begin + DIGITS) else { break };
            times.push((now - std::str::from_utf8(digits)?.parse::<f64>()?) / 1e3);
            done = begin + DIGITS;
        }
        received.drain(..done);
    }
    Ok(times)
}

fn send(
    port: u16,
    word: &GateWord,
    index: usize,
    count: usize,
    (first, clock): (u64, Instant),
    begin: Instant,
) -> Result<()> {
    let mut connection = Connection::open(port)?;
    let mut body = Vec::new();
    Event(0).send_with(&format!(r#"{{"due_us":"{:012}"}}"#, 0), &mut body);
    let more = describe(Kind::One.content_type(), body.len());
    let mut head = Head::new(word, port, "POST", "/v1/events".to_owned(), more);
    for number in 0..count {
        let place = number * SENDERS + index;
        let due = begin + Duration::from_secs_f64(place as f64 / EVENTS_PER_SECOND);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        body.clear();
        let due_us = due.duration_since(clock).as_micros();
        Event(first + place as u64).send_with(&format!(r#"{{"due_us":"{due_us:012}"}}"#), &mut body);
        answer::check_receipts(connection.exchange(head.text()?, &body, 202)?, Kind::One)?;
    }
    Ok(())
}

fn round(service: &Service, word: &GateWord, seconds: f64, next: &mut u64) -> Result<Sample> {
    let clock = Instant::now();
    let each = (EVENTS_PER_SECOND * seconds) as usize / SENDERS;
    let mut tail = Connection::open(service.port)?;
    let accept = "Accept: text/event-stream\r\n".to_owned();
    tail.send(Head::new(word, service.port, "GET", "/v1/events".to_owned(), accept).text()?, &[])?;
    // The answer's head says that the tail is open; a comment may come with it, an event cannot.
    let mut head = [0; 4096];
    ensure!(tail.stream.read(&mut head)? > 0 && head.starts_with(b"HTTP/1.1 200 "), "the tail was not opened");
    let (first, begin, port) = (*next, Instant::now() + Duration::from_millis(50), service.port);
    *next += (each * SENDERS) as u64;
    thread::scope(|scope| {
        let reader = scope.spawn(move || read(tail, each * SENDERS, clock));
        let senders: Vec<_> = (0..SENDERS)
            .map(|index| scope.spawn(move || send(port, word, index, each, (first, clock), begin)))
            .collect();
        for sender in senders {
            sender.join().map_err(|_| anyhow!("a sender panicked"))??;
        }
        Ok(Sample::of(reader.join().map_err(|_| anyhow!("the reader panicked"))??))
    })
}

pub(crate) fn measure(ground: &Ground, options: &Options) -> Result<Vec<Figure>> {
    let seconds = options.run.or_quick(8.0, 1.0);
    let server =
        NatsServer::start(&NatsOptions { folder: Some(ground.folder.join("tail-nats")), ..NatsOptions::default() })?;
    let services = [
        ("tail_sqlite", "SQLite", service::real(ground, &ground.folder.join("tail"), None)?),
        ("tail_nats", "NATS", service::real(ground, &ground.folder.join("tail-replica"), Some(&server))?),
    ];
    let mut found = services.each_ref().map(|_| (Vec::new(), Vec::new()));
    let mut next = services.each_ref().map(|_| 0);
    for number in 1..=options.run.rounds() {
        for (((_, form, service), (p99, p50)), next) in services.iter().zip(&mut found).zip(&mut next) {
            let times = round(service, &ground.word, seconds, next)?;
            println!("round {number} tail, {form}: p50 {:.2} ms, p99 {:.2} ms", times.median(), times.quantile(0.99));
            p99.push(times.quantile(0.99));
            p50.push(times.median());
        }
    }
    let figures = services.iter().zip(found).map(|((key, form, _), (p99, p50))| Figure {
        key,
        what: format!("{form}: from append to a reader of the tail, p99 at 2,000 events/s"),
        values: Sample::of(p99),
        unit: "ms",
        target: Target::AtMost(50.0),
        more: json!({"p50_ms": Sample::of(p50).to_json(3), "seconds_a_round": seconds}),
    });
    Ok(figures.collect())
}
