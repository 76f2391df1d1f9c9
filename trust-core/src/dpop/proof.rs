//! One proof, held against one request (RFC 9449, section 4.3).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Number, Value};
use subtle::ConstantTimeEq;

use super::{InvalidProof, Proofs, target};
use crate::keys::{VerifyingKey, proof_key};
use crate::request::RequestFacts;
use crate::signature::Algorithm;
use crate::time::UnixSeconds;
use crate::token::{json_part, present};

/// Longer proofs are refused before they are read; one with a large RSA key has 3 KiB.
const MAX_PROOF_BYTES: usize = 8 * 1024;

/// Longest `jti`: room for any identifier that there is reason to make.
const MAX_JTI_BYTES: usize = 256;

/// How far a client's clock may be ahead.
const LEEWAY_SECONDS: u64 = 5;

/// What a proof must be about.
pub(super) struct Wanted<'a, 'r> {
    pub(super) policy: &'a Proofs,
    /// The thumbprint that the token names; nothing where any key will do, because there is no token yet.
    pub(super) key: Option<&'a [u8; 32]>,
    /// SHA-256 of the token that the client presents; nothing where there is none, and then the proof must name none.
    pub(super) token_digest: Option<&'a [u8; 32]>,
    pub(super) facts: &'a RequestFacts<'r>,
    pub(super) now: UnixSeconds,
}

/// A proof that holds.
pub(super) struct Held {
    pub(super) made_at: UnixSeconds,
    pub(super) jti: String,
    /// The thumbprint of the key that has signed it (RFC 7638, SHA-256).
    pub(super) key: [u8; 32],
}

#[derive(Deserialize)]
struct ProofHeader {
    typ: Option<String>,
    alg: String,
    jwk: Value,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

#[derive(Deserialize)]
struct ProofClaims {
    htm: String,
    htu: String,
    iat: Number,
    jti: String,
    ath: Option<String>,
    nonce: Option<String>,
}

impl Wanted<'_, '_> {
    /// What is known of a proof if all of it holds. Whether it has been seen before is another question.
    pub(super) fn verify(&self, text: &str) -> Result<Held, InvalidProof> {
        if text.len() > MAX_PROOF_BYTES {
            return Err(InvalidProof::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(InvalidProof::Form)?;
        let (header, claims) = signed.split_once('.').ok_or(InvalidProof::Form)?;
        let header: ProofHeader = json_part(header).map_err(|_| InvalidProof::Form)?;
        let algorithm = self.check_header(&header)?;
        let claims: ProofClaims = json_part(claims).map_err(|_| InvalidProof::Form)?;
        let made_at = self.check_claims(&claims)?;
        let key = self.check_key(&header.jwk)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| InvalidProof::Signature)?;
        key.verify(algorithm, signed.as_bytes(), &signature).map_err(|_| InvalidProof::Signature)?;
        Ok(Held { made_at, jti: claims.jti, key: *key.thumbprint() })
    }

    fn check_header(&self, header: &ProofHeader) -> Result<Algorithm, InvalidProof> {
        if header.typ.as_deref() != Some("dpop+jwt") {
            return Err(InvalidProof::Type);
        }
        if header.crit {
            return Err(InvalidProof::CriticalExtension);
        }
        let algorithm = Algorithm::named(&header.alg).filter(|algorithm| self.policy.algorithms.contains(algorithm));
        algorithm.ok_or(InvalidProof::Algorithm)
    }

    /// Everything that needs no key. Gives the time at which the proof was made.
    fn check_claims(&self, claims: &ProofClaims) -> Result<UnixSeconds, InvalidProof> {
        if claims.htm != self.facts.method() {
            return Err(InvalidProof::Method);
        }
        let made_at = UnixSeconds::of(&claims.iat).ok_or(InvalidProof::Form)?;
        let is_new = made_at.plus(self.policy.max_age_seconds) >= self.now;
        if !is_new || made_at > self.now.plus(LEEWAY_SECONDS) {
            return Err(InvalidProof::Time);
        }
        if claims.ath != self.token_digest.map(|digest| BASE64_URL_SAFE_NO_PAD.encode(digest)) {
            return Err(InvalidProof::Token);
        }
        if !(1..=MAX_JTI_BYTES).contains(&claims.jti.len()) {
            return Err(InvalidProof::Identifier);
        }
        if !target::is_named_by(&claims.htu, self.facts, &self.policy.origins) {
            return Err(InvalidProof::Target);
        }
        // Last of these, so that a nonce is asked for only where nothing but a nonce would help.
        if !self.policy.nonces.accept(claims.nonce.as_deref(), self.now) {
            return Err(InvalidProof::Nonce);
        }
        Ok(made_at)
    }

    /// The proof brings its key along; that it is the token's is what makes it worth anything.
    fn check_key(&self, jwk: &Value) -> Result<VerifyingKey, InvalidProof> {
        let key = proof_key(jwk).map_err(|_| InvalidProof::Key)?;
        let is_wanted = self.key.is_none_or(|wanted| key.thumbprint().ct_eq(wanted).into());
        if is_wanted { Ok(key) } else { Err(InvalidProof::OtherKey) }
    }
}
