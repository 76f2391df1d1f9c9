//! Says which plugin is of this version: the digest of the one in `../dist/watchgate-plugin/`, which `watchgate doctor` compares with what
//! Traefik loads. Where none was built, nothing is said.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    let dist = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../dist");
    let plugin = dist.join("watchgate-plugin/plugin.wasm");
    // A path that is not there counts as changed each time: a plugin that comes later must not be missed.
    println!("cargo::rerun-if-changed={}", if plugin.exists() { &plugin } else { &dist }.display());
    let digest = fs::read(&plugin).map(|wasm| Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect());
    println!("cargo::rustc-env=WATCHGATE_PLUGIN_SHA256={}", digest.unwrap_or_else(|_| String::new()));
    Ok(())
}
