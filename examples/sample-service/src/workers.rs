//! The worker processes that this service owns. What they do does not matter here: each sleeps until it is stopped.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a worker may take to end.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Workers by name. They end with their owner.
pub(crate) struct Workers {
    running: BTreeMap<String, Child>,
}

/// The process before and after a restart.
pub(crate) struct Restart {
    pub(crate) old_pid: Option<u32>,
    pub(crate) new_pid: Option<u32>,
}

impl Workers {
    /// Starts one worker of each name.
    pub(crate) fn start(names: &[&str]) -> Result<Self> {
        let start = |name: &&str| Ok(((*name).to_owned(), worker()?));
        Ok(Self { running: names.iter().map(start).collect::<Result<_>>()? })
    }

    /// Stops a worker, waits until it has ended, and starts a new one in its place.
    pub(crate) async fn restart(&mut self, name: &str) -> Result<Restart> {
        let child = self.running.get_mut(name).with_context(|| format!("there is no worker {name:?}"))?;
        let old_pid = child.id();
        timeout(STOP_PATIENCE, child.kill()).await.context("the worker did not end in time")??;
        *child = worker()?;
        Ok(Restart { old_pid, new_pid: child.id() })
    }

    /// `name=pid` for each.
    pub(crate) fn summary(&self) -> String {
        let one = |(name, child): (&String, &Child)| format!("{name}={}", child.id().unwrap_or_default());
        self.running.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    /// Each worker with its process, and whether that is running.
    pub(crate) fn status(&mut self) -> Value {
        let one = |(name, child): (&String, &mut Child)| {
            let is_running = matches!(child.try_wait(), Ok(None));
            json!({"worker": name, "pid": child.id(), "is_running": is_running})
        };
        Value::Array(self.running.iter_mut().map(one).collect())
    }
}

fn worker() -> Result<Child> {
    Command::new("sleep")
        .arg("infinity")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("a worker could not be started: is `sleep` on the PATH?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_restarted_worker_is_another_process() {
        let mut workers = Workers::start(&["mailer"]).unwrap();
        let restart = workers.restart("mailer").await.unwrap();
        assert_ne!(restart.old_pid, restart.new_pid);
        assert_eq!(workers.status()[0]["is_running"], true);
        assert!(workers.restart("nobody").await.is_err());
    }
}
