//! Packs every file below `pages/`, and what was bound from wasm below `../dist/pages/`, into one table: as it is, compressed, with
//! its entity tag. A file of one name in both would hide one of them, so that is an error.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

#[path = "sources.rs"]
mod sources;
#[path = "../scripts/tree_digest.rs"]
mod tree_digest;

/// The wasm modules that are bound into `../dist/pages/`, by their folders' names.
const MODULES: [&str; 2] = ["playground", "scanner"];

/// In scripts it stands for the version of all pages, so that whoever keeps some of them notices other ones.
const VERSION: &str = "__PAGES_VERSION__";

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut files = BTreeMap::new();
    let repository = here.join("..");
    // A folder that is not there yet counts as changed each time: what `make pages` puts there later must not be missed.
    let watched = ["browser/pages", "dist/pages"].iter().chain(&sources::SOURCES);
    for path in watched {
        println!("cargo::rerun-if-changed={}", repository.join(path).display());
    }
    gather(&here.join("pages"), "", &mut files)?;
    let made_from = tree_digest::digest(&repository, &sources::SOURCES)?;
    let mut stale = Vec::new();
    for module in MODULES {
        let folder = repository.join("dist/pages").join(module);
        if folder.is_dir() {
            gather(&folder, &format!("{module}/"), &mut files)?;
        }
        if fs::read_to_string(folder.join(sources::MADE_FROM)).ok().as_deref() != Some(&made_from) {
            stale.push(module);
        }
    }
    if !stale.is_empty() {
        let missing =
            format!("not there, or of other sources than these: {}; make them with `make pages`", stale.join(", "));
        // Whoever works on the service needs neither; what is given to others has both.
        if env::var("PROFILE")? == "release" {
            return Err(missing.into());
        }
        println!("cargo::warning={missing}");
    }
    let version = version_of(&files);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut table = String::new();
    writeln!(table, "/// All of them, by name.\npub static PAGES: &[Page] = &[")?;
    for (index, (name, mut bytes)) in files.into_iter().enumerate() {
        let name = name.as_str();
        if media_type(name)?.starts_with("text/javascript") {
            bytes = String::from_utf8(bytes)?.replace(VERSION, &version).into_bytes();
        }
        let (plain, compressed) = (out.join(format!("{index}")), out.join(format!("{index}.br")));
        let tag = hex(&Sha256::digest(&bytes), 16);
        fs::write(&plain, &bytes)?;
        fs::write(&compressed, brotli(&bytes)?)?;
        writeln!(
            table,
            "    Page {{ name: {name:?}, media_type: {:?}, entity_tag: \"W/\\\"{tag}\\\"\", bytes: include_bytes!({plain:?}), \
             brotli: include_bytes!({compressed:?}) }},",
            media_type(name)?
        )?;
    }
    table.push_str("];\n");
    Ok(fs::write(out.join("table.rs"), table)?)
}

fn gather(folder: &Path, before: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a file's name is not UTF-8")?;
        if name == sources::MADE_FROM {
            continue;
        }
        if path.is_dir() {
            gather(&path, &format!("{before}{name}/"), files)?;
        } else if files.insert(format!("{before}{name}"), fs::read(&path)?).is_some() {
            return Err(format!("{} has the name of another file", path.display()).into());
        }
    }
    Ok(())
}

fn media_type(name: &str) -> Result<&'static str, String> {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => Ok("text/html; charset=utf-8"),
        "css" => Ok("text/css; charset=utf-8"),
        "js" => Ok("text/javascript; charset=utf-8"),
        "json" => Ok("application/json"),
        "svg" => Ok("image/svg+xml"),
        "png" => Ok("image/png"),
        "wasm" => Ok("application/wasm"),
        "webmanifest" => Ok("application/manifest+json"),
        _ => Err(format!("{name}: say in browser/build.rs what kind of file that is")),
    }
}

/// Another one as soon as any file is another one.
fn version_of(files: &BTreeMap<String, Vec<u8>>) -> String {
    let mut all = Sha256::new();
    for (name, bytes) in files {
        all.update(name.as_bytes());
        all.update(Sha256::digest(bytes));
    }
    hex(&all.finalize(), 8)
}

fn hex(bytes: &[u8], most: usize) -> String {
    bytes.iter().take(most).map(|byte| format!("{byte:02x}")).collect()
}

fn brotli(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let best = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &best)?;
    Ok(compressed)
}
