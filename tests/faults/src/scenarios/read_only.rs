//! A disk that takes nothing any more, and later does again.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::full::Disk;
use super::settle;
use crate::crew::Crew;
use crate::report::Report;

const ROUNDS: u64 = 3;

/// Room for everything: that it fills up is another fault.
const DISK: &str = "256m";

pub(super) async fn remounted() -> Result<Report> {
    let mut crew = Crew::new(1, None)?;
    let disk = Disk::mount(&crew.worker(0)?.data, DISK)?;
    let mut notes = Vec::new();
    for _ in 0..ROUNDS {
        crew.start(0).await?;
        crew.acknowledge(50).await?;
        // The kernel refuses while somebody has a file open for writing; a disk that fails asks nobody. So the process is killed,
        // begins on a disk that is read-only, and must say so and end rather than acknowledge anything.
        crew.kill(0)?;
        disk.remount("ro")?;
        crew.launch(0)?;
        crew.until_ended(0).await?;
        disk.remount("rw")?;
        sleep(Duration::from_millis(10)).await;
    }
    crew.start(0).await?;
    crew.acknowledge(50).await?;
    notes.push("on the read-only disk the process ended each time without an answer".to_owned());
    let verdict = settle(&mut crew).await?;
    disk.unmount()?;
    Ok(Report { injected: format!("{ROUNDS} times a disk that is read-only after a SIGKILL"), verdict, notes })
}
