//! What is asked of the gate.

use serde::Deserialize;

/// A request as the page writes it down.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    pub(crate) method: String,
    pub(crate) url: String,
    /// The peer's address, with or without a port.
    pub(crate) source: String,
    /// Lines of `Name: value`; empty ones are passed over.
    pub(crate) headers: String,
    /// Which gate, where the configuration has several.
    #[serde(default)]
    pub(crate) middleware: Option<String>,
    /// The text of a JWK Set, in place of every jwksFile.
    #[serde(default)]
    pub(crate) keys: String,
    #[serde(skip)]
    pub(crate) token: Option<String>,
}

impl Question {
    pub(crate) fn read(json: &str, token: &str) -> Result<Self, serde_json::Error> {
        let question: Self = serde_json::from_str(json)?;
        let token = token.trim();
        Ok(Self { token: (!token.is_empty()).then(|| token.to_owned()), ..question })
    }
}
