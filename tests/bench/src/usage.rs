//! What the kernel says a process has used.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Where CPU time is read from, for the report.
pub(crate) const CPU_SOURCE: &str =
    "first field of /proc/PID/task/*/schedstat, summed: nanoseconds on a CPU, user and system";

/// CPU time of all threads. Traefik's threads do not end before it does, so none goes missing.
pub(crate) fn cpu_time(process: u32) -> Result<Duration> {
    let folder = format!("/proc/{process}/task");
    let mut nanoseconds: u64 = 0;
    for thread in fs::read_dir(&folder).with_context(|| format!("{folder} cannot be read: has the process ended?"))? {
        let path = thread?.path().join("schedstat");
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let on_cpu = text.split(' ').next().unwrap_or_default();
        nanoseconds += on_cpu.parse::<u64>().with_context(|| format!("no number in {}", path.display()))?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Memory of a process in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Resident pages.
    pub(crate) rss_kib: f64,
    /// The same with shared pages split among those who share them.
    pub(crate) pss_kib: f64,
}

/// Memory as it is now.
pub(crate) fn memory(process: u32) -> Result<Memory> {
    Ok(Memory {
        rss_kib: kib(&format!("/proc/{process}/status"), "VmRSS:")?,
        pss_kib: kib(&format!("/proc/{process}/smaps_rollup"), "Pss:")?,
    })
}

fn kib(path: &str, field: &str) -> Result<f64> {
    let text = fs::read_to_string(path).with_context(|| format!("{path} cannot be read"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(field)).and_then(|rest| rest.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).with_context(|| format!("{path} has no {field}"))
}
