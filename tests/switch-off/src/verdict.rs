//! What became of the last whole run, kept in the repository: as long as the core, the table and this program are what they were then,
//! another run would say the same.

use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};

use crate::tree_digest::digest;

/// All that a run depends on but the crates of others, for which the table itself is played in every test.
const INPUTS: [&str; 4] = ["trust-core", "tests/attack-table", "tests/native-gate", "tests/switch-off/src"];

/// Below the repository.
const FILE: &str = "tests/switch-off/verdict";

/// What a run depends on, as one digest.
pub(crate) struct Inputs {
    file: PathBuf,
    digest: String,
}

impl Inputs {
    pub(crate) fn of(root: &Path) -> Result<Inputs> {
        Ok(Inputs { file: root.join(FILE), digest: digest(root, &INPUTS)? })
    }

    /// What the last whole run without a miss said, if it was about these.
    pub(crate) fn known(&self) -> Option<String> {
        let kept = fs::read_to_string(&self.file).ok()?;
        let (digest, said) = kept.trim_end().split_once('\n')?;
        (digest == self.digest).then(|| said.to_owned())
    }

    /// Keeps what a whole run without a miss has said.
    pub(crate) fn keep(&self, said: &str) -> Result<()> {
        fs::write(&self.file, format!("{}\n{said}\n", self.digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_counts_until_something_that_it_is_about_changes() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for folder in INPUTS {
            fs::create_dir_all(root.join(folder)).unwrap();
            fs::write(root.join(folder).join("file.rs"), folder).unwrap();
        }
        let inputs = || Inputs::of(root).unwrap();
        assert_eq!(inputs().known(), None, "nobody has run anything");
        inputs().keep("3 checks, 3 caught").unwrap();
        assert_eq!(inputs().known().as_deref(), Some("3 checks, 3 caught"));
        for folder in INPUTS {
            let file = root.join(folder).join("file.rs");
            fs::write(&file, "another").unwrap();
            assert_eq!(inputs().known(), None, "{folder}");
            fs::write(&file, folder).unwrap();
            assert!(inputs().known().is_some(), "{folder}");
        }
    }
}
