//! A play of the real `ansible-playbook`, and what it says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// What came of a play.
#[derive(Debug)]
pub struct Played {
    /// All that it printed.
    pub text: String,
    /// Whether all went well.
    pub succeeded: bool,
    /// What it changed, or would change: tasks with the host.
    pub changed: BTreeSet<(String, String)>,
    /// The last lines' counts of what was changed, by host.
    pub recap: BTreeMap<String, usize>,
    /// How long it took.
    pub took: Duration,
}

impl Played {
    /// Runs it to its end.
    pub async fn of(command: &mut Command) -> Result<Played> {
        let began = Instant::now();
        let output = command.kill_on_drop(true).output().await.context("ansible-playbook could not be started")?;
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let played = Played {
            succeeded: output.status.success(),
            changed: changed(&text),
            recap: recap(&text),
            took: began.elapsed(),
            text,
        };
        ensure!(!played.recap.is_empty(), "it played nothing: {}", played.text);
        Ok(played)
    }

    /// That it went well.
    pub fn well(self) -> Result<Played> {
        ensure!(self.succeeded, "the play failed:\n{}", self.end());
        Ok(self)
    }

    /// That it left all as it was.
    pub fn unchanged(self) -> Result<Played> {
        let played = self.well()?;
        ensure!(played.recap.values().all(|changed| *changed == 0), "it changed {:#?}", played.changed);
        Ok(played)
    }

    /// Hosts that it has got to, so far as they were changed.
    pub fn touched(&self) -> BTreeSet<&str> {
        self.changed.iter().map(|(_, host)| host.as_str()).collect()
    }

    /// The last of what it printed.
    pub fn end(&self) -> String {
        let lines: Vec<_> = self.text.lines().collect();
        lines.get(lines.len().saturating_sub(60)..).unwrap_or_default().join("\n")
    }
}

/// `changed: [host]` and `changed: [host -> other] => (item=…)` below `TASK [role : what]`.
fn changed(text: &str) -> BTreeSet<(String, String)> {
    let (mut task, mut found) = ("", BTreeSet::new());
    for line in text.lines() {
        let heading = ["TASK [", "RUNNING HANDLER ["].iter().find_map(|word| line.strip_prefix(word));
        if let Some((name, _)) = heading.and_then(|rest| rest.rsplit_once(']')) {
            task = name;
        } else if let Some((host, _)) = line.strip_prefix("changed: [").and_then(|rest| rest.split_once(']')) {
            found.insert((task.to_owned(), host.split(" -> ").next().unwrap_or(host).to_owned()));
        }
    }
    found
}

/// `edge-1 : ok=10 changed=0 unreachable=0 …` below `PLAY RECAP`.
fn recap(text: &str) -> BTreeMap<String, usize> {
    let lines = text.lines().skip_while(|line| !line.starts_with("PLAY RECAP")).skip(1);
    let counts = lines.filter_map(|line| {
        let (host, counts) = line.split_once(" : ")?;
        let changed = counts.split_whitespace().find_map(|word| word.strip_prefix("changed="))?;
        Some((host.trim().to_owned(), changed.parse().ok()?))
    });
    counts.collect()
}

#[cfg(test)]
mod tests {
    use super::{changed, recap};

    const SAID: &str = "\
PLAY [All] *****
TASK [common : Accounts] *****
changed: [edge-1]
ok: [edge-2]
TASK [certificates : Sign [again]] *****
changed: [app-1 -> localhost] => (item=service)
changed: [app-1 -> localhost] => (item=nats)

PLAY RECAP *****
app-1                      : ok=3    changed=1    unreachable=0    failed=0    skipped=1
edge-2                     : ok=3    changed=0    unreachable=0    failed=0    skipped=1
";

    #[test]
    fn what_changed_is_told_by_task_and_host() {
        let expected = [("common : Accounts", "edge-1"), ("certificates : Sign [again]", "app-1")];
        assert_eq!(changed(SAID), expected.map(|(task, host)| (task.to_owned(), host.to_owned())).into());
        assert_eq!(recap(SAID), [("app-1".to_owned(), 1), ("edge-2".to_owned(), 0)].into());
    }
}
