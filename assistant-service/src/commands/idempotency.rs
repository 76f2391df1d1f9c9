//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): whoever does not know whether a command was taken asks once
//! more with the same key, and gets the command that there is.

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use trust_core::principal::Principal;

use super::book::{Commands, Kept};
use crate::backbone::Put;
use crate::problem::Problem;

/// Keys that were used, each of one principal, with the command that came of it.
pub(super) const KEYS: &str = "commands.keys";

const HEADER: &str = "Idempotency-Key";
const KEPT_FOR: Duration = Duration::hours(24);
const LONGEST_KEY: usize = 255;

/// A key as a client gave it.
#[derive(Debug)]
pub(crate) struct IdempotencyKey(String);

/// One use of a key: where it is kept, and for which call.
#[derive(Debug)]
pub(super) struct Use {
    place: String,
    digest: String,
}

#[derive(Serialize, Deserialize)]
struct Used {
    command: String,
    /// Of the call, with the key itself: it is kept nowhere, so nobody can try calls against this.
    digest: String,
}

impl IdempotencyKey {
    /// The key of a request that has one: a string of structured fields (RFC 9651), or its content alone.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let key = value.to_str().ok().filter(|_| values.next().is_none()).and_then(content);
        let is_key = |key: &String| (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        let key = key.filter(is_key).ok_or_else(|| {
            let detail =
                format!("must be there once, with 1 to {LONGEST_KEY} visible characters of ASCII, best in quotes");
            Problem::invalid(HEADER, detail)
        })?;
        Ok(Some(Self(key)))
    }

    /// What is the same for every use of it by one principal, and for no other.
    pub(crate) fn digest_for(&self, principal: &Principal) -> [u8; 32] {
        let Self(key) = self;
        digest(&[principal.uri().as_bytes(), key.as_bytes()])
    }

    /// Its use by a principal for a call, whose digest two calls share if they are the same.
    pub(super) fn used_by(&self, principal: &Principal, call: &[u8]) -> Use {
        let Self(key) = self;
        Use { place: hex(self.digest_for(principal)), digest: hex(digest(&[key.as_bytes(), call])) }
    }
}

/// What stands between the quotes of a string of structured fields; without quotes all of it.
fn content(value: &str) -> Option<String> {
    let value = value.trim_matches([' ', '\t']);
    let Some(quoted) = value.strip_prefix('"') else {
        return (!value.contains(['"', '\\'])).then(|| value.to_owned());
    };
    let mut content = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(content),
            '\\' => content.push(characters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            plain => content.push(plain),
        }
    }
}

impl Use {
    /// Keeps the use, if nobody has used the key meanwhile.
    pub(super) fn put(&self, command: String, now: OffsetDateTime) -> Result<Put, Problem> {
        let used = Used { command, digest: self.digest.clone() };
        Ok(Put {
            bucket: KEYS,
            key: self.place.clone(),
            value: Some(serde_json::to_vec(&used).map_err(Problem::internal)?),
            expected_revision: None,
            expires_at: now.checked_add(KEPT_FOR),
        })
    }
}

impl Commands {
    /// The command that came of the same call under the same key.
    pub(super) async fn asked_before(&self, one: &Use) -> Result<Option<Kept>, Problem> {
        let Some(entry) = self.backbone.get(KEYS, one.place.clone()).await? else { return Ok(None) };
        let used: Used = serde_json::from_slice(&entry.value).map_err(Problem::internal)?;
        if used.digest != one.digest {
            return Err(Problem::IdempotencyKeyReused);
        }
        Ok(Some(self.find(&used.command).await?))
    }
}

/// A digest of parts that cannot be cut in another way and be the same.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn hex(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::content;

    #[test]
    fn a_key_is_the_same_in_quotes_and_without() {
        for (value, key) in [
            ("7f3e-1", Some("7f3e-1")),
            ("\"7f3e-1\"", Some("7f3e-1")),
            (" \"7f3e-1\" ", Some("7f3e-1")),
            (r#""a\"b\\""#, Some(r#"a"b\"#)),
            ("\"7f3e-1", None),
            ("\"7f3e\"-1", None),
            ("\"7f3e-1\";p=1", None),
            (r#""a\b""#, None),
            (r#"a"b"#, None),
            (r"a\b", None),
            ("\"\"", Some("")),
        ] {
            assert_eq!(content(value).as_deref(), key, "{value}");
        }
    }
}
