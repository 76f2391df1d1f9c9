//! The collector's own token, and whose it is.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use trust_core::principal::Principal;
use zeroize::Zeroizing;

use super::GatewayError;

const MOST_BYTES: u64 = 64 * 1024;

/// A token as its file holds it now.
#[derive(Debug)]
pub(super) struct OwnToken {
    pub(super) text: Zeroizing<String>,
    /// Of events that are sent with it.
    pub(super) source: String,
}

/// Not verified: it is our own, and whoever takes the events verifies it.
#[derive(Deserialize)]
struct UnverifiedClaims {
    iss: String,
    sub: String,
}

impl OwnToken {
    /// Reads it; `source` stands for what an opaque token does not say.
    pub(super) fn read(file: &Path, source: Option<&str>) -> Result<Self, GatewayError> {
        let mut text = Zeroizing::new(String::new());
        let read = File::open(file).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
        read.map_err(|error| GatewayError::File(file.to_owned(), error))?;
        let text = Zeroizing::new(text.trim().to_owned());
        let wrong = |what| GatewayError::Token(file.to_owned(), what);
        if text.is_empty() {
            return Err(wrong("the file is empty; a token was expected"));
        }
        let source = match source {
            Some(source) => source.to_owned(),
            None => principal(&text)
                .ok_or_else(|| wrong("whose token this is cannot be read from it; say it with --source"))?,
        };
        Ok(Self { text, source })
    }
}

fn principal(token: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let UnverifiedClaims { iss, sub } = serde_json::from_slice(&claims).ok()?;
    Some(Principal::new(iss, sub).uri())
}
