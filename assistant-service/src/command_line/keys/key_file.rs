//! How a key reaches the disk: created for its owner alone, synced, and only then given its name.

use std::fmt;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Whether a file that is there already may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overwrite {
    Keep,
    Replace,
}

impl Overwrite {
    pub(super) fn when(force: bool) -> Self {
        if force { Self::Replace } else { Self::Keep }
    }
}

/// What became of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Created,
    Replaced,
    Kept,
}

impl fmt::Display for Written {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Created => "created ",
            Self::Replaced => "replaced",
            Self::Kept => "kept    ",
        })
    }
}

/// Who may read a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Readers {
    Owner,
    Everyone,
}

/// A folder that exists and takes key files.
#[derive(Debug)]
pub(super) struct KeyFolder(PathBuf);

impl KeyFolder {
    /// A folder that only its owner enters; an existing one is closed to others, the folders above it stay open.
    pub(super) fn private(path: &Path) -> anyhow::Result<Self> {
        if let Some(parent) = path.parent() {
            Self::public(parent)?;
        }
        let folder = Self::with_mode(path, 0o700)?;
        fs::set_permissions(path, Permissions::from_mode(0o700))
            .with_context(|| format!("cannot close {} to other users; make it yours", path.display()))?;
        Ok(folder)
    }

    /// A folder whose names others may see; private files in it guard themselves.
    pub(super) fn public(path: &Path) -> anyhow::Result<Self> {
        Self::with_mode(path, 0o755)
    }

    fn with_mode(path: &Path, mode: u32) -> anyhow::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(path)
            .with_context(|| format!("cannot make the folder {}; choose one that you may write", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes one file whole or not at all. The temporary file is created exclusively and with its final mode, so a
    /// secret is at no moment readable by others, and a crash leaves the old file or the new one.
    pub(super) fn write(
        &self,
        name: &str,
        content: &[u8],
        readers: Readers,
        overwrite: Overwrite,
    ) -> anyhow::Result<(PathBuf, Written)> {
        let path = self.path(name);
        let written = self
            .try_write(&path, content, readers, overwrite)
            .with_context(|| format!("cannot write {}; check the folder's rights and space", path.display()))?;
        Ok((path, written))
    }

    fn try_write(&self, path: &Path, content: &[u8], readers: Readers, overwrite: Overwrite) -> io::Result<Written> {
        let mode = match readers {
            Readers::Owner => 0o600,
            Readers::Everyone => 0o644,
        };
        let mut file =
            tempfile::Builder::new().prefix(".new-").permissions(Permissions::from_mode(mode)).tempfile_in(&self.0)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        let written = match overwrite {
            Overwrite::Replace => {
                let written = if path.exists() { Written::Replaced } else { Written::Created };
                file.persist(path)?;
                written
            }
            Overwrite::Keep => match file.persist_noclobber(path) {
                Ok(_) => Written::Created,
                Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Written::Kept,
                Err(refused) => return Err(refused.error),
            },
        };
        File::open(&self.0)?.sync_all()?;
        Ok(written)
    }
}
