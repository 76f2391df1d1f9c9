//! Where the built things are: each from an environment variable, or else where `make build` leaves it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// The `watchgate` binary: `WATCHGATE_BIN`, or the one built beside this program.
pub fn watchgate() -> Result<PathBuf> {
    binary("WATCHGATE_BIN", "watchgate")
}

/// The `sample-service` binary: `WATCHGATE_SAMPLE_SERVICE_BIN`, or the one built beside this program.
pub fn sample_service() -> Result<PathBuf> {
    binary("WATCHGATE_SAMPLE_SERVICE_BIN", "sample-service")
}

/// Traefik: `TRAEFIK_BIN`, or the one that `make setup` put into `.tools/`.
pub fn traefik() -> Result<PathBuf> {
    match env::var_os("TRAEFIK_BIN") {
        Some(path) => Ok(path.into()),
        None => existing(root().join(".tools/bin/traefik"), "make setup"),
    }
}

/// The NATS server: `NATS_SERVER_BIN`, or the one that `make setup-tests` put into `.tools/`.
pub fn nats_server() -> Result<PathBuf> {
    match env::var_os("NATS_SERVER_BIN") {
        Some(path) => Ok(path.into()),
        None => existing(root().join(".tools/bin/nats-server"), "make setup-tests"),
    }
}

/// Node, as `make setup-tests` found or fetched it.
pub fn node() -> Result<PathBuf> {
    existing(root().join(".tools/bin/node"), "make setup-tests")
}

/// A Python that has OpenAI's own client, as `make setup-tests` made it.
pub fn openai_python() -> Result<PathBuf> {
    existing(root().join(".tools/openai-python/bin/python"), "make setup-tests")
}

/// The packed plugin's folder: `WATCHGATE_PLUGIN`, or the one that `make plugin` left in `dist/`.
pub fn plugin() -> Result<PathBuf> {
    let folder = env::var_os("WATCHGATE_PLUGIN").map_or_else(|| root().join("dist/watchgate-plugin"), PathBuf::from);
    existing(folder.join("plugin.wasm"), "make build")?;
    Ok(folder)
}

fn binary(variable: &str, name: &str) -> Result<PathBuf> {
    if let Some(path) = env::var_os(variable) {
        return Ok(path.into());
    }
    let this = env::current_exe().context("the running program does not know its own path")?;
    let folder = this.parent().context("the running program lies in no folder")?;
    // Tests are built one folder below the binaries.
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    existing(folder.join(name), "make build")
}

fn existing(path: PathBuf, remedy: &str) -> Result<PathBuf> {
    if !path.exists() {
        bail!("{} is missing: run `{remedy}`", path.display());
    }
    Ok(path)
}
