//! Writes a trace as JSON lines, one batch a line, in the order in which they arrive.

use std::io::{self, BufWriter, ErrorKind, Write as _};

use anyhow::{Context as _, Result};
use clap::Parser;
use telemetry_traces::{Rate, SCENARIOS};

#[derive(Debug, Parser)]
#[command(name = "telemetry-traces", about = "Writes a trace of a lab's consoles as JSON lines, one batch a line.")]
struct Options {
    /// Which scenario.
    #[arg(required_unless_present = "list")]
    scenario: Option<String>,
    /// Says which scenarios there are.
    #[arg(long)]
    list: bool,
    /// What chance begins with: the same seed gives the same trace.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Each frame, in batches of 200 ms, instead of one frame a second.
    #[arg(long)]
    each_frame: bool,
    /// Says what is to be raised, and writes no trace.
    #[arg(long)]
    expectation: bool,
}

fn main() -> Result<()> {
    match write(&Options::parse()) {
        // Whoever reads has seen enough.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == ErrorKind::BrokenPipe) => Ok(()),
        done => done,
    }
}

fn write(options: &Options) -> Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let Some(name) = options.scenario.as_deref().filter(|_| !options.list) else {
        for scenario in SCENARIOS {
            writeln!(out, "{:<26} {}", scenario.name, scenario.about)?;
        }
        return Ok(out.flush()?);
    };
    let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
    let scenario = found.with_context(|| format!("no scenario is called {name}; --list says which there are"))?;
    let trace = scenario.trace(options.seed, options.each_frame.then_some(Rate::EACH_FRAME));
    if options.expectation {
        writeln!(out, "{:#?}", trace.expectation())?;
        return Ok(out.flush()?);
    }
    for batch in trace.batches() {
        serde_json::to_writer(&mut out, &batch).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
