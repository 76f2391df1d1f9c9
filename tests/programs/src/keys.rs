//! Keys and certificates, made by the command that users make theirs with.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::artifacts;

/// Runs `watchgate keys …` into `folder`; what an earlier run made there stays.
pub fn make(command: &[&str], folder: &Path) -> Result<()> {
    let name = command.join(" ");
    let output = Command::new(artifacts::watchgate()?).args(command).arg("--dir").arg(folder).output();
    let output = output.with_context(|| format!("`watchgate {name}` could not be started"))?;
    ensure!(output.status.success(), "`watchgate {name}` failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
