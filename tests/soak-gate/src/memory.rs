//! What each Traefik holds in memory, second by second, and what it has computed.

use std::cell::RefCell;
use std::fs;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::gateway::Gateway;
use crate::load::Load;

/// The looks of a run.
pub(crate) struct Watch {
    gateways: Rc<[Gateway; 3]>,
    load: Rc<Load>,
    samples: RefCell<Vec<Sample>>,
}

/// One look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Resident pages of each Traefik, in KiB.
    pub(crate) resident_kib: [f64; 3],
    /// Requests that each had answered by then.
    pub(crate) requests: [u64; 3],
}

impl Watch {
    pub(crate) fn new(gateways: Rc<[Gateway; 3]>, load: Rc<Load>) -> Watch {
        Watch { gateways, load, samples: RefCell::default() }
    }

    pub(crate) fn gateways(&self) -> &[Gateway; 3] {
        &self.gateways
    }

    pub(crate) fn samples(&self) -> Vec<Sample> {
        self.samples.borrow().clone()
    }

    /// Looks every second; ends when a Traefik has.
    pub(crate) async fn run(self: Rc<Watch>) -> Result<()> {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            let mut sample = Sample { resident_kib: [0.0; 3], requests: self.load.counts().requests };
            for (gateway, resident) in self.gateways.iter().zip(&mut sample.resident_kib) {
                *resident = resident_kib(gateway.process()).with_context(|| format!("{} has ended", gateway.name()))?;
            }
            self.samples.borrow_mut().push(sample);
        }
    }
}

fn resident_kib(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(resident.trim().trim_end_matches(" kB").parse()?)
}

/// CPU time of all threads, in microseconds. Traefik's threads do not end before it does, so none goes missing.
pub(crate) fn cpu_microseconds(process: u32) -> Result<f64> {
    let mut nanoseconds: u64 = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let account = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += account.split(' ').next().unwrap_or_default().parse::<u64>().context("no time in schedstat")?;
    }
    Ok(nanoseconds as f64 / 1_000.0)
}
