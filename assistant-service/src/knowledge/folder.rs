//! Reads a folder of documents: in a fixed order, within bounds, and never outside the folder.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// No handwritten document is larger; what is larger is an export, and one of those would crowd out the rest.
const LIMIT_BYTES: u64 = 2 * 1024 * 1024;

/// One document as it was read.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) file: String,
    pub(super) text: String,
}

/// A file that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its path below the folder.
    pub file: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why a file was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// It has more than 2 MiB.
    TooLarge,
    /// It is not UTF-8.
    NotUtf8,
    /// It is a link, which may lead out of the folder, or a device or a pipe.
    NotAFile,
    /// The system would not give it.
    Unreadable(io::ErrorKind),
}

impl fmt::Display for SkipReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => formatter.write_str("it is larger than 2 MiB"),
            Self::NotUtf8 => formatter.write_str("it is not UTF-8"),
            Self::NotAFile => formatter.write_str("it is no regular file"),
            Self::Unreadable(kind) => write!(formatter, "it cannot be read: {kind}"),
        }
    }
}

/// Reads all Markdown files below `folder`, sorted by path; names that begin with a dot are passed over.
pub(super) fn read_documents(folder: &Path) -> io::Result<(Vec<Document>, Vec<Skipped>)> {
    let mut documents = Vec::new();
    let mut skipped = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = match fs::read_dir(&next) {
            Ok(entries) => entries,
            Err(cause) if next == folder => return Err(cause),
            Err(cause) => {
                skipped.push(Skipped { file: name_below(folder, &next), reason: SkipReason::Unreadable(cause.kind()) });
                continue;
            }
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(path);
            } else if is_markdown(&path) {
                let file = name_below(folder, &path);
                match if kind.is_file() { read(&path) } else { Err(SkipReason::NotAFile) } {
                    Ok(text) => documents.push(Document { file, text }),
                    Err(reason) => skipped.push(Skipped { file, reason }),
                }
            }
        }
    }
    documents.sort_by(|one, other| one.file.cmp(&other.file));
    skipped.sort_by(|one, other| one.file.cmp(&other.file));
    Ok((documents, skipped))
}

fn is_markdown(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    extension.eq_ignore_ascii_case("md") || extension.eq_ignore_ascii_case("markdown")
}

fn read(path: &Path) -> Result<String, SkipReason> {
    let unreadable = |cause: io::Error| SkipReason::Unreadable(cause.kind());
    let mut bytes = Vec::new();
    let limit = LIMIT_BYTES.saturating_add(1);
    File::open(path).map_err(unreadable)?.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).unwrap_or(limit) > LIMIT_BYTES {
        return Err(SkipReason::TooLarge);
    }
    String::from_utf8(bytes).map_err(|_| SkipReason::NotUtf8)
}

fn name_below(folder: &Path, path: &Path) -> String {
    let below: PathBuf = path.strip_prefix(folder).unwrap_or(path).to_owned();
    below.to_string_lossy().into_owned()
}
