//! The state file: whole at every moment, and one probe's alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};

use super::Kept;

/// Ten rows that are full, of the longest reasons.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A path, and the lock beside it, which the system lets go of when the process ends.
pub(super) struct StateFile {
    path: PathBuf,
    /// What is larger is not opened, and so must not be written.
    pub(super) most_bytes: u64,
    _lock: File,
}

impl StateFile {
    /// What is there, and nothing where there is no file yet.
    ///
    /// # Errors
    /// When another probe has it, or it cannot be read: whoever begins anew then tells alerts twice, and that is for a person to choose.
    pub(super) fn open(path: PathBuf) -> anyhow::Result<(Self, Kept)> {
        let beside = beside(&path, "lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&beside);
        let lock = lock.with_context(|| format!("{} cannot be made", beside.display()))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!("another probe has {}", path.display());
        }
        let kept = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
            Ok(found) if found.len() > MAX_BYTES => bail!("{} is too large to be a state file", path.display()),
            Ok(_) => {
                let text = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
                let unreadable =
                    || format!("{} is no state file of a probe; take it away to begin anew", path.display());
                serde_json::from_slice(&text).with_context(unreadable)?
            }
        };
        Ok((Self { path, most_bytes: MAX_BYTES, _lock: lock }, kept))
    }

    /// Replaces it: written under another name, synced, renamed, and the rename synced.
    pub(super) fn write(&self, text: &[u8]) -> io::Result<()> {
        let fresh = beside(&self.path, "new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    name.into()
}
