//! The folder that the gate writes, looked at with care: whoever has taken over the gate can put anything into it. Nothing
//! in it is followed, read or believed but the names, and no look at it takes longer for what lies there.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, renameat, statat, unlinkat};
use rustix::io::{Errno, Result, pread};

const DENIALS: &str = "denials";
const DENIALS_BEFORE: &str = "denials.1";
const MAX_DENIALS_BYTES: i64 = 4 * 1024 * 1024;

/// As many records as a gate may write between two looks, and more than it writes down at all.
const READ_AT_ONCE: usize = 8 * 1024 * 1024;

const PROOFS: &str = "dpop";
/// Proofs are good for less than that.
const PROOFS_KEPT_MINUTES: u64 = 10;
/// So many entries are looked at in one sweep; the next goes on with what is left.
const ENTRIES_A_SWEEP: usize = 20_000;

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct GateFolder(PathBuf);

impl GateFolder {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Opened anew each time: the folder may be made again while the keeper runs. Its own path is the operator's.
    fn open(&self) -> Result<OwnedFd> {
        openat(CWD, &self.0, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    }

    /// Takes the wish of this name away; says whether there was one. What is no file and cannot be taken away is a wish as
    /// well: wishes are rationed anyhow, and a folder planted in the place of one must not keep an issuer's new keys out.
    pub(super) fn take_wish(&self, name: &str) -> Result<bool> {
        match unlinkat(self.open()?, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::ISDIR | Errno::PERM) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(cause) => Err(cause),
        }
    }

    /// Makes room for new denials where the old ones are many. A link or a device in their place is left alone.
    pub(super) fn rotate_denials(&self) -> Result<()> {
        let folder = self.open()?;
        let found = match statat(&folder, DENIALS, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            found => found?,
        };
        let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
        if is_file && found.st_size > MAX_DENIALS_BYTES {
            renameat(&folder, DENIALS, &folder, DENIALS_BEFORE)?;
        }
        Ok(())
    }

    /// How much is written down of denials.
    pub(super) fn denials_bytes(&self) -> Result<u64> {
        match statat(&self.open()?, DENIALS, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(0),
            found => Ok(u64::try_from(found?.st_size).unwrap_or_default()),
        }
    }

    /// What was written down since, up to a bound, in whole lines; `from` becomes how far that goes. A file that is shorter than that is a
    /// new one. Records of the last seconds before somebody moves the file away are not seen.
    pub(super) fn new_denials(&self, from: &mut u64) -> Result<Vec<u8>> {
        let folder = self.open()?;
        let flags = OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&folder, DENIALS, flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::LOOP) => {
                *from = 0;
                return Ok(Vec::new());
            }
            file => file?,
        };
        let found = fstat(&file)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Ok(Vec::new());
        }
        if u64::try_from(found.st_size).unwrap_or_default() < *from {
            *from = 0;
        }
        let mut read = vec![0; READ_AT_ONCE];
        let count = pread(&file, &mut read, *from)?;
        read.truncate(count);
        if count == READ_AT_ONCE {
            // The last one may go on: it is read the next time.
            read.truncate(read.iter().rposition(|byte| *byte == b'\n').unwrap_or(count));
        }
        *from = from.saturating_add(u64::try_from(read.len()).unwrap_or_default());
        Ok(read)
    }

    /// Removes the proofs of minutes that have passed long ago.
    pub(super) fn sweep_proofs(&self, now_minute: u64) -> Result<()> {
        let folder = self.open()?;
        let proofs = match open_folder(&folder, PROOFS) {
            // Not there, or no folder: a link is not followed.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            proofs => proofs?,
        };
        let mut left = ENTRIES_A_SWEEP;
        for entry in Dir::read_from(&proofs)?.take(ENTRIES_A_SWEEP) {
            let entry = entry?;
            left = left.saturating_sub(1);
            let minute = entry.file_name().to_str().ok().and_then(minute_of);
            let is_old = minute.is_some_and(|minute| minute.saturating_add(PROOFS_KEPT_MINUTES) < now_minute);
            if is_old && left > 0 {
                remove_minute(&proofs, entry.file_name(), &mut left)?;
            }
        }
        Ok(())
    }
}

/// The gate's own spelling of a minute since 1970.
fn minute_of(name: &str) -> Option<u64> {
    let minute: u64 = name.parse().ok()?;
    (minute.to_string() == name).then_some(minute)
}

fn open_folder(parent: &OwnedFd, name: impl rustix::path::Arg) -> Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::empty())
}

fn remove_minute(proofs: &OwnedFd, name: &std::ffi::CStr, left: &mut usize) -> Result<()> {
    let minute = match open_folder(proofs, name) {
        Err(Errno::NOTDIR | Errno::LOOP) => return ignore_missing(unlinkat(proofs, name, AtFlags::empty())),
        Err(Errno::NOENT) => return Ok(()),
        minute => minute?,
    };
    for entry in Dir::read_from(&minute)? {
        let entry = entry?;
        if [c".", c".."].contains(&entry.file_name()) {
            continue;
        }
        if *left == 0 {
            return Ok(());
        }
        *left = left.saturating_sub(1);
        // A folder in a folder was not made by a gate; an empty one goes too, a full one stays and is only looked at again.
        if unlinkat(&minute, entry.file_name(), AtFlags::empty()) == Err(Errno::ISDIR) {
            let _ = unlinkat(&minute, entry.file_name(), AtFlags::REMOVEDIR);
        }
    }
    match unlinkat(proofs, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
        removed => ignore_missing(removed),
    }
}

fn ignore_missing(removed: Result<()>) -> Result<()> {
    if removed == Err(Errno::NOENT) { Ok(()) } else { removed }
}

#[cfg(test)]
mod tests;
