//! Files that users copy, with other addresses and paths in them: each of these is replaced as text and must be found, so
//! what is tested is what users copy, down to the way it is written.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::artifacts;

/// A shipped file's text.
pub struct Shipped {
    name: &'static str,
    /// As it stands now.
    pub text: String,
}

impl Shipped {
    /// By its path in the workspace.
    pub fn read(name: &'static str) -> Result<Shipped> {
        let path = artifacts::root().join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Shipped { name, text })
    }

    /// Replaces what must stand there exactly once.
    pub fn replace(&mut self, from: &str, to: &str) -> Result<()> {
        match self.text.matches(from).count() {
            1 => self.replace_all(from, to),
            count => bail!("{} holds `{from}` {count} times, not once", self.name),
        }
    }

    /// Replaces what must stand there at least once.
    pub fn replace_all(&mut self, from: &str, to: &str) -> Result<()> {
        ensure!(self.text.contains(from), "{} does not hold `{from}`", self.name);
        self.text = self.text.replace(from, to);
        Ok(())
    }

    /// Writes what it has become.
    pub fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, &self.text).with_context(|| format!("{} cannot be written", path.display()))
    }
}
