//! Folders of small files that somebody writes by hand: which ones there are, and what stands in them, within a bound.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The files of a folder with one of these extensions, by name.
pub(crate) fn listed(folder: &Path, extensions: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().and_then(OsStr::to_str).is_some_and(|extension| extensions.contains(&extension)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A file's text, which must not be larger than the bound.
pub(crate) fn read(path: &Path, limit_bytes: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(limit_bytes.saturating_add(1)).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= limit_bytes) {
        Ok(text)
    } else {
        Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} KiB", limit_bytes / 1024)))
    }
}
