//! What going by events costs: the service on each form of its backbone, each figure beside its limit in the same run. Load comes
//! from this process, services are processes of their own.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

mod answer;
mod bare_nats;
mod bare_sqlite;
mod blocking;
mod event;
mod large_store;
mod load;
mod nothing;
mod options;
mod path;
mod query;
mod server;
mod service;
mod start;
mod tail;
mod throughput;

use std::env;

use anyhow::Result;
use clap::Parser as _;
use measuring::report;
use measuring::service::Ground;
use serde_json::json;

use options::{Options, Part};

fn main() -> Result<()> {
    let mut arguments = env::args();
    if arguments.nth(1).as_deref() == Some(server::SERVE) {
        return server::serve(server::Arguments::parse_from(env::args().skip(1)));
    }
    let options = Options::parse();
    let ground = Ground::new("events-", service::SENDING)?;
    let mut figures = Vec::new();
    if options.wants(Part::Single) {
        figures.extend(throughput::single(&ground, &options)?);
    }
    if options.wants(Part::Batches) {
        figures.extend(throughput::batches(&ground, &options)?);
    }
    if options.wants(Part::Tail) {
        figures.extend(tail::measure(&ground, &options)?);
    }
    if options.wants(Part::Path) {
        figures.extend(path::measure(&options)?);
    }
    if options.wants(Part::Query) || options.wants(Part::Start) {
        let folder = options.large_store.clone().unwrap_or_else(|| ground.folder.join("large"));
        let filled = large_store::fill(&folder, options.large_events())?;
        println!("filled with {} events in {:.1} s", filled.events, filled.seconds);
        if options.wants(Part::Query) {
            figures.extend(query::measure(&ground, &options, &folder)?);
        }
        if options.wants(Part::Start) {
            figures.extend(start::measure(&ground, &options, &folder)?);
        }
    }
    if options.wants(Part::Rebuild) {
        figures.extend(start::rebuild(&ground, &options)?);
    }
    report::print(&figures, options.run.rounds());
    let taken = json!({"rounds": options.run.rounds(), "quick": options.run.quick, "sqlite": rusqlite::version()});
    let out = options.run.out("events.json");
    report::write(&figures, &out, &taken)
}
