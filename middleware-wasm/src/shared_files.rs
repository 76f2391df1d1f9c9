//! The files in `/gate` that all gates of this host share.

use std::cell::OnceCell;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use rustix::io::{pread, pwrite};
use trust_core::gate::Gate;
use trust_core::shared_files::{Claim, SharedFile, SharedFiles};

use crate::spent_proofs;
use crate::trust_files::TRUST_DIRECTORY;

const GATE_DIRECTORY: &str = "/gate";

/// The file of denials grows no further than this; whoever reads it takes it away, and a new one begins.
const MAX_DENIALS_BYTES: u64 = 8 * 1024 * 1024;

/// The files as this instance holds them open; none where they cannot be had.
#[derive(Default)]
pub(crate) struct GateFiles {
    claims: Option<File>,
    /// By its name: a table is never written to once it is there, so it stays open as long as it is in force.
    revocations: Option<(String, File)>,
    bad_tokens_bytes: u64,
    /// Opened when the first token has to be looked at that no gate knows.
    bad_tokens: OnceCell<Option<File>>,
}

impl GateFiles {
    /// Opens them anew: a file that somebody removed or replaced must not live on in one instance alone.
    pub(crate) fn reopen(&mut self, gate: &Gate) {
        let bytes = gate.claims_cache_bytes();
        self.claims = (bytes > 0).then(|| open_fixed(&format!("claims-{bytes}.cache"), bytes)).flatten();
        let wanted = gate.revocations_file();
        if self.revocations.as_ref().map(|(name, _)| name) != wanted.as_ref() {
            self.revocations = wanted.and_then(|name| open_trusted(&name).map(|file| (name, file)));
        }
        self.bad_tokens_bytes = gate.bad_tokens_bytes();
        self.bad_tokens = OnceCell::new();
    }

    fn file(&self, file: SharedFile) -> Option<&File> {
        match file {
            SharedFile::Claims => self.claims.as_ref(),
            SharedFile::Revocations => self.revocations.as_ref().map(|(_, file)| file),
            SharedFile::BadTokens => self.bad_tokens.get_or_init(|| self.open_bad_tokens()).as_ref(),
        }
    }

    fn open_bad_tokens(&self) -> Option<File> {
        let bytes = self.bad_tokens_bytes;
        (bytes > 0).then(|| open_fixed(&format!("bad-tokens-{bytes}.counts"), bytes)).flatten()
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

    fn claim(&self, minute: u64, name: &str) -> Claim {
        spent_proofs::claim(Path::new(GATE_DIRECTORY), minute, name)
    }

    fn want_keys(&self, file: &str) {
        // Made anew or not at all: whatever stands there is never opened, and is wish enough.
        let _ = OpenOptions::new().write(true).create_new(true).open(Path::new(GATE_DIRECTORY).join(file));
    }

    fn append_denial(&self, line: &str) {
        // A denial that cannot be kept is still one; Traefik's log has it.
        append(&Path::new(GATE_DIRECTORY).join("denials"), line);
    }
}

/// Appends by one write, so that lines of many gates do not mix, and opens the file anew each time, so that it may be taken
/// away at any time.
fn append(path: &Path, line: &str) -> Option<()> {
    if bytes_in(path)? >= MAX_DENIALS_BYTES {
        return None;
    }
    let mut file = OpenOptions::new().append(true).create(true).open(path).ok()?;
    file.write(line.as_bytes()).ok().map(|_| ())
}

/// A regular file of exactly this size, made if it is not there. Two that make it at the same time make the same.
fn open_fixed(name: &str, bytes: u64) -> Option<File> {
    let path = Path::new(GATE_DIRECTORY).join(name);
    let found = bytes_in(&path)?;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).ok()?;
    if found != bytes {
        // Without a byte in it on the disk: it fills as tokens come.
        file.set_len(bytes).ok()?;
    }
    Some(file)
}

fn open_trusted(name: &str) -> Option<File> {
    File::open(Path::new(TRUST_DIRECTORY).join(name)).ok()
}

/// How long a regular file is, 0 when it is not there yet. Looked at before anything is opened, and without following a
/// link: opening a pipe would wait for a reader, and through a link the gate would write wherever it leads.
fn bytes_in(path: &Path) -> Option<u64> {
    match fs::symlink_metadata(path) {
        Ok(found) => found.is_file().then_some(found.len()),
        Err(error) => (error.kind() == ErrorKind::NotFound).then_some(0),
    }
}
