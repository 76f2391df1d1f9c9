//! Hands a gate the files of a trust directory, as the plugin does inside Traefik.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use trust_core::UnfitKey;
use trust_core::gate::{Gate, InvalidTrustFile};

/// The gate reads no more of a file; one byte beyond shows it that a file is too large.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// A file that the gate was given.
pub(crate) struct Given {
    pub(crate) path: PathBuf,
    pub(crate) is_there: bool,
    /// Whether it is of use; also good when it is missing and not needed.
    pub(crate) taken: Result<(), InvalidTrustFile>,
    /// Keys in it that verify no token.
    pub(crate) unfit: Vec<UnfitKey>,
}

/// Gives the gate every file that it wants.
pub(crate) fn give(gate: &mut Gate, trust: &Path) -> Vec<Given> {
    let wanted = gate.wanted_files();
    wanted
        .into_iter()
        .map(|name| {
            let path = trust.join(&name);
            let content = read(&path);
            let taken = gate.take_file(&name, content.as_deref());
            let unfit = content.as_deref().map(|content| gate.unfit_keys(&name, content)).unwrap_or_default();
            Given { path, is_there: content.is_some(), taken, unfit }
        })
        .collect()
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path).ok()?.take(MAX_FILE_BYTES.saturating_add(1)).read_to_end(&mut content).ok()?;
    Some(content)
}
