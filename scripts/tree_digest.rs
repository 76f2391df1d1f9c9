//! One digest of files and folders: as long as it is the same, what was made from them, or said about them, still holds. Read by
//! `browser/build.rs`, `scripts/bind-wasm` and `tests/switch-off`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Of these files and folders below `root`: another one as soon as any of them is another one, or has another name.
pub(crate) fn digest(root: &Path, sources: &[&str]) -> io::Result<String> {
    let mut files = Vec::new();
    for source in sources {
        gather(root.join(source), &mut files)?;
    }
    files.sort();
    let mut all = Sha256::new();
    for file in files {
        all.update(file.strip_prefix(root).unwrap_or(&file).as_os_str().as_encoded_bytes());
        all.update(Sha256::digest(fs::read(&file)?));
    }
    Ok(all.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn gather(path: PathBuf, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path);
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        gather(entry?.path(), files)?;
    }
    Ok(())
}
