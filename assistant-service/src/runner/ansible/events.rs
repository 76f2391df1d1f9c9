//! What a playbook has written about itself: a line of JSON for each thing, in a file that outlives both.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::runner::work::Telling;

/// More than the plugin writes.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// One line; what this version does not know is passed over.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    Play {
        name: String,
    },
    Task {
        name: String,
    },
    Result {
        host: String,
        task: String,
        status: String,
        #[serde(default)]
        text: String,
    },
    Diff {
        host: String,
        text: String,
    },
    End {
        hosts: BTreeMap<String, Summary>,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Summary {
    ok: u64,
    changed: u64,
    failures: u64,
    unreachable: u64,
}

/// What came of a whole playbook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    pub(super) hosts: usize,
    ok: u64,
    changed: u64,
    pub(super) failed: u64,
}

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hosts, ok, changed, failed } = self;
        write!(formatter, "hosts: {hosts}, tasks ok: {ok}, changed: {changed}, failed or out of reach: {failed}")
    }
}

/// The file as it grows.
pub(super) struct Events {
    path: PathBuf,
    read: u64,
    /// The beginning of a line whose end has not come yet.
    rest: Vec<u8>,
    end: Option<End>,
    last_task: Option<String>,
    trouble: Option<String>,
}

impl Events {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), read: 0, rest: Vec::new(), end: None, last_task: None, trouble: None }
    }

    /// What came of the playbook, once it has said so.
    pub(super) fn end(&self) -> Option<End> {
        self.end
    }

    /// The first thing that went wrong, to be put behind a sentence.
    pub(super) fn trouble(&self) -> String {
        self.trouble.as_ref().map_or(String::new(), |trouble| format!("; {trouble}"))
    }

    /// Tells what is new. A file that is not there yet has nothing new.
    pub(super) fn look(&mut self, telling: &dyn Telling) {
        for event in self.new_events() {
            match event {
                Event::Play { name } => telling.output(&format!("play: {name}\n")),
                Event::Task { name } => telling.output(&format!("task: {name}\n")),
                Event::Result { host, status, text, .. } if text.is_empty() => {
                    telling.output(&format!("  {host}: {status}\n"));
                }
                Event::Result { host, status, text, .. } => telling.output(&format!("  {host}: {status}: {text}\n")),
                Event::Diff { host, text } => telling.output(&format!("  {host}:\n{text}\n")),
                Event::End { .. } | Event::Other => {}
            }
        }
    }

    fn new_events(&mut self) -> Vec<Event> {
        let Ok(mut file) = File::open(&self.path) else { return Vec::new() };
        let left = MAX_FILE_BYTES.saturating_sub(self.read);
        let mut bytes = std::mem::take(&mut self.rest);
        let sought = file.seek(SeekFrom::Start(self.read));
        if let Ok(count) = sought.and_then(|_| file.take(left).read_to_end(&mut bytes)) {
            self.read = self.read.saturating_add(u64::try_from(count).unwrap_or_default());
        }
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end.saturating_add(1));
        self.rest = bytes.split_off(whole);
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let events: Vec<Event> = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
        events.iter().for_each(|event| self.heed(event));
        events
    }

    fn heed(&mut self, event: &Event) {
        match event {
            Event::Task { name } => self.last_task = Some(name.clone()),
            Event::Result { host, task, status, text } if status == "failed" || status == "unreachable" => {
                self.trouble.get_or_insert_with(|| format!("{task} on {host}: {text}"));
            }
            Event::End { hosts } => {
                let mut end = End { hosts: hosts.len(), ..End::default() };
                for Summary { ok, changed, failures, unreachable } in hosts.values() {
                    end.ok = end.ok.saturating_add(*ok);
                    end.changed = end.changed.saturating_add(*changed);
                    end.failed = end.failed.saturating_add(*failures).saturating_add(*unreachable);
                }
                self.end = Some(end);
            }
            Event::Play { .. } | Event::Result { .. } | Event::Diff { .. } | Event::Other => {}
        }
    }
}

/// What a file says of a playbook that nobody followed to its end.
pub(super) fn told_by(path: &Path) -> String {
    let mut events = Events::new(path);
    events.new_events();
    match (events.end, events.last_task.as_ref()) {
        (Some(end), _) => format!("the playbook had come to its end: {end}{}", events.trouble()),
        (None, Some(task)) => {
            format!(
                "the playbook broke off in the task {task:?}, of which nobody knows whether it was done{}",
                events.trouble()
            )
        }
        (None, None) => "the playbook had not begun any task".to_owned(),
    }
}
