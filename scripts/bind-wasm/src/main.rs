//! Binds a wasm module for pages: `bind-wasm MODULE.wasm FOLDER`, started in the repository, writes `FOLDER/bound.js` and
//! `FOLDER/bound_bg.wasm`, and beside them what they were made from. Other files in the folder are removed.
//!
//! Our pages may run nothing but files of ours (`script-src 'self' 'wasm-unsafe-eval'`, trusted types): JavaScript that makes
//! code of texts would not run there, so it is refused here, where it can be seen.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

#[path = "../../../browser/sources.rs"]
mod sources;
#[path = "../../tree_digest.rs"]
mod tree_digest;

/// What a page's policy forbids, as JavaScript writes it.
const FORBIDDEN: [&str; 4] = ["eval(", "new Function", "innerHTML", "document.write"];

fn main() -> ExitCode {
    match run(env::args_os().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bind-wasm: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let (Some(module), Some(folder), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        bail!("say which module to read and which folder to write");
    };
    let folder = Path::new(&folder);
    let mut output = Bindgen::new()
        .input_path(&module)
        .out_name("bound")
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        // A module that has trapped is not to be gone on with: whoever loaded it begins it anew.
        .reset_state_function(true)
        .generate_output()
        .with_context(|| format!("{} cannot be bound", Path::new(&module).display()))?;
    check(output.js())?;
    let has_snippets = output.snippets().values().any(|list| !list.is_empty()) || !output.local_modules().is_empty();
    ensure!(!has_snippets, "it brings JavaScript of its own along, which nobody would serve");
    let module = output.wasm_mut().emit_wasm();
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let made_from = tree_digest::digest(Path::new("."), &sources::SOURCES).context("the sources cannot be read")?;
    let files =
        [("bound.js", output.js().as_bytes()), ("bound_bg.wasm", &module), (sources::MADE_FROM, made_from.as_bytes())];
    for (name, bytes) in files {
        write(&folder.join(name), bytes)?;
    }
    remove_others(folder, &files.map(|(name, _)| name))
}

/// What an earlier version has left would be packed and served.
fn remove_others(folder: &Path, names: &[&str]) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !names.iter().any(|name| entry.file_name() == *name) {
            fs::remove_file(entry.path()).with_context(|| format!("{} cannot be removed", entry.path().display()))?;
        }
    }
    Ok(())
}

/// Leaves a file alone that is as it should be: the service is built again whenever one of its pages is newer than it.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

/// Fails where the JavaScript does what no page of ours may do.
fn check(javascript: &str) -> Result<()> {
    for forbidden in FORBIDDEN {
        ensure!(!javascript.contains(forbidden), "the JavaScript holds `{forbidden}`, which the pages' policy forbids");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_have_one_digest_and_all_are_there() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let of = |root: &Path| tree_digest::digest(root, &sources::SOURCES).unwrap();
        let digest = of(&repository);
        assert_eq!(digest.len(), 64);
        assert_eq!(digest, of(&repository.join("scripts/..")), "a matter of how the folder is named");
    }

    #[test]
    fn javascript_that_makes_code_of_text_is_refused() {
        assert!(check("export function shipped() { return wasm.shipped(); }").is_ok());
        for bad in ["return eval(text);", "new Function('return this')()", "root.innerHTML = text"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
