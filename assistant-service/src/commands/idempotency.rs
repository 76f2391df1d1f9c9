//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): whoever does not know whether a command was taken asks once
//! more with the same key, and gets the command that there is.

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use trust_core::principal::Principal;

use super::book::{Commands, Kept};
use crate::backbone::{Backbone, Put};
use crate::problem::Problem;

/// Keys that were used for commands.
pub(super) const KEYS: &str = "commands.keys";

const HEADER: &str = "Idempotency-Key";
const KEPT_FOR: Duration = Duration::hours(24);
const LONGEST_KEY: usize = 255;

/// A key as a client gave it.
#[derive(Debug)]
pub(crate) struct IdempotencyKey(String);

/// One use of a key by one principal: where it is kept, and for which call.
#[derive(Debug)]
pub(crate) struct Use {
    bucket: &'static str,
    place: String,
    digest: String,
}

#[derive(Serialize, Deserialize)]
struct Used {
    /// The id of what came of it.
    #[serde(alias = "command")]
    made: String,
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

    /// Its use by a principal for a call, which two calls share if they are the same. Each bucket is for calls of one kind.
    pub(crate) fn used_by(&self, bucket: &'static str, principal: &Principal, call: &[u8]) -> Use {
        let Self(key) = self;
        let place = hex(digest(&[principal.uri().as_bytes(), key.as_bytes()]));
        Use { bucket, place, digest: hex(digest(&[key.as_bytes(), call])) }
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
    /// The id of what came of the same call under the same key.
    pub(crate) async fn before(&self, backbone: &dyn Backbone) -> Result<Option<String>, Problem> {
        let Some(entry) = backbone.get(self.bucket, self.place.clone()).await? else { return Ok(None) };
        let used: Used = serde_json::from_slice(&entry.value).map_err(Problem::internal)?;
        if used.digest == self.digest { Ok(Some(used.made)) } else { Err(Problem::IdempotencyKeyReused) }
    }

    /// Keeps the use with the id of what comes of it, if nobody has used the key meanwhile.
    pub(crate) fn put(&self, made: String, now: OffsetDateTime) -> Result<Put, Problem> {
        let used = Used { made, digest: self.digest.clone() };
        Ok(Put {
            bucket: self.bucket,
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
        match one.before(&*self.backbone).await? {
            Some(command) => Ok(Some(self.find(&command).await?)),
            None => Ok(None),
        }
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
