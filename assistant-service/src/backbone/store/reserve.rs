//! Room that is held as long as nobody needs it. SQLite writes into its log whatever it erases, and brings the log back into a file that
//! grows by it: on a disk that is full nothing could be let go any more. Then this room is given back, for that alone.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};

use super::files;

/// What a long log takes in the file.
const BYTES: u64 = 16 * 1024 * 1024;

const FILE: &str = "reserve";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Held,
    /// What is free belongs to erasing, and to nobody who has something new.
    GivenBack,
    /// There was no room for it; what comes is tried.
    Missing,
}

/// The room of one store.
pub(in crate::backbone) struct Reserve {
    path: PathBuf,
    standing: Standing,
}

impl Reserve {
    pub(super) fn below(folder: &Path) -> Self {
        let mut reserve = Self { path: folder.join(FILE), standing: Standing::Missing };
        reserve.take();
        if reserve.standing != Standing::Held {
            tracing::warn!(
                bytes = BYTES,
                "there is no room to hold: once the disk is full, nothing can be erased on it"
            );
        }
        reserve
    }

    /// Whether nothing new may be kept.
    pub(in crate::backbone) fn is_given_back(&self) -> bool {
        self.standing == Standing::GivenBack
    }

    /// Makes room for erasing; whether there is more now.
    pub(in crate::backbone) fn give_back(&mut self) -> bool {
        let has_given = self.standing == Standing::Held && std::fs::remove_file(&self.path).is_ok();
        if has_given {
            tracing::warn!("the disk is full: nothing new is kept until what was kept long enough is erased");
            self.standing = Standing::GivenBack;
        }
        has_given
    }

    /// Whether it is there.
    pub(in crate::backbone) fn is_held(&self) -> bool {
        self.standing == Standing::Held
    }

    /// Holds it, if there is room; to be called when there is nothing to erase.
    pub(in crate::backbone) fn take(&mut self) {
        self.standing = match hold(&self.path) {
            Ok(()) => Standing::Held,
            Err(error) => {
                tracing::debug!(%error, "there is no room to hold");
                let _ = std::fs::remove_file(&self.path);
                Standing::Missing
            }
        };
    }
}

fn hold(path: &Path) -> io::Result<()> {
    let file: File = files::open_private(path)?;
    Ok(fallocate(&file, FallocateFlags::empty(), 0, BYTES)?)
}
