//! What the wasm of the pages is made from, as one digest: whoever binds it writes the digest down beside it, and whoever packs the pages
//! can tell wasm of today from wasm of yesterday. Read by `build.rs` and by `scripts/bind-wasm`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The file beside a bound module that holds the digest.
pub(crate) const MADE_FROM: &str = ".made-from";

/// Below the repository: all that goes into any of the modules.
pub(crate) const SOURCES: [&str; 8] = [
    "Cargo.lock",
    "rust-toolchain.toml",
    "traefik-config/dynamic/gate.yml",
    "trust-core/src",
    "policy/src",
    "browser/playground/src",
    "browser/scanner/src",
    "scripts/bind-wasm/src",
];

/// Another one as soon as any of the sources is another one.
pub(crate) fn digest(repository: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        gather(repository.join(source), &mut files)?;
    }
    files.sort();
    let mut all = Sha256::new();
    for file in files {
        all.update(file.strip_prefix(repository).unwrap_or(&file).as_os_str().as_encoded_bytes());
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
