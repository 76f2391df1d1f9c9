//! The trust directory as its only writer sees it: each file is whole at every moment, whenever the keeper is killed.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// What the keeper keeps for itself; the gate looks at nothing in it.
const OWN: &str = ".keeper";
const UNFINISHED: &str = ".new-";

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    Owner,
    /// The owner, and the group of the file that is replaced if it might read that one: a gate that runs as another user
    /// reads its key by its group.
    AsBefore,
    Everyone,
}

/// Whether a file must be there after the power has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    Lasting,
    /// What is older than seconds is worth nothing: a file lost or torn by a power failure is as good as a stale one.
    Fleeting,
}

/// The directory.
#[derive(Clone, Debug)]
pub(super) struct TrustFolder(PathBuf);

/// Held by the only keeper of a directory, for as long as it lives; the system lets go of it when the process ends.
#[derive(Debug)]
pub(super) struct KeeperLock(#[expect(dead_code, reason = "held, not read")] File);

impl TrustFolder {
    /// The directory, which must exist, and the keeper's own corner of it, which is made.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // A directory that a mistyped path makes would be kept for nobody.
        if !fs::metadata(path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(path.join(OWN))?;
        Ok(Self(path.to_owned()))
    }

    /// Nothing when another keeper has it.
    pub(super) fn lock(&self) -> io::Result<Option<KeeperLock>> {
        let path = self.path(&own("lock"));
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(KeeperLock(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(cause) => Err(cause.into()),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file's content, unless there is no such file. What is larger than `max_bytes` is an error.
    pub(super) fn read(&self, name: &str, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path(name)) {
            Ok(file) => file,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(cause),
        };
        let mut content = Vec::new();
        file.take(max_bytes.saturating_add(1)).read_to_end(&mut content)?;
        let is_whole = u64::try_from(content.len()).is_ok_and(|length| length <= max_bytes);
        if is_whole { Ok(Some(content)) } else { Err(io::ErrorKind::FileTooLarge.into()) }
    }

    /// Replaces a file: written under another name in the same folder, synced, renamed.
    pub(super) fn write(&self, name: &str, content: &[u8], readers: Readers, durability: Durability) -> io::Result<()> {
        write_file(&self.path(name), content, readers, durability)
    }

    /// The same, unless the file holds just this.
    pub(super) fn write_if_new(&self, name: &str, content: &[u8], readers: Readers) -> io::Result<()> {
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if self.read(name, length).is_ok_and(|found| found.as_deref() == Some(content)) {
            return Ok(());
        }
        self.write(name, content, readers, Durability::Lasting)
    }

    /// Removes a file; one that is not there is no mistake.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
            _ => Ok(()),
        }
    }

    /// The names of the files directly in the directory.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(&self.0)?;
        Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    }

    /// Removes what a keeper that was killed has left half written beside `name`.
    pub(super) fn remove_unfinished_beside(&self, name: &str) {
        let path = self.path(name);
        let Some(entries) = path.parent().and_then(|folder| fs::read_dir(folder).ok()) else { return };
        for entry in entries.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                // It takes room, and does no other harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// The name of one of the keeper's own files.
pub(super) fn own(name: &str) -> String {
    format!("{OWN}/{name}")
}

/// Writes a file that lies anywhere whole or not at all. It has its final mode before it has its name.
pub(super) fn write_file(path: &Path, content: &[u8], readers: Readers, durability: Durability) -> io::Result<()> {
    let (mode, group) = match readers {
        Readers::Owner => (0o600, None),
        Readers::AsBefore => access_of(path)?,
        Readers::Everyone => (0o644, None),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    let permissions = Permissions::from_mode(mode);
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).permissions(permissions.clone()).tempfile_in(folder)?;
    file.write_all(content)?;
    if let Some(group) = group {
        fchown(file.as_file(), None, Some(group))?;
    }
    // The process's mask may have taken the right to read from others.
    file.as_file().set_permissions(permissions)?;
    if durability == Durability::Lasting {
        file.as_file().sync_all()?;
    }
    file.persist(path)?;
    if durability == Durability::Lasting {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The mode for a secret in this file's place, and its group where that counts.
fn access_of(path: &Path) -> io::Result<(u32, Option<u32>)> {
    match fs::metadata(path) {
        Ok(found) if found.mode() & 0o040 != 0 => Ok((0o640, Some(found.gid()))),
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok((0o600, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(path: &Path) -> (u32, u32) {
        let found = fs::metadata(path).unwrap();
        (found.mode() & 0o777, found.gid())
    }

    #[test]
    fn a_secret_keeps_its_group_and_gets_no_other_readers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gate.key");
        write_file(&path, b"1", Readers::AsBefore, Durability::Lasting).unwrap();
        assert_eq!(access(&path).0, 0o600);
        let group = access(&path).1;
        for (before, after) in [(0o640, 0o640), (0o666, 0o640), (0o604, 0o600), (0o600, 0o600)] {
            fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
            write_file(&path, b"2", Readers::AsBefore, Durability::Lasting).unwrap();
            assert_eq!(access(&path), (after, group), "{before:o}");
        }
    }

    #[test]
    fn a_file_is_as_readable_as_it_must_be_whatever_the_processs_mask() {
        let folder = tempfile::tempdir().unwrap();
        for (readers, mode) in [(Readers::Owner, 0o600), (Readers::Everyone, 0o644)] {
            let path = folder.path().join(format!("{mode:o}"));
            write_file(&path, b"1", readers, Durability::Fleeting).unwrap();
            assert_eq!(access(&path).0, mode);
        }
    }

    #[test]
    fn only_what_was_left_half_written_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let trust = TrustFolder::open(folder.path()).unwrap();
        for name in [".new-abc", "head", "gate.key"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        trust.remove_unfinished_beside("head");
        let mut names = trust.names().unwrap();
        names.sort();
        assert_eq!(names, [".keeper", "gate.key", "head"]);
    }

    #[test]
    fn what_is_larger_than_its_bound_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let trust = TrustFolder::open(folder.path()).unwrap();
        fs::write(folder.path().join("head"), "1234").unwrap();
        assert_eq!(trust.read("head", 4).unwrap().unwrap(), b"1234");
        assert_eq!(trust.read("head", 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(trust.read("none", 3).unwrap().is_none());
    }
}
