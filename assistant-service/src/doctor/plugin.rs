//! The copy of the plugin that Traefik loads: whether it is the build of this version.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::finding::Notes;

/// Below Traefik's working directory.
const FOLDER: &str = "plugins-local/src/github.com/watchgate/watchgate";

/// The SHA-256 of the plugin that lay beside this program when it was built; nothing where none did.
const BUILT_WITH: &str = env!("WATCHGATE_PLUGIN_SHA256");
const MANIFEST: &[u8] = include_bytes!("../../../scripts/plugin-manifest.yml");

/// Compares the plugin's two files with those of this version.
pub(super) fn look(notes: &mut Notes<'_>, traefik_dir: &Path, is_asked: bool) {
    look_for(notes, traefik_dir, is_asked, BUILT_WITH);
}

fn look_for(notes: &mut Notes<'_>, traefik_dir: &Path, is_asked: bool, built_with: &str) {
    let folder = traefik_dir.join(FOLDER);
    let here = folder.display().to_string();
    let install = format!("copy dist/watchgate-plugin/ of this version to {here} and restart Traefik");
    let read = |name: &str| std::fs::read(folder.join(name)).map_err(|cause| format!("{name}: {cause}"));
    let files = read("plugin.wasm").and_then(|wasm| Ok((wasm, read(".traefik.yml")?)));
    let (wasm, manifest) = match files {
        Ok(files) => files,
        Err(why) if is_asked => {
            return notes.unknown(&here, why, "name Traefik's working directory with --traefik-dir");
        }
        Err(why) => return notes.not_here(&here, why, "name Traefik's working directory with --traefik-dir"),
    };
    let digest: String = Sha256::digest(&wasm).iter().map(|byte| format!("{byte:02x}")).collect();
    let short = digest.get(..12).unwrap_or_default();
    if built_with.is_empty() {
        let why = format!("this program was built without the plugin beside it, and cannot tell {short}…");
        notes.not_here(&here, why, "build both with `make release`");
    } else if digest != built_with {
        let version = env!("CARGO_PKG_VERSION");
        notes.bad(&here, format!("plugin.wasm ({short}…) is not the build of version {version}"), install);
    } else if manifest != MANIFEST {
        notes.bad(&here, ".traefik.yml is not that of this version", install);
    } else {
        notes.good(&here, format!("plugin.wasm is this version's ({short}…)"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Report, Verdict};
    use super::*;

    #[test]
    fn a_plugin_of_other_bytes_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let plugin = folder.path().join(FOLDER);
        std::fs::create_dir_all(&plugin).unwrap();
        let verdict = |built_with: &str| {
            let mut report = Report::default();
            look_for(&mut report.of("plugin"), folder.path(), true, built_with);
            (report.findings[0].verdict, report.left_out)
        };
        assert_eq!(verdict(""), (Verdict::Unknown, true), "there is none");
        std::fs::write(plugin.join("plugin.wasm"), "wasm").unwrap();
        std::fs::write(plugin.join(".traefik.yml"), MANIFEST).unwrap();
        let digest: String = Sha256::digest("wasm").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(verdict(&digest), (Verdict::Good, false));
        assert_eq!(verdict(""), (Verdict::Unknown, false), "nobody can tell");
        assert_eq!(verdict(&"0".repeat(64)).0, Verdict::Bad);
        std::fs::write(plugin.join(".traefik.yml"), "displayName: x").unwrap();
        assert_eq!(verdict(&digest).0, Verdict::Bad);
    }
}
