//! What the kernel says a process has used.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
pub use programs::usage::cpu_time;

/// Where CPU time is read from, for the report.
pub const CPU_SOURCE: &str = "first field of /proc/PID/task/*/schedstat, summed: nanoseconds on a CPU, user and system";

/// What all processors of the machine have done.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    busy: Duration,
    stolen: Duration,
}

/// As it is now; both only mean something as differences.
pub fn machine() -> Result<Machine> {
    let text = fs::read_to_string("/proc/stat").context("/proc/stat cannot be read")?;
    let line = text.lines().next().unwrap_or_default();
    // user, nice, system, idle, iowait, irq, softirq, steal; in hundredths of a second on every Linux that Traefik runs on.
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let [user, nice, system, _idle, _waiting, irq, softirq, steal, ..] = ticks[..] else {
        bail!("/proc/stat begins with `{line}`");
    };
    let ticks = |count: u64| Duration::from_millis(count * 10);
    Ok(Machine { busy: ticks(user + nice + system + irq + softirq), stolen: ticks(steal) })
}

/// The share of all processors that went to programs outside the bench, or to other machines on the same hardware.
pub fn foreign_share(before: Machine, after: Machine, ours: Duration, elapsed: Duration) -> Result<f64> {
    let busy = after.busy.saturating_sub(before.busy).saturating_sub(ours);
    let lost = busy + after.stolen.saturating_sub(before.stolen);
    Ok(lost.as_secs_f64() / elapsed.as_secs_f64() / std::thread::available_parallelism()?.get() as f64)
}

/// Memory of a process in KiB.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident pages.
    pub rss_kib: f64,
    /// The same with shared pages split among those who share them.
    pub pss_kib: f64,
}

/// Memory as it is now.
pub fn memory(process: u32) -> Result<Memory> {
    Ok(Memory {
        rss_kib: kib(&format!("/proc/{process}/status"), "VmRSS:")?,
        pss_kib: kib(&format!("/proc/{process}/smaps_rollup"), "Pss:")?,
    })
}

/// The most that was ever resident, in KiB.
pub fn peak_kib(process: u32) -> Result<f64> {
    kib(&format!("/proc/{process}/status"), "VmHWM:")
}

fn kib(path: &str, field: &str) -> Result<f64> {
    let text = fs::read_to_string(path).with_context(|| format!("{path} cannot be read"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(field)).and_then(|rest| rest.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).with_context(|| format!("{path} has no {field}"))
}
