//! Whether the store's files may grow. SQLite says of a disk without room that it is full; where a quota or a bound on files is in the way it
//! says no more than that writing failed. Then it is tried out beside the store.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rusqlite::ffi::{self, SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE};

use super::files;

/// A page of the store with what the log puts before it.
const BYTES: usize = 4096 + 24;

const FILE: &str = "growing";

/// The files of one store.
pub(in crate::backbone) struct Growing {
    folder: PathBuf,
    store: PathBuf,
}

impl Growing {
    pub(super) fn of(store: &Path) -> Self {
        Self { folder: store.parent().unwrap_or(store).to_owned(), store: store.to_owned() }
    }

    /// The error as SQLite would give it on a disk without room, where that is what it means.
    pub(in crate::backbone) fn named(&self, error: rusqlite::Error) -> rusqlite::Error {
        // Some file systems find room, or none, only when what was written is synced.
        let is_unwritten = error
            .sqlite_error()
            .is_some_and(|error| matches!(error.extended_code, SQLITE_IOERR_WRITE | SQLITE_IOERR_FSYNC));
        match is_unwritten.then(|| self.why_not()).flatten() {
            Some(why) => rusqlite::Error::SqliteFailure(ffi::Error::new(SQLITE_FULL), Some(format!("{error}: {why}"))),
            None => error,
        }
    }

    /// What keeps the longest of them from growing, if anything does.
    pub(in crate::backbone) fn why_not(&self) -> Option<io::Error> {
        self.grow().err().filter(|error| is_want_of_room(error.kind()))
    }

    /// As much more as a change takes at least, at the place where it would go, in a file that nobody else can see.
    fn grow(&self) -> io::Result<()> {
        let mut log = self.store.clone().into_os_string();
        log.push("-wal");
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let end = length(&self.store).max(length(log.as_ref()));
        let path = self.folder.join(FILE);
        let file: File = files::open_private(&path)?;
        std::fs::remove_file(&path)?;
        file.write_all_at(&[0; BYTES], end)
    }
}

fn is_want_of_room(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::FileTooLarge | io::ErrorKind::QuotaExceeded | io::ErrorKind::StorageFull)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_stays_one_where_the_files_may_grow_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let growing = Growing::of(&folder.path().join("store"));
        let failed = rusqlite::Error::SqliteFailure(ffi::Error::new(SQLITE_IOERR_WRITE), None);
        assert!(!super::super::is_full(&growing.named(failed)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_bound_on_files_and_a_quota_are_want_of_room_and_a_broken_disk_is_not() {
        // EFBIG, EDQUOT, ENOSPC; EIO, EROFS.
        for (number, is_so) in [(27, true), (122, true), (28, true), (5, false), (30, false)] {
            assert_eq!(is_want_of_room(io::Error::from_raw_os_error(number).kind()), is_so, "{number}");
        }
    }
}
