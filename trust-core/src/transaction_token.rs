//! The gate's word to what stands behind it: who called, by which rule, for which request, for 30 seconds
//! (draft-ietf-oauth-transaction-tokens, sections 2 and 5).

mod answer_seal;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::gate_key::{InvalidGateKeys, KeyFile, NamedSecret};
use crate::principal::Principal;
use crate::time::UnixSeconds;

pub use answer_seal::{ANSWER_SEAL_HEADER, answer_holds, answer_seal};

/// How long a transaction token holds.
pub const LIFETIME_SECONDS: u64 = 30;

/// The request header that carries the token, in lower case.
pub const HEADER: &str = "txn-token";

/// The same as Traefik writes it.
pub(crate) const SPELLED_HEADER: &str = "Txn-Token";

/// How far ahead of the reader's clock a token may have been made.
const CLOCK_SKEW_SECONDS: u64 = 5;

/// Longer tokens are refused before they are parsed. A target of 8 KiB and all that a token of 16 KiB says of its
/// caller fit in.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

const TYPE: &str = "txntoken+jwt";

/// Few are longer.
const USUAL_PAYLOAD_BYTES: usize = 640;

/// One audience's keys, the current one first.
#[derive(Clone, Debug)]
pub struct TransactionKeys {
    audience: String,
    keys: Vec<NamedSecret>,
    /// Made of the current key.
    signer: Option<Signer>,
}

/// What does not change from token to token: the header, and the key as HMAC has taken it in.
#[derive(Clone)]
struct Signer {
    header: String,
    mac: Hmac<Sha256>,
}

impl Signer {
    fn of(key: &NamedSecret) -> Option<Self> {
        let header = Header { alg: "HS256".to_owned(), typ: TYPE.to_owned(), kid: key.kid.clone() };
        let header = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).ok()?);
        Some(Self { header, mac: Hmac::new_from_slice(&key.secret).ok()? })
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Signer")
    }
}

impl TransactionKeys {
    pub(crate) fn new(audience: String, keys: Vec<NamedSecret>) -> Self {
        Self { signer: keys.first().and_then(Signer::of), audience, keys }
    }

    /// The audience that these keys are for.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Reads the JSON that [`TransactionKeys::to_json`] writes.
    pub fn from_json(bytes: &[u8]) -> Result<TransactionKeys, InvalidGateKeys> {
        match KeyFile::from_json(bytes)? {
            (Some(audience), keys) => Ok(Self::new(audience, keys)),
            (None, _) => Err(InvalidGateKeys::Form),
        }
    }

    /// The file's content: `{"audience", "keys": [{"kid", "secret"}]}`.
    #[must_use]
    pub fn to_json(&self) -> Zeroizing<String> {
        KeyFile::to_json(Some(&self.audience), &self.keys)
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// The claims of a transaction token: as texts of its own, or of somebody else's while it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionClaims<Text = String> {
    /// The gate that made the token.
    pub iss: Text,
    /// The one audience.
    pub aud: Text,
    /// Made at.
    pub iat: u64,
    /// No longer good at.
    pub exp: u64,
    /// The transaction: the event id of the request.
    pub txn: Text,
    /// The caller's subject; absent for a public rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<Text>,
    /// The caller's scopes, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Text>,
    /// What the request is.
    pub tctx: TransactionContext<Text>,
    /// What is known of the caller's own token.
    pub rctx: RequesterContext<Text>,
}

/// The request that a transaction token is for, and what its rule lets the caller do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionContext<Text = String> {
    /// The rule that let it pass.
    pub rule: Text,
    /// The method, as forwarded.
    pub method: Text,
    /// The host in lower case, with its port if one was given.
    pub host: Text,
    /// Path and query, as forwarded.
    pub target: Text,
    /// Types of events that the caller may send in a body.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<Text>,
}

/// The caller's own token, as far as what stands behind the gate needs to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequesterContext<Text = String> {
    /// Its issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<Text>,
    /// Its identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<Text>,
    /// Its session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<Text>,
    /// The session with the same issuer in which somebody else made it for the caller: when that is revoked, it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_in: Option<Text>,
    /// When it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<u64>,
    /// The digest by which it is revoked ([`crate::revocations::digest_text`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Text>,
    /// Where the request comes from, as far as the gate knows, under a public rule: there is no other name for who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub req_ip: Option<Text>,
    /// Its own end; a stream must not outlive it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<u64>,
    /// The caller's roles; absent where the gate does not tell them, which is not the same as that there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Text>>,
}

/// Why a transaction token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidTransactionToken {
    /// Not a JWT of this kind.
    #[error("not a transaction token")]
    Form,
    /// Made with a key that is not among ours.
    #[error("made with an unknown key")]
    UnknownKey,
    /// The signature does not hold.
    #[error("its signature does not hold")]
    Signature,
    /// For somebody else.
    #[error("made for another audience")]
    Audience,
    /// Too old, or from the future.
    #[error("expired, or not yet good")]
    Time,
}

impl<Text: Serialize> TransactionClaims<Text> {
    /// The signed token in compact form (RFC 7515, section 3.1), by HMAC-SHA-256 under the current key; nothing when
    /// there is no key.
    #[must_use]
    pub fn sign(&self, keys: &TransactionKeys) -> Option<String> {
        let signer = keys.signer.as_ref()?;
        let mut payload = Vec::with_capacity(USUAL_PAYLOAD_BYTES);
        serde_json::to_writer(&mut payload, self).ok()?;
        let mut token = String::with_capacity(signer.header.len().saturating_add(payload.len().saturating_mul(2)));
        token.push_str(&signer.header);
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let mut mac = signer.mac.clone();
        mac.update(token.as_bytes());
        let signature = mac.finalize().into_bytes();
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Some(token)
    }
}

impl TransactionClaims {
    /// The caller, unless the rule was public.
    #[must_use]
    pub fn principal(&self) -> Option<Principal> {
        Some(Principal::new(self.rctx.iss.as_deref()?, self.sub.as_deref()?))
    }

    /// Whether the token was made for this very request: method and target byte by byte, host without regard to case.
    #[must_use]
    pub fn is_for(&self, method: &str, host: &str, target: &str) -> bool {
        self.tctx.method == method && self.tctx.host.eq_ignore_ascii_case(host) && self.tctx.target == target
    }

    /// Reads a token that was made by a gate with one of `keys`, for their audience, and that holds at `now`.
    pub fn verify(
        token: &str,
        keys: &TransactionKeys,
        now: UnixSeconds,
    ) -> Result<TransactionClaims, InvalidTransactionToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(InvalidTransactionToken::Form);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(InvalidTransactionToken::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(InvalidTransactionToken::Form)?;
        let header: Header = part(header)?;
        if header.alg != "HS256" || header.typ != TYPE {
            return Err(InvalidTransactionToken::Form);
        }
        let key = keys.keys.iter().find(|key| key.kid == header.kid).ok_or(InvalidTransactionToken::UnknownKey)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| InvalidTransactionToken::Form)?;
        mac(key, signed.as_bytes())
            .ok_or(InvalidTransactionToken::UnknownKey)?
            .verify_slice(&signature)
            .map_err(|_| InvalidTransactionToken::Signature)?;
        let claims: Self = part(payload)?;
        if claims.aud != keys.audience {
            return Err(InvalidTransactionToken::Audience);
        }
        if claims.exp <= now.0 || claims.iat > now.plus(CLOCK_SKEW_SECONDS).0 {
            return Err(InvalidTransactionToken::Time);
        }
        Ok(claims)
    }
}

fn part<T: for<'de> Deserialize<'de>>(encoded: &str) -> Result<T, InvalidTransactionToken> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InvalidTransactionToken::Form)?;
    serde_json::from_slice(&bytes).map_err(|_| InvalidTransactionToken::Form)
}

fn mac(key: &NamedSecret, message: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.secret).ok()?;
    mac.update(message);
    Some(mac)
}

/// The name under which keepers of trust directories speak.
pub const KEEPER: &str = "urn:watchgate:keeper";

/// A keeper's request to a service.
#[derive(Clone, Copy, Debug)]
pub struct KeeperRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The `Host` header.
    pub host: &'a str,
    /// Path and query.
    pub target: &'a str,
}

/// The token by which a keeper of a trust directory shows a service that it holds the gate's key; nothing when there is
/// none. `id` is new for each request. Gates never make one: their names are URLs, or `urn:watchgate:gate`.
#[must_use]
pub fn keeper_token(keys: &TransactionKeys, request: KeeperRequest<'_>, id: &str, now: UnixSeconds) -> Option<String> {
    let claims = TransactionClaims {
        iss: KEEPER,
        aud: keys.audience(),
        iat: now.0,
        exp: now.plus(LIFETIME_SECONDS).0,
        txn: id,
        sub: None,
        scope: None,
        tctx: TransactionContext {
            rule: "keeper",
            method: request.method,
            host: request.host,
            target: request.target,
            event_types: Vec::new(),
        },
        rctx: RequesterContext::default(),
    };
    claims.sign(keys)
}

#[cfg(test)]
mod tests;
