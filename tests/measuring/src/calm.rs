//! Measurements that others disturbed are made again: they would say more of the others than of us. Whether to measure again
//! depends on what others took of the machine, never on what was measured.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::usage;

/// More of the machine than this for others, and a measurement is made again.
const DISTURBED_SHARE: f64 = 0.08;

/// How long to wait before that.
const PAUSE: Duration = Duration::from_secs(1);

/// A measurement, with the share of the machine that others took meanwhile.
pub fn measured<T>(processes: &[u32], measure: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let ours = || -> Result<Duration> {
        let own = usage::cpu_time(std::process::id())?;
        processes.iter().try_fold(own, |sum, process| Ok(sum + usage::cpu_time(*process)?))
    };
    let (began, machine, before) = (Instant::now(), usage::machine()?, ours()?);
    let value = measure()?;
    let share = usage::foreign_share(machine, usage::machine()?, ours()? - before, began.elapsed())?;
    Ok((value, share))
}

/// The same, up to `patience` times more while it is disturbed; the least disturbed one counts.
pub fn undisturbed<T>(patience: usize, mut measure: impl FnMut() -> Result<(T, f64)>) -> Result<(T, f64)> {
    let mut best = measure()?;
    for _ in 0..patience {
        if best.1 <= DISTURBED_SHARE {
            break;
        }
        thread::sleep(PAUSE);
        let next = measure()?;
        if next.1 < best.1 {
            best = next;
        }
    }
    Ok(best)
}
