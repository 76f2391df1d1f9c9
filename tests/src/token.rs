//! Tokens of the development issuer, minted by the `watchgate` command line as a developer would.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::artifacts;

/// What a token shall say.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    keys: PathBuf,
    arguments: Vec<String>,
}

impl TokenRequest {
    /// A token for `subject`, signed with the issuer's keys below `keys`.
    pub fn new(keys: &Path, subject: &str) -> TokenRequest {
        TokenRequest { keys: keys.to_path_buf(), arguments: vec!["--subject".into(), subject.into()] }
    }

    /// Space-separated scopes.
    #[must_use]
    pub fn scope(self, scope: &str) -> TokenRequest {
        self.with("--scope", scope)
    }

    /// Another audience than `watchgate`.
    #[must_use]
    pub fn audience(self, audience: &str) -> TokenRequest {
        self.with("--audience", audience)
    }

    /// Seconds until it expires; negative for one that has expired.
    #[must_use]
    pub fn ttl_seconds(self, seconds: i64) -> TokenRequest {
        self.with("--ttl-seconds", &seconds.to_string())
    }

    /// `EdDSA` or `RS256`.
    #[must_use]
    pub fn algorithm(self, algorithm: &str) -> TokenRequest {
        self.with("--algorithm", algorithm)
    }

    /// One more claim, its value as JSON.
    #[must_use]
    pub fn claim(self, name: &str, json: &str) -> TokenRequest {
        self.with("--claim", &format!("{name}={json}"))
    }

    fn with(mut self, flag: &str, value: &str) -> TokenRequest {
        // One word, because a negative number of its own would be read as a flag.
        self.arguments.push(format!("{flag}={value}"));
        self
    }

    /// Has the token minted.
    pub fn mint(&self) -> Result<String> {
        let output = Command::new(artifacts::watchgate()?)
            .args(["token", "mint", "--keys"])
            .arg(&self.keys)
            .args(&self.arguments)
            .output()
            .context("`watchgate token mint` could not be started")?;
        if !output.status.success() {
            bail!("`watchgate token mint` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout).context("`watchgate token mint` printed no text")?.trim().to_owned())
    }
}
