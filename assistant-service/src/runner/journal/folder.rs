//! The folder of the journal: one process at a time, one file for each lease of a command.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};
use tokio::sync::Notify;

use super::Fact;
use crate::text_files;

const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The folder that holds what has been begun.
#[derive(Clone)]
pub(in crate::runner) struct Journal(Arc<Held>);

struct Held {
    folder: PathBuf,
    /// The files that this process is writing.
    in_hand: Mutex<BTreeSet<String>>,
    let_go: Notify,
    _lock: File,
}

/// A file that nobody is writing.
#[derive(Debug)]
pub(in crate::runner) struct Kept {
    pub(in crate::runner) path: PathBuf,
    pub(in crate::runner) facts: Vec<Fact>,
}

impl Journal {
    /// Opens the folder, makes it if it is not there, closes it to others, and holds it against other runners.
    pub(in crate::runner) fn open(folder: &Path) -> anyhow::Result<Self> {
        let shown = folder.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o700)))
            .with_context(|| format!("cannot make {shown} the runner's own; choose a folder that it may write"))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(folder.join("lock"));
        let lock = lock.with_context(|| format!("cannot write in {shown}; make it the runner's own"))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!("another runner works with {shown}; end it first, or choose another folder");
        }
        let held = Held { folder: folder.to_owned(), in_hand: Mutex::default(), let_go: Notify::new(), _lock: lock };
        Ok(Self(Arc::new(held)))
    }

    pub(in crate::runner) fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Makes the file of a lease, which is not there yet, and its name with it durable. It is in hand before it is there.
    pub(super) fn create(&self, command: &str, fence: u64) -> io::Result<(String, File)> {
        let name = name(command, fence)?;
        self.in_hand().insert(name.clone());
        let made = OpenOptions::new()
            .create_new(true)
            .append(true)
            .mode(0o600)
            .open(self.0.folder.join(&name))
            .and_then(|file| File::open(&self.0.folder)?.sync_all().map(|()| file));
        match made {
            Ok(file) => Ok((name, file)),
            Err(error) => {
                self.let_go(&name);
                Err(error)
            }
        }
    }

    pub(super) fn let_go(&self, name: &str) {
        self.in_hand().remove(name);
        self.0.let_go.notify_one();
    }

    fn in_hand(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a file has been let go since the last time.
    pub(in crate::runner) async fn let_go_of_one(&self) {
        self.0.let_go.notified().await;
    }

    /// What nobody is writing. A file that is of no use is put aside, and said in the log.
    pub(in crate::runner) fn left(&self) -> io::Result<Vec<Kept>> {
        let mut left = Vec::new();
        for path in text_files::listed(&self.0.folder, &["jsonl"])? {
            let name = path.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
            if self.in_hand().contains(name) {
                continue;
            }
            match read(&path) {
                Ok(facts) => left.push(Kept { path, facts }),
                Err(error) => {
                    tracing::error!(file = %path.display(), %error, "a file of the journal is of no use; it is put aside");
                    fs::rename(&path, path.with_extension("unreadable"))?;
                }
            }
        }
        Ok(left)
    }
}

impl Kept {
    /// Writes down what was found out since.
    pub(in crate::runner) fn add(&mut self, fact: Fact) -> io::Result<()> {
        let mut line = serde_json::to_vec(&fact).map_err(io::Error::other)?;
        line.push(b'\n');
        let bytes = whole_lines(&self.path)?;
        let mut file = OpenOptions::new().append(true).open(&self.path)?;
        // A torn last line would make one of no use of both.
        file.set_len(u64::try_from(bytes.len()).map_err(io::Error::other)?)?;
        file.write_all(&line)?;
        file.sync_data()?;
        self.facts.push(fact);
        Ok(())
    }

    /// Nothing is owed any more.
    pub(in crate::runner) fn settle(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// The last line of a process that was killed while it wrote says nothing.
fn whole_lines(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last.saturating_add(1));
    bytes.truncate(end);
    Ok(bytes)
}

fn read(path: &Path) -> io::Result<Vec<Fact>> {
    let bytes = whole_lines(path)?;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(io::Error::other)).collect()
}

/// Ids are the service's own; one that could be another file is none of them.
fn name(command: &str, fence: u64) -> io::Result<String> {
    let is_id = !command.is_empty()
        && command.len() <= 64
        && command.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_id { Ok(format!("{command}.{fence}.jsonl")) } else { Err(io::Error::other("the command's id is no id")) }
}
