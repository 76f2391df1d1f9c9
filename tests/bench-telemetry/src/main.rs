//! What telemetry costs: the pure engine on one core, and devices that send through the real Traefik with the gate to the real service.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

mod arrival;
mod lab;
mod live_series;
mod memory;
mod options;
mod path;
mod plain;
mod prediction;
mod speed;
mod tail;

use anyhow::Result;
use clap::Parser as _;
use measuring::report;
use serde_json::json;

use options::{Options, Part};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(live_series::ALONE) {
        return live_series::alone(arguments.next().as_deref());
    }
    let options = Options::parse();
    let mut figures = Vec::new();
    if options.wants(Part::Speed) {
        figures.extend(speed::measure(&options)?);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if options.wants(Part::Memory) {
        figures.push(memory::of_the_engine(&options)?);
        figures.push(runtime.block_on(memory::of_the_service(&options))?);
    }
    if options.wants(Part::Path) {
        figures.extend(runtime.block_on(path::measure(&options))?);
    }
    report::print(&figures, options.run.rounds());
    let taken = json!({
        "rounds": options.run.rounds(), "quick": options.run.quick, "build": if cfg!(debug_assertions) { "debug" } else { "release" },
        "load": "speed and memory of the engine: none; all else: HTTPS (HTTP/2) through Traefik and the gate, from a process on the same machine",
    });
    report::write(&figures, &options.run.out("telemetry.json"), &taken)
}
