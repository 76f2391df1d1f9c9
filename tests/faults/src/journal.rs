//! What a worker puts down before and after each operation. Written straight to the kernel, so that it outlives a SIGKILL; it lies on
//! another disk than the store whenever that one is broken.

use std::fmt::{self, Display};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::lease::LeaseLine;
use crate::operation::Operation;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The store is open.
    Ready,
    /// The store cannot be gone on with.
    Ended(String),
    /// About to be asked for.
    Tried(Operation),
    /// Acknowledged, with the position of its first event, or 0 where that was found out otherwise.
    Kept(Operation, u64),
    /// Acknowledged again, as what is there already.
    Again(Operation),
    /// Refused in words that promise that nothing was changed.
    Refused(Operation, String),
    /// Neither: it may be there.
    Unknown(Operation, String),
    /// An answer that no promise allows.
    Wrong(Operation, String),
    /// What the holder of this number has to say.
    Lease(u32, LeaseLine),
}

impl Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |text: &str| text.replace(char::is_whitespace, "_");
        let at = |operation: &Operation| format!("{} {}", operation.writer, operation.number);
        match self {
            Self::Ready => write!(out, "ready"),
            Self::Ended(why) => write!(out, "ended {}", plain(why)),
            Self::Tried(operation) => write!(out, "tried {}", at(operation)),
            Self::Kept(operation, position) => write!(out, "kept {} {position}", at(operation)),
            Self::Again(operation) => write!(out, "again {}", at(operation)),
            Self::Refused(operation, why) => write!(out, "refused {} {}", at(operation), plain(why)),
            Self::Unknown(operation, why) => write!(out, "unknown {} {}", at(operation), plain(why)),
            Self::Wrong(operation, why) => write!(out, "wrong {} {}", at(operation), plain(why)),
            Self::Lease(holder, line) => write!(out, "lease {holder} {line}"),
        }
    }
}

impl Line {
    /// Nothing when the writer was cut off in the middle of the line.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let verb = words.next()?;
        if verb == "ready" {
            return Some(Self::Ready);
        }
        if verb == "ended" {
            return Some(Self::Ended(words.next().unwrap_or_default().to_owned()));
        }
        if verb == "lease" {
            return Some(Self::Lease(words.next()?.parse().ok()?, LeaseLine::parse(words)?));
        }
        let operation = Operation { writer: words.next()?.parse().ok()?, number: words.next()?.parse().ok()? };
        let rest = words.next().unwrap_or_default();
        match verb {
            "tried" => Some(Self::Tried(operation)),
            "kept" => Some(Self::Kept(operation, rest.parse().ok()?)),
            "again" => Some(Self::Again(operation)),
            "refused" => Some(Self::Refused(operation, rest.to_owned())),
            "unknown" => Some(Self::Unknown(operation, rest.to_owned())),
            "wrong" => Some(Self::Wrong(operation, rest.to_owned())),
            _ => None,
        }
    }
}

/// The side that writes.
pub(crate) struct Journal(Mutex<File>);

impl Journal {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        File::options().create(true).append(true).open(path).map(|file| Self(Mutex::new(file)))
    }

    /// One call of the kernel for each line: a worker that is killed leaves whole lines.
    pub(crate) fn put_down(&self, line: &Line) {
        let text = format!("{line}\n");
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes());
        if let Err(error) = written {
            eprintln!("the journal cannot be written: {error}");
            std::process::exit(2);
        }
    }
}
