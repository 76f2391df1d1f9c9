//! What is made of the one secret that all replicas share: handles that are sealed, and codes that are computed.

use std::io::Read;
use std::path::Path;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use anyhow::{Context, ensure};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

const SECRET_BYTES: usize = 32;
const IV_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// The only header that is ever written, so the only one that is taken (RFC 7516, section 4).
const HEADER: &str = r#"{"alg":"dir","enc":"A256GCM"}"#;

/// Longer handles are refused unread.
const MAX_HANDLE_BYTES: usize = 1024;

const HANDLE_LABEL: &[u8] = b"watchgate/v1/session-handle";
const CODE_LABEL: &[u8] = b"watchgate/v1/session-code";

/// The keys, drawn from the secret so that none is used for two things.
pub(super) struct Secrets {
    handle: Zeroizing<[u8; SECRET_BYTES]>,
    code: Zeroizing<[u8; SECRET_BYTES]>,
}

/// What a handle says: which session, which offer of it, and until when, in Unix seconds.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Handle {
    pub(super) sid: String,
    pub(super) nonce: String,
    pub(super) exp: i64,
}

impl Secrets {
    /// Reads the secret's file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let mut secret = Zeroizing::new(Vec::with_capacity(SECRET_BYTES));
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        // One more than it may have, so that a longer one is seen to be one.
        file.take(33).read_to_end(&mut secret).with_context(|| format!("cannot read {}", path.display()))?;
        ensure!(
            secret.len() == SECRET_BYTES,
            "{} holds no secret of {SECRET_BYTES} bytes; make it with `watchgate keys sessions`",
            path.display()
        );
        Self::of(&secret).with_context(|| format!("{} holds no key", path.display()))
    }

    fn of(secret: &[u8]) -> anyhow::Result<Self> {
        let drawn = |label: &[u8]| -> anyhow::Result<Zeroizing<[u8; SECRET_BYTES]>> {
            let mac = Hmac::<Sha256>::new_from_slice(secret)?.chain_update(label);
            Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
        };
        Ok(Self { handle: drawn(HANDLE_LABEL)?, code: drawn(CODE_LABEL)? })
    }

    /// A handle as links carry it: a JWE in compact form (RFC 7516, section 7.1), each time with another IV.
    pub(super) fn seal(&self, handle: &Handle) -> anyhow::Result<String> {
        let mut iv = [0; IV_BYTES];
        OsRng.fill_bytes(&mut iv);
        let header = BASE64_URL_SAFE_NO_PAD.encode(HEADER);
        let plain = serde_json::to_vec(handle)?;
        let payload = Payload { msg: &plain, aad: header.as_bytes() };
        let cipher = Aes256Gcm::new_from_slice(&*self.handle)?;
        let sealed = cipher.encrypt(&iv.into(), payload).map_err(|_| anyhow::anyhow!("a handle cannot be sealed"))?;
        let (text, tag) = sealed
            .split_at_checked(sealed.len().saturating_sub(TAG_BYTES))
            .context("what is sealed is shorter than its tag")?;
        let [iv, text, tag] = [&iv[..], text, tag].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        Ok(format!("{header}..{iv}.{text}.{tag}"))
    }

    /// What a handle says that this secret has sealed; nothing where it is none.
    pub(super) fn open(&self, text: &str) -> Option<Handle> {
        if text.len() > MAX_HANDLE_BYTES {
            return None;
        }
        let mut parts = text.split('.');
        let mut next = || parts.next();
        let (header, key, iv, sealed, tag) = (next()?, next()?, next()?, next()?, next()?);
        // With a direct key there is no encrypted one (RFC 7518, section 4.5).
        if parts.next().is_some() || !key.is_empty() || header != BASE64_URL_SAFE_NO_PAD.encode(HEADER) {
            return None;
        }
        let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).ok();
        let iv: [u8; IV_BYTES] = decoded(iv)?.try_into().ok()?;
        let tag: [u8; TAG_BYTES] = decoded(tag)?.try_into().ok()?;
        let mut sealed = decoded(sealed)?;
        sealed.extend_from_slice(&tag);
        let payload = Payload { msg: &sealed, aad: header.as_bytes() };
        let plain = Aes256Gcm::new_from_slice(&*self.handle).ok()?.decrypt(&iv.into(), payload).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// The code by which a device asks for its first token.
    pub(super) fn device_code(&self, session: &str, thumbprint: &str) -> anyhow::Result<String> {
        self.code(["device", session, "", thumbprint]).map(|mac| format!("{session}.{mac}"))
    }

    /// The token of a device for its next token, after so many before it.
    pub(super) fn refresh_token(&self, session: &str, generation: u32, thumbprint: &str) -> anyhow::Result<String> {
        let number = generation.to_string();
        self.code(["refresh", session, &number, thumbprint]).map(|mac| format!("{session}.{number}.{mac}"))
    }

    /// The lengths keep one part from ending in the next.
    fn code(&self, parts: [&str; 4]) -> anyhow::Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.code)?;
        for part in parts {
            mac.update(&u64::try_from(part.len())?.to_be_bytes());
            mac.update(part.as_bytes());
        }
        Ok(BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

/// So many random bytes, as text.
pub(super) fn random_text<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    OsRng.fill_bytes(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(seed: u8) -> Secrets {
        Secrets::of(&[seed; 32]).unwrap()
    }

    fn handle() -> Handle {
        Handle { sid: "s".to_owned(), nonce: "n".to_owned(), exp: 7 }
    }

    #[test]
    fn a_handle_opens_where_it_was_sealed_and_nowhere_else() {
        let sealed = secrets(1).seal(&handle()).unwrap();
        assert_eq!(secrets(1).open(&sealed), Some(handle()));
        assert_eq!(secrets(2).open(&sealed), None);
        assert_ne!(secrets(1).seal(&handle()).unwrap(), sealed);
    }

    #[test]
    fn a_handle_with_anything_changed_opens_nowhere() {
        let sealed = secrets(1).seal(&handle()).unwrap();
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(secrets(1).open(&changed), None, "{at}");
        }
        let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","enc":"A256GCM"}"#);
        let (_, rest) = sealed.split_once('.').unwrap();
        for text in ["", "....", &format!("{none}.{rest}"), &format!("{sealed}."), &format!("{sealed}.x"), &sealed[1..]]
        {
            assert_eq!(secrets(1).open(text), None, "{text}");
        }
        assert_eq!(secrets(1).open(&"A".repeat(MAX_HANDLE_BYTES + 1)), None);
    }

    #[test]
    fn codes_differ_by_all_that_they_are_for() {
        let (one, other) = (secrets(1), secrets(2));
        let codes = [
            one.device_code("s", "k").unwrap(),
            one.device_code("t", "k").unwrap(),
            one.device_code("s", "l").unwrap(),
            other.device_code("s", "k").unwrap(),
            one.refresh_token("s", 1, "k").unwrap(),
            one.refresh_token("s", 2, "k").unwrap(),
        ];
        let macs: std::collections::BTreeSet<_> = codes.iter().map(|code| code.rsplit_once('.').unwrap().1).collect();
        assert_eq!(macs.len(), codes.len());
        assert_eq!(one.device_code("s", "k").unwrap(), codes[0]);
    }
}
