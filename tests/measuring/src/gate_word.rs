//! The gate's word on each request, for those who stand in its place: the service believes nobody else.

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

/// A token is used for so long; it would hold three times as long.
const RENEWED_AFTER_SECONDS: u64 = LIFETIME_SECONDS / 3;

/// Makes transaction tokens.
pub struct GateWord {
    keys: TransactionKeys,
    file: PathBuf,
    caller: Caller,
}

/// Whose requests they are, and by which rule of the gate.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The issuer of the caller's own token.
    pub issuer: &'static str,
    /// The caller's name there.
    pub subject: &'static str,
    /// The scopes of the caller's own token.
    pub scope: &'static str,
    /// The rule that lets the request through.
    pub rule: &'static str,
    /// The event types that this rule lets the caller use.
    pub event_types: &'static [&'static str],
}

impl GateWord {
    /// Writes the key file that services are given.
    pub fn new(folder: &Path, caller: Caller) -> Result<GateWord> {
        let keys = GateKeys::generate("bench".to_owned(), [7; 32], None).transaction_keys(AUDIENCE);
        let file = folder.join("transaction.keys");
        fs::write(&file, keys.to_json().as_bytes()).with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(GateWord { keys, file, caller })
    }

    /// The key file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The same gate's word on somebody else.
    #[must_use]
    pub fn on(&self, caller: Caller) -> GateWord {
        GateWord { keys: self.keys.clone(), file: self.file.clone(), caller }
    }

    /// A token for one request.
    pub fn token(&self, method: &str, host: &str, target: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let claims = TransactionClaims {
            iss: "https://gateway.example.com".to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: now,
            exp: now + LIFETIME_SECONDS,
            txn: "0197f0e5-0000-7000-8000-000000000000".to_owned(),
            sub: Some(self.caller.subject.to_owned()),
            scope: Some(self.caller.scope.to_owned()),
            tctx: TransactionContext {
                rule: self.caller.rule.to_owned(),
                method: method.to_owned(),
                host: host.to_owned(),
                target: target.to_owned(),
                event_types: self.caller.event_types.iter().map(|one| (*one).to_owned()).collect(),
            },
            rctx: RequesterContext {
                iss: Some(self.caller.issuer.to_owned()),
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

/// Everything of a request before its body, made anew before its token ends.
pub struct Head<'a> {
    word: &'a GateWord,
    method: &'static str,
    target: String,
    port: u16,
    /// Further lines, each with its end.
    more: String,
    text: String,
    made: Option<Instant>,
}

impl<'a> Head<'a> {
    /// Of requests to a service on this port of the loopback address.
    #[must_use]
    pub fn new(word: &'a GateWord, port: u16, method: &'static str, target: String, more: String) -> Head<'a> {
        Head { word, method, target, port, more, text: String::new(), made: None }
    }

    /// The text.
    pub fn text(&mut self) -> Result<&str> {
        if self.made.is_none_or(|made| made.elapsed().as_secs() >= RENEWED_AFTER_SECONDS) {
            let (method, target, host) = (self.method, &self.target, format!("127.0.0.1:{}", self.port));
            let token = self.word.token(method, &host, target)?;
            let more = &self.more;
            self.text = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nTxn-Token: {token}\r\n{more}\r\n");
            self.made = Some(Instant::now());
        }
        Ok(&self.text)
    }

    /// The same without its end, for requests whose bodies differ in length.
    pub fn lines(&mut self) -> Result<&str> {
        self.text().map(|text| text.trim_end_matches("\r\n"))
    }
}

/// The lines that describe a body.
#[must_use]
pub fn describe(content_type: &str, length: usize) -> String {
    format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n")
}
