//! What the kernel says a process has used.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time of all threads. Traefik's threads do not end before it does, so none goes missing.
pub fn cpu_time(process: u32) -> Result<Duration> {
    let folder = format!("/proc/{process}/task");
    let mut nanoseconds: u64 = 0;
    for thread in fs::read_dir(&folder).with_context(|| format!("{folder} cannot be read: has the process ended?"))? {
        let path = thread?.path().join("schedstat");
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let on_cpu = text.split(' ').next().unwrap_or_default();
        let on_cpu: u64 = on_cpu.parse().with_context(|| format!("no number in {}", path.display()))?;
        nanoseconds = nanoseconds.saturating_add(on_cpu);
    }
    Ok(Duration::from_nanos(nanoseconds))
}
