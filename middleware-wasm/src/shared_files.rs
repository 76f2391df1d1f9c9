//! The files in `/gate` that all gates of this host share.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;

use rustix::io::{pread, pwrite};
use trust_core::gate::Gate;
use trust_core::shared_files::{SharedFile, SharedFiles};

const GATE_DIRECTORY: &str = "/gate";

/// The files as this instance holds them open; none where they cannot be had.
#[derive(Default)]
pub(crate) struct GateFiles {
    claims: Option<File>,
}

impl GateFiles {
    /// Opens them anew: a file that somebody removed or replaced must not live on in one instance alone.
    pub(crate) fn reopen(&mut self, gate: &Gate) {
        let bytes = gate.claims_cache_bytes();
        self.claims = (bytes > 0).then(|| open_fixed(&format!("claims-{bytes}.cache"), bytes)).flatten();
    }

    fn file(&self, file: SharedFile) -> Option<&File> {
        match file {
            SharedFile::Claims => self.claims.as_ref(),
        }
    }
}

impl SharedFiles for GateFiles {
    fn read_at(&self, file: SharedFile, offset: u64, buffer: &mut [u8]) -> bool {
        let wanted = buffer.len();
        self.file(file).is_some_and(|file| pread(file, buffer, offset).is_ok_and(|read| read == wanted))
    }

    fn write_at(&self, file: SharedFile, offset: u64, bytes: &[u8]) -> bool {
        self.file(file).is_some_and(|file| pwrite(file, bytes, offset).is_ok_and(|written| written == bytes.len()))
    }
}

/// A regular file of exactly this size, made if it is not there. Two that make it at the same time make the same.
fn open_fixed(name: &str, bytes: u64) -> Option<File> {
    let path = PathBuf::from(GATE_DIRECTORY).join(name);
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).ok()?;
    let found = file.metadata().ok()?;
    if !found.is_file() {
        return None;
    }
    if found.len() != bytes {
        // Without a byte in it on the disk: it fills as tokens come.
        file.set_len(bytes).ok()?;
    }
    Some(file)
}
