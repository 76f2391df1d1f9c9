//! Proofs that are spent: `/gate/dpop/<minute>/<digest>`, an empty file for each. Of all that try to make one, in whatever
//! process, the file system lets one succeed.
//!
//! The gate never removes any: the keeper does, or whoever looks after the host, once no proof of that minute can be new.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use trust_core::shared_files::Claim;

/// Below the folder that all gates of the host share.
const FOLDER: &str = "dpop";

/// Makes the file of this name in the folder of this minute.
pub(crate) fn claim(gate_directory: &Path, minute: u64, name: &str) -> Claim {
    let folder = gate_directory.join(FOLDER);
    let of_minute = folder.join(minute.to_string());
    if !(make_folder(&folder) && make_folder(&of_minute)) {
        return Claim::Unknown;
    }
    match OpenOptions::new().write(true).create_new(true).open(of_minute.join(name)) {
        Ok(_) => Claim::First,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Claim::Before,
        Err(_) => Claim::Unknown,
    }
}

/// Whether a folder is there, as it usually is, or can be made.
fn make_folder(path: &Path) -> bool {
    if is_folder(path) {
        return true;
    }
    // Two that make it at the same time make the same.
    let _ = fs::create_dir(path);
    is_folder(path)
}

/// A folder itself: behind a link the files would lie wherever it leads, and could be swept away there.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}
