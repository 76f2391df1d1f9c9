//! The service that is measured, where it runs, and who calls it.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use measuring::gate_word::{Caller, GateWord};
use measuring::service::{Ground, Service};
use programs::artifacts;

/// The processor that the service has.
const OF_THE_SERVICE: &str = "0";

/// The processor that the load comes from.
pub(crate) const OF_THE_LOAD: &str = "1";

/// Who sends when it does not matter who does: as many as share the seats without anybody's share being the bound.
pub(crate) const SENDERS: [&str; 8] = ["alder", "birch", "cedar", "elm", "fir", "larch", "maple", "oak"];

/// Somebody who may send events.
pub(crate) const fn sender(subject: &'static str) -> Caller {
    Caller {
        issuer: "https://issuer.watchgate.test",
        subject,
        scope: "events:read events:write",
        rule: "events-write",
        event_types: &["com.example.telemetry.*"],
    }
}

/// A running service.
pub(crate) struct Stand {
    pub(crate) service: Service,
    /// The gate's word on each of the senders.
    pub(crate) words: Vec<GateWord>,
}

impl Stand {
    pub(crate) fn start(ground: &Ground) -> Result<Stand> {
        let company = artifacts::root().join("examples/company");
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", OF_THE_SERVICE]).arg(artifacts::watchgate()?);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--documents").arg(company.join("documents")).arg("--runbooks").arg(company.join("runbooks"));
        let service = Service::start(command, ground, &ground.folder.join("data"), None)?;
        service.wait_until_ready()?;
        let words = SENDERS.iter().map(|subject| ground.word.on(sender(subject))).collect();
        Ok(Stand { service, words })
    }

    pub(crate) fn end(self) {
        self.service.end();
    }
}

/// Has a process, with all of its threads, stay on one processor.
pub(crate) fn stay_on(processor: &str, process: u32) -> Result<()> {
    let mut command = Command::new("taskset");
    command.args(["--all-tasks", "--cpu-list", "--pid", processor]).arg(process.to_string());
    let output = command.output().context("taskset could not be started")?;
    ensure!(output.status.success(), "processor {processor} is not to be had: this bench needs two");
    Ok(())
}
