//! The live channel: files below `/trust` that change while the gate runs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use trust_core::gate::Gate;
use trust_core::time::WallTime;
use zeroize::Zeroizing;

use crate::host;

pub(crate) const TRUST_DIRECTORY: &str = "/trust";

/// How often the files are looked at. Looking costs an open and a read each; a key that was taken away stays good for
/// as long.
const LOOK_EVERY_MILLISECONDS: u64 = 250;

/// No file of the trust directory is larger.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// Few files are larger.
const USUAL_FILE_BYTES: usize = 4 * 1024;

/// What this instance has read, and when.
#[derive(Default)]
pub(crate) struct TrustFiles {
    looked_at_milliseconds: Option<u64>,
    /// The content last handed to the gate; `None` stands for a file that could not be read.
    contents: BTreeMap<String, Option<Zeroizing<Vec<u8>>>>,
}

impl TrustFiles {
    /// Hands the gate every file that has changed. Contents are compared, not times: a file that replaced another may
    /// carry the same time, and inode numbers come back. Says whether it was time to look.
    pub(crate) fn refresh(&mut self, gate: &mut Gate, now: WallTime) -> bool {
        let milliseconds = now.milliseconds();
        // A clock that has moved back counts as a reason to look, too.
        let is_fresh = self
            .looked_at_milliseconds
            .and_then(|looked_at| milliseconds.checked_sub(looked_at))
            .is_some_and(|age| age < LOOK_EVERY_MILLISECONDS);
        if is_fresh {
            return false;
        }
        self.looked_at_milliseconds = Some(milliseconds);
        for name in gate.wanted_files() {
            let content = read(&name);
            if self.contents.get(&name) == Some(&content) {
                continue;
            }
            if let Err(invalid) = gate.take_file(&name, content.as_ref().map(|bytes| bytes.as_slice())) {
                host::log_error(&format!("watchgate: {TRUST_DIRECTORY}/{name}: {invalid}"));
            }
            self.contents.insert(name, content);
        }
        true
    }
}

fn read(name: &str) -> Option<Zeroizing<Vec<u8>>> {
    let file = File::open(Path::new(TRUST_DIRECTORY).join(name)).ok()?;
    // With room for most, so that no part of a secret is left behind where it grew.
    let mut content = Zeroizing::new(Vec::with_capacity(USUAL_FILE_BYTES));
    // One byte more than any file may have, so that the gate sees that it is too large.
    file.take(MAX_FILE_BYTES.saturating_add(1)).read_to_end(&mut content).ok()?;
    Some(content)
}
