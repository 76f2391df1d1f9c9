//! Every protocol under every condition, in turns, so that what else the machine does falls on all of them alike.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use measuring::statistics::Sample;
use serde_json::{Value, json};
use watchgate_tests::{BackEnd, Stage, StageOptions, shipped_gate};

use crate::far::Far;
use crate::job::{Gateway, Job, OBJECT_BYTES, OBJECTS, Protocol, Taken, Work};
use crate::link::{self, Conditions, Link};
use crate::{Options, back_end, plot, table};

/// How often in each round.
const FIRST_BYTES: usize = 4;
const PAGES: usize = 2;
const MOVES: usize = 1;

/// What was measured of one protocol under one condition.
pub(crate) struct Cell {
    pub(crate) protocol: Protocol,
    pub(crate) conditions: Conditions,
    pub(crate) connected: Sample,
    pub(crate) first_byte: Sample,
    pub(crate) page: Sample,
    /// Only without loss: there the change of address alone is seen.
    pub(crate) moved: Sample,
    pub(crate) failures: Vec<String>,
}

/// Longer than a whole run, some ten minutes.
const HOLDS_SECONDS: i64 = 3_600;

pub(crate) async fn run(options: &Options) -> Result<()> {
    let back_end = back_end::start().await?;
    let mut gate = shipped_gate()?;
    gate["rules"] = json!([{"name": "all", "match": "PathPrefix(`/`)", "require": "Scope(`objects:read`)"}]);
    let stage = StageOptions {
        back_end: BackEnd::DropIn(back_end),
        gate: Some(gate),
        listens_everywhere: true,
        ..StageOptions::default()
    };
    let cells = Stage::start(stage).await?.play(async |stage| measure(stage, options)).await?;
    table::print(&cells);
    let out = options.run.out("http3.json");
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&out, format!("{:#}\n", to_json(&cells, options)?))?;
    let picture = out.with_extension("svg");
    plot::draw(&cells, &picture)?;
    println!("\n{}\n{}", out.display(), picture.display());
    let failures: Vec<_> = cells.iter().flat_map(|cell| &cell.failures).collect();
    ensure!(failures.is_empty(), "some did not get through: {failures:?}");
    Ok(())
}

fn measure(stage: &Stage, options: &Options) -> Result<Vec<Cell>> {
    let (mut far, link) = Far::start()?;
    far.introduce(&Gateway {
        address: format!("{}:{}", link::GATEWAY, stage.https_port()).parse()?,
        ca: stage.ca(),
        token: stage.token("bench").scope("objects:read").ttl_seconds(HOLDS_SECONDS).mint()?,
    })?;
    let mut cells = Vec::new();
    for &loss_percent in &options.losses {
        for &round_trip_ms in &options.round_trips {
            let conditions = Conditions { round_trip_ms, loss_percent };
            link.set(conditions);
            let under = under(&mut far, conditions, options.run.rounds())?;
            for cell in &under {
                let (first, page) = (cell.first_byte.median(), cell.page.median());
                println!(
                    "{round_trip_ms:>3} ms, {loss_percent} % lost: {:<8} first byte {first:>7.1} ms, page {page:>7.1} ms",
                    cell.protocol.name()
                );
            }
            cells.extend(under);
        }
    }
    bounded(&link)?;
    Ok(cells)
}

fn bounded(link: &Link) -> Result<()> {
    let overflowed = link.overflowed();
    ensure!(overflowed == 0, "the link's own queue overflowed {overflowed} times, which no protocol is to blame for");
    Ok(())
}

fn under(far: &mut Far, conditions: Conditions, rounds: usize) -> Result<Vec<Cell>> {
    let mut all: Vec<[Taken; 3]> = Protocol::ALL.map(|_| Default::default()).into();
    for round in 0..rounds {
        for (protocol, taken) in Protocol::ALL.into_iter().zip(&mut all) {
            let jobs = [(Work::FirstByte, FIRST_BYTES), (Work::Page, PAGES), (Work::Move, MOVES)];
            for ((work, times), taken) in jobs.into_iter().zip(taken) {
                if work == Work::Move && conditions.loss_percent > 0 {
                    continue;
                }
                let more = far.carry_out(&Job { protocol, work, times }).with_context(|| format!("round {round}"))?;
                taken.connected.extend(more.connected);
                taken.done.extend(more.done);
                taken.failures.extend(more.failures);
            }
        }
    }
    let cells = Protocol::ALL.into_iter().zip(all).map(|(protocol, [first, page, moved])| Cell {
        protocol,
        conditions,
        connected: Sample::of(first.connected.into_iter().chain(page.connected)),
        first_byte: Sample::of(first.done),
        page: Sample::of(page.done),
        moved: Sample::of(moved.done),
        failures: [first.failures, page.failures, moved.failures].concat(),
    });
    Ok(cells.collect())
}

fn to_json(cells: &[Cell], options: &Options) -> Result<Value> {
    let cells: Vec<Value> = cells
        .iter()
        .map(|cell| {
            json!({
                "protocol": cell.protocol.name(), "round_trip_ms": cell.conditions.round_trip_ms, "loss_percent": cell.conditions.loss_percent,
                "connected_ms": cell.connected.to_json(1), "first_byte_ms": cell.first_byte.to_json(1), "page_ms": cell.page.to_json(1),
                "moved_ms": (cell.conditions.loss_percent == 0).then(|| cell.moved.to_json(1)),
                "failures": cell.failures,
            })
        })
        .collect();
    Ok(json!({
        "what": {
            "connected_ms": "from the beginning until TCP and TLS 1.3, or QUIC, are set up; nobody has met before",
            "first_byte_ms": "from the beginning, with the connection, until the first byte of a small answer",
            "page_ms": format!("from the beginning, with the connection, until {OBJECTS} objects of {OBJECT_BYTES} bytes are there; over HTTP/1.1 by six connections"),
            "moved_ms": "from the change of the client's address until a stream goes on; over TCP by connecting again, which the client does at once",
        },
        "rounds": options.run.rounds(), "quick": options.run.quick,
        "tcp_congestion_control": link::CONGESTION_CONTROL,
        "circumstances": measuring::report::machine()?,
        "cells": cells,
    }))
}
