//! What the gateway will never take, one event a line, where a person can look at it. When the file has grown large it becomes
//! `refused.1` in place of an older one.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;

const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// The file.
#[derive(Debug)]
pub(super) struct RefusedFile {
    path: PathBuf,
}

/// A line of it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// What was answered.
    reason: &'a str,
    event: &'a RawValue,
}

impl RefusedFile {
    pub(super) fn of(folder: &Path) -> Self {
        Self { path: folder.join("refused") }
    }

    /// Puts an event there; on stable storage when it returns.
    pub(super) fn add(&self, reason: &str, event: &str) -> io::Result<()> {
        let event = serde_json::from_str::<&RawValue>(event)?;
        let mut line = serde_json::to_vec(&Line { reason, event })?;
        line.push(b'\n');
        if fs::metadata(&self.path).is_ok_and(|file| file.len() >= MOST_BYTES) {
            fs::rename(&self.path, self.path.with_extension("1"))?;
        }
        let mut file = File::options().append(true).create(true).open(&self.path)?;
        file.write_all(&line)?;
        file.sync_data()
    }
}
