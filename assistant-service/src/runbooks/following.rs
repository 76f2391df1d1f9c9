//! Follows the folder of runbooks: what changes there counts within two seconds, unless it has a mistake.
//!
//! It looks at the times of all files twice a second, which works on every file system, and reads them when two looks have
//! found the same: what somebody is still writing is not read by half.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use thiserror::Error;
use tokio::sync::watch;

use super::folder::{EXTENSIONS, RIGHTS};
use super::{About, FolderCatalogue, InvalidRunbooks, Right, Runbook, RunbookCatalogue, Who};
use crate::text_files;

const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The runbooks of a folder as they are now, or as they were before somebody made a mistake.
#[derive(Debug, Clone)]
pub struct FollowedCatalogue(watch::Receiver<Arc<FolderCatalogue>>);

/// Why a folder of runbooks cannot be followed.
#[derive(Debug, Error)]
pub enum CannotFollow {
    /// It has mistakes in the first place.
    #[error(transparent)]
    Invalid(#[from] InvalidRunbooks),
    /// There is no thread to be had.
    #[error("no thread can be started that follows the runbooks: {0}")]
    Thread(#[from] io::Error),
}

impl FollowedCatalogue {
    /// Reads the folder, which must have no mistakes, and follows it on a thread of its own until nobody holds the catalogue any
    /// more. `failed` counts the changes that were not taken because of mistakes.
    pub fn open(folder: PathBuf, failed: Counter) -> Result<Self, CannotFollow> {
        let (mut follower, first) = Follower::open(folder, failed)?;
        let (sender, receiver) = watch::channel(Arc::new(first));
        thread::Builder::new().name("runbooks".to_owned()).spawn(move || {
            loop {
                thread::sleep(LOOK_EVERY);
                if sender.is_closed() {
                    return;
                }
                if let Some(newer) = follower.look() {
                    sender.send_replace(Arc::new(newer));
                }
            }
        })?;
        Ok(Self(receiver))
    }

    fn now(&self) -> Arc<FolderCatalogue> {
        Arc::clone(&self.0.borrow())
    }
}

impl RunbookCatalogue for FollowedCatalogue {
    fn get(&self, name: &str) -> Option<Arc<Runbook>> {
        self.now().get(name)
    }

    fn list(&self) -> Vec<Arc<Runbook>> {
        self.now().list()
    }

    fn allows(&self, who: &Who<'_>, right: Right, about: About<'_>) -> bool {
        self.now().allows(who, right, about)
    }
}

/// Device, inode, size, and the seconds and nanoseconds of the last change of content and of anything else.
type Stamp = (u64, u64, u64, (i64, i64), (i64, i64));

/// How the files of a folder are, as far as it can be told without reading them.
type Stamps = Result<BTreeMap<PathBuf, Result<Stamp, io::ErrorKind>>, io::ErrorKind>;

struct Follower {
    folder: PathBuf,
    /// At the last look.
    seen: Stamps,
    /// When the files were read last, with mistakes or without.
    read: Stamps,
    failed: Counter,
    load: fn(&Path) -> Result<FolderCatalogue, InvalidRunbooks>,
}

impl Follower {
    fn open(folder: PathBuf, failed: Counter) -> Result<(Self, FolderCatalogue), InvalidRunbooks> {
        let seen = stamps(&folder);
        let first = FolderCatalogue::load(&folder)?;
        tell(&first);
        Ok((Self { folder, read: seen.clone(), seen, failed, load: FolderCatalogue::load }, first))
    }

    /// The runbooks, where they have changed and have no mistakes.
    fn look(&mut self) -> Option<FolderCatalogue> {
        let now = stamps(&self.folder);
        let is_settled = now == self.seen;
        self.seen = now;
        if !is_settled || self.seen == self.read {
            return None;
        }
        self.read.clone_from(&self.seen);
        // Nothing outlives a panic that it could leave half changed, and the thread has later changes to follow.
        match catch_unwind(AssertUnwindSafe(|| (self.load)(&self.folder))) {
            Ok(Ok(newer)) => {
                tell(&newer);
                return Some(newer);
            }
            Ok(Err(mistakes)) => {
                tracing::error!(%mistakes, "the changed runbooks are not taken; what was read before stays");
            }
            Err(_) => tracing::error!("reading the changed runbooks ended by a panic; what was read before stays"),
        }
        self.failed.inc();
        None
    }
}

fn stamps(folder: &Path) -> Stamps {
    let stamp = |path: PathBuf| {
        let stamp = fs::metadata(&path).map_err(|error| error.kind()).map(|file| {
            let (modified, changed) = ((file.mtime(), file.mtime_nsec()), (file.ctime(), file.ctime_nsec()));
            (file.dev(), file.ino(), file.size(), modified, changed)
        });
        (path, stamp)
    };
    let paths = text_files::listed(folder, &EXTENSIONS).map_err(|error| error.kind())?;
    Ok(paths.into_iter().map(stamp).collect())
}

fn tell(catalogue: &FolderCatalogue) {
    let (runbooks, rules) = (catalogue.list().len(), catalogue.rights().map_or(0, super::Rights::count));
    tracing::info!(runbooks, rules, "runbooks are read");
    if catalogue.rights().is_none() {
        tracing::warn!("nobody may run, approve or cancel anything: write {RIGHTS} into the folder of runbooks");
    }
}

#[cfg(test)]
mod tests;
