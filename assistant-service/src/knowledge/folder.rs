//! Looks through folders of documents: within bounds, and never outside the folder.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::CannotLoad;
use super::front_matter::InvalidFrontMatter;
use super::kind::Kind;

/// No handwritten document is larger; what is larger is an export, and one of those would crowd out the rest.
const LIMIT_BYTES: u64 = 2 * 1024 * 1024;
const UNSETTLED_SECONDS: u64 = 2;

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
    /// Reading it ends in a mistake of ours.
    NotUnderstood,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => formatter.write_str("it is larger than 2 MiB"),
            Self::NotUtf8 => formatter.write_str("it is not UTF-8"),
            Self::NotAFile => formatter.write_str("it is no regular file"),
            Self::Unreadable(kind) => write!(formatter, "it cannot be read: {kind}"),
            Self::FrontMatter(cause) => cause.fmt(formatter),
            Self::NotUnderstood => formatter.write_str("it cannot be cut into sections: please report this"),
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

    /// Whether a later change would give another stamp. File systems tell times apart by milliseconds or by seconds, so that
    /// the stamp of a file that has just changed may be that of its next change too.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let changed = u64::try_from(self.changed.0).unwrap_or_default();
        changed > now || now.saturating_sub(changed) > UNSETTLED_SECONDS
    }
}

/// A folder of documents, and what their names begin with.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    prefix: String,
}

impl Folder {
    /// These folders; where there are several, with their own names before those of their documents.
    pub(super) fn all(paths: &[PathBuf]) -> Result<Vec<Self>, CannotLoad> {
        if let [path] = paths {
            return Ok(vec![Self { path: path.clone(), prefix: String::new() }]);
        }
        let mut folders: Vec<Self> = Vec::new();
        for path in paths {
            let name = own_name(path).map_err(|cause| CannotLoad::Folder { folder: path.clone(), cause })?;
            let prefix = format!("{name}/");
            if folders.iter().any(|folder| folder.prefix == prefix) {
                return Err(CannotLoad::SameName { name });
            }
            folders.push(Self { path: path.clone(), prefix });
        }
        Ok(folders)
    }

    /// Lists all documents below; names that begin with a dot are passed over.
    pub(super) fn list(&self) -> Result<Vec<Found>, CannotLoad> {
        self.walk().map_err(|cause| CannotLoad::Folder { folder: self.path.clone(), cause })
    }

    fn walk(&self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        let mut folders = vec![self.path.clone()];
        while let Some(next) = folders.pop() {
            let entries = match fs::read_dir(&next) {
                Ok(entries) => entries,
                Err(cause) if next == self.path => return Err(cause),
                Err(cause) => {
                    let stamp = Err(SkipReason::Unreadable(cause.kind()));
                    found.push(Found { file: self.name_of(&next), path: next, kind: Kind::Plain, stamp });
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
                    found.push(Found { file: self.name_of(&path), kind, stamp: stamp(entry.metadata()), path });
                }
            }
        }
        Ok(found)
    }

    fn name_of(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.path).unwrap_or(path);
        format!("{}{}", self.prefix, below.to_string_lossy())
    }
}

/// The name as it was given; that of the real folder for `.` and the like.
fn own_name(path: &Path) -> io::Result<String> {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    match name(path) {
        Some(name) => Ok(name),
        None => name(&path.canonicalize()?).ok_or_else(|| io::Error::other("it has no name")),
    }
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
