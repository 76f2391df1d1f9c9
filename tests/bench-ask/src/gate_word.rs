//! The gate's word on each question, for whoever stands in its place: the service believes nobody else.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use trust_core::gate_key::GateKeys;
use trust_core::revocations::digest_text;
use trust_core::transaction_token::{
    LIFETIME_SECONDS, RequesterContext, TransactionClaims, TransactionContext, TransactionKeys,
};

const AUDIENCE: &str = "assistant-service";
pub(crate) const TARGET: &str = "/v1/ask";

/// A token is used for so long; it would hold three times as long.
const RENEWED_AFTER_SECONDS: u64 = LIFETIME_SECONDS / 3;

/// Makes transaction tokens.
pub(crate) struct GateWord {
    keys: TransactionKeys,
    file: PathBuf,
}

impl GateWord {
    /// Writes the key file that services are given.
    pub(crate) fn new(folder: &Path) -> Result<GateWord> {
        let keys = GateKeys::generate("bench".to_owned(), [7; 32], None).transaction_keys(AUDIENCE);
        let file = folder.join("transaction.keys");
        fs::write(&file, keys.to_json().as_bytes()).with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(GateWord { keys, file })
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    fn token(&self, host: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let claims = TransactionClaims {
            iss: "https://gateway.example.com".to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: now,
            exp: now + LIFETIME_SECONDS,
            txn: "0197f0e5-0000-7000-8000-000000000000".to_owned(),
            sub: Some("bench".to_owned()),
            scope: Some("assistant:ask documents:security".to_owned()),
            tctx: TransactionContext {
                rule: "assistant".to_owned(),
                method: "POST".to_owned(),
                host: host.to_owned(),
                target: TARGET.to_owned(),
                event_types: Vec::new(),
            },
            rctx: RequesterContext {
                iss: Some("https://issuer.watchgate.test".to_owned()),
                jti: Some("0197f0e5-1111-7000-8000-000000000000".to_owned()),
                iat: Some(now),
                digest: Some(digest_text(&[7; 32])),
                exp: Some(now + 3600),
                ..RequesterContext::default()
            },
        };
        claims.sign(&self.keys).context("a token could not be signed")
    }
}

/// Everything of a request before the length of its body, made anew before its token ends.
pub(crate) struct Head<'a> {
    word: &'a GateWord,
    port: u16,
    text: String,
    made: Option<Instant>,
}

impl<'a> Head<'a> {
    pub(crate) fn new(word: &'a GateWord, port: u16) -> Head<'a> {
        Head { word, port, text: String::new(), made: None }
    }

    pub(crate) fn text(&mut self) -> Result<&str> {
        if self.made.is_none_or(|made| made.elapsed().as_secs() >= RENEWED_AFTER_SECONDS) {
            let host = format!("127.0.0.1:{}", self.port);
            let token = self.word.token(&host)?;
            self.text = format!(
                "POST {TARGET} HTTP/1.1\r\nHost: {host}\r\nTxn-Token: {token}\r\nContent-Type: application/json\r\nContent-Length: "
            );
            self.made = Some(Instant::now());
        }
        Ok(&self.text)
    }
}
