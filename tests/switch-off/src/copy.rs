//! A copy of the core, the table and what plays it: checks are switched off there and nowhere else.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::checks::Edit;
use crate::text::Plain;

/// The crates that are needed.
const CRATES: [&str; 3] = ["trust-core", "tests/attack-table", "tests/native-gate"];

/// Built in the least time: only arithmetic is worth optimising, and nobody debugs it.
const PROFILE: &str = r#"
[profile.dev]
debug = false

[profile.dev.package."*"]
opt-level = 1
"#;
const FAST: [&str; 8] =
    ["curve25519-dalek", "num-bigint-dig", "p256", "p384", "p521", "crypto-bigint", "primefield", "primeorder"];

pub(crate) struct Workspace {
    folder: PathBuf,
}

impl Workspace {
    /// Brings the copy in `folder` up to date with `root`. What has not changed is left alone, so that it need not be built
    /// anew.
    pub(crate) fn of(root: &Path, folder: &Path) -> Result<Workspace> {
        for name in CRATES {
            copy_folder(&root.join(name), &folder.join(name))?;
        }
        for file in ["rust-toolchain.toml", "Cargo.lock"] {
            write_if_other(&folder.join(file), &fs::read(root.join(file))?)?;
        }
        write_if_other(&folder.join("Cargo.toml"), manifest(&fs::read_to_string(root.join("Cargo.toml"))?).as_bytes())?;
        Ok(Workspace { folder: folder.to_owned() })
    }

    /// Takes over what another copy has built of the crates of others.
    pub(crate) fn take_over(&self, other: &Workspace) -> Result<()> {
        let (from, to) = (other.folder.join("target"), self.folder.join("target"));
        if !to.exists() {
            for path in files_below(&from)? {
                let Ok(name) = path.strip_prefix(&from) else { continue };
                let place = to.join(name);
                if let Some(folder) = place.parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::copy(&path, place)?;
            }
        }
        Ok(())
    }

    /// The sources of the core, by their path below `trust-core/src`.
    pub(crate) fn sources(&self) -> Result<BTreeMap<String, String>> {
        let root = self.folder.join("trust-core/src");
        let mut sources = BTreeMap::new();
        for path in files_below(&root)? {
            let Ok(name) = path.strip_prefix(&root) else { continue };
            let name = name.to_string_lossy().into_owned();
            // `fuzzing` and `properties` are tests as well.
            let is_test = name.ends_with("tests.rs")
                || name.contains("tests/")
                || name.starts_with("fuzzing")
                || name.starts_with("properties");
            if name.ends_with(".rs") && !is_test {
                sources.insert(name, fs::read_to_string(&path)?);
            }
        }
        Ok(sources)
    }

    /// Writes the sources with these edits, and those that the edits before it had changed as they were.
    pub(crate) fn write(&self, sources: &BTreeMap<String, String>, edits: &[Edit]) -> Result<()> {
        for (name, source) in sources {
            let mut source = source.clone();
            for edit in edits.iter().filter(|edit| edit.file == name) {
                let place = Plain::of(&source)
                    .find_once(edit.text)
                    .map_err(|why| Error::other(format!("`{}` {why} in {}", edit.text, edit.file)))?;
                source.replace_range(place, edit.off);
            }
            write_if_other(&self.folder.join("trust-core/src").join(name), source.as_bytes())?;
        }
        Ok(())
    }

    /// Builds what plays the table.
    pub(crate) fn build(&self) -> Result<Output> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--offline", "--bin", "native-gate"]).current_dir(&self.folder);
        cargo.env("CARGO_TARGET_DIR", self.folder.join("target")).env_remove("RUSTFLAGS").output()
    }

    /// Plays the table.
    pub(crate) fn play(&self) -> Result<Output> {
        Command::new(self.folder.join("target/debug/native-gate")).output()
    }
}

/// The workspace's manifest, for these crates alone and with a profile of its own: what all crates share stands
/// between the list of members and the profiles.
fn manifest(whole: &str) -> String {
    let members = CRATES.map(|name| format!("{name:?}")).join(", ");
    let mut manifest = format!("[workspace]\nresolver = \"3\"\nmembers = [{members}]\n\n");
    let shared = whole.lines().skip_while(|line| !line.starts_with("[workspace."));
    for line in shared.take_while(|line| !line.starts_with("[profile.")) {
        manifest.push_str(line);
        manifest.push('\n');
    }
    manifest.push_str(PROFILE);
    for name in FAST {
        manifest.push_str(&format!("\n[profile.dev.package.{name}]\nopt-level = 3\n"));
    }
    manifest
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let mut wanted = Vec::new();
    for path in files_below(from)? {
        let Ok(name) = path.strip_prefix(from) else { continue };
        let place = to.join(name);
        write_if_other(&place, &fs::read(&path)?)?;
        wanted.push(place);
    }
    for old in files_below(to)?.iter().filter(|path| !wanted.contains(path)) {
        fs::remove_file(old)?;
    }
    Ok(())
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            files.push(entry.path());
        } else if entry.file_name() != OsStr::new("target") {
            files.extend(files_below(&entry.path())?);
        }
    }
    files.sort();
    Ok(files)
}

fn write_if_other(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|held| held == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only the manifests are read: nothing is built or fetched.
    #[test]
    fn the_copy_is_a_workspace_of_its_crates_alone() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = tempfile::tempdir().unwrap();
        Workspace::of(&root, folder.path()).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(folder.path());
        let told = cargo.output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let told = String::from_utf8(told.stdout).unwrap();
        for name in CRATES {
            assert!(told.contains(&format!("/{name}/Cargo.toml")), "{name} is missing from {told}");
        }
    }
}
