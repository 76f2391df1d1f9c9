//! Looks through a folder of documents: within bounds, and never outside the folder.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::front_matter::InvalidFrontMatter;
use super::kind::Kind;

/// No handwritten document is larger; what is larger is an export, and one of those would crowd out the rest.
const LIMIT_BYTES: u64 = 2 * 1024 * 1024;

/// A file that may be a document.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) file: String,
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    /// How the file is, as far as it can be told without reading it.
    pub(super) stamp: Result<Stamp, SkipReason>,
}

/// What changes whenever a file's content does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: (u64, u64),
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
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
    /// Nobody can tell for whom it is.
    FrontMatter(InvalidFrontMatter),
}

impl fmt::Display for SkipReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => formatter.write_str("it is larger than 2 MiB"),
            Self::NotUtf8 => formatter.write_str("it is not UTF-8"),
            Self::NotAFile => formatter.write_str("it is no regular file"),
            Self::Unreadable(kind) => write!(formatter, "it cannot be read: {kind}"),
            Self::FrontMatter(cause) => cause.fmt(formatter),
        }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: (metadata.dev(), metadata.ino()),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Lists all documents below `folder`, sorted by path; names that begin with a dot are passed over.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = match fs::read_dir(&next) {
            Ok(entries) => entries,
            Err(cause) if next == folder => return Err(cause),
            Err(cause) => {
                let stamp = Err(SkipReason::Unreadable(cause.kind()));
                found.push(Found { file: name_below(folder, &next), path: next, kind: Kind::Plain, stamp });
                continue;
            }
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if let Some(kind) = Kind::of(&path) {
                found.push(Found { file: name_below(folder, &path), kind, stamp: stamp(entry.metadata()), path });
            }
        }
    }
    found.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(found)
}

fn stamp(metadata: io::Result<Metadata>) -> Result<Stamp, SkipReason> {
    let metadata = metadata.map_err(|cause| SkipReason::Unreadable(cause.kind()))?;
    if metadata.is_file() { Ok(Stamp::of(&metadata)) } else { Err(SkipReason::NotAFile) }
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, SkipReason> {
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
