//! The phantom token: a short-lived JWT that stands in an opaque token's place, and says what its provider says of it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::introspection::ActiveToken;
use super::signing_key::SigningKey;

/// What no issuer's own token is called: a gate takes it from the exchange alone, and nothing else from the exchange.
const TOKEN_TYPE: &str = "phantom+jwt";

/// A new phantom is made when so little time is left to the one before it, or a quarter of its whole time if that is less.
const RENEWED_SECONDS_BEFORE_END: i64 = 10;

/// What every phantom of an exchange has in common.
#[derive(Clone, Debug)]
pub(crate) struct PhantomTerms {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    /// The longest that one lives.
    pub(crate) ttl_seconds: i64,
}

/// A phantom token in its compact form. It is as good as the token that it stands for, so it is never shown.
pub(crate) struct Phantom {
    pub(crate) token: String,
    /// Unix seconds; no later than its own end, which is no later than the original's. Until then the same original gets this same phantom, so that the gate knows it.
    pub(crate) renewed_at: i64,
}

/// Which token a phantom stands for.
pub(crate) struct Origin<'o> {
    /// Who has issued it.
    pub(crate) issuer: &'o str,
    /// By this the gate revokes it, and holds a proof of possession against it (`ath`, RFC 9449, section 4.2).
    pub(crate) digest: TokenDigest,
}

/// SHA-256 over all of an opaque token's bytes.
pub(crate) type TokenDigest = [u8; 32];

/// The digest of an opaque token.
pub(crate) fn digest(token: &str) -> TokenDigest {
    Sha256::digest(token).into()
}

impl PhantomTerms {
    /// Signs what a provider says of a token at `now`.
    pub(crate) fn phantom(
        &self,
        key: &SigningKey,
        origin: &Origin<'_>,
        token: ActiveToken,
        now: i64,
    ) -> Result<Phantom, jsonwebtoken::errors::Error> {
        let own_end = now.saturating_add(self.ttl_seconds);
        let (ends_at, renewed_at) = match token.expires_at() {
            // To ask again could give no later end.
            Some(end) if end <= own_end => (end, end),
            _ => (own_end, own_end.saturating_sub(RENEWED_SECONDS_BEFORE_END.min(self.ttl_seconds / 4))),
        };
        let mut claims = token.into_claims();
        let digest = BASE64_URL_SAFE_NO_PAD.encode(origin.digest);
        let own: [(&str, Value); 4] = [
            ("iss", json!(self.issuer)),
            ("aud", json!(self.audience)),
            ("exp", json!(ends_at)),
            ("origin", json!({"iss": origin.issuer, "digest": digest})),
        ];
        claims.extend(own.map(|(name, value)| (name.to_owned(), value)));

        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(key.kid.clone());
        Ok(Phantom { token: jsonwebtoken::encode(&header, &claims, &key.key)?, renewed_at })
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;

    use super::*;
    use crate::exchange::introspection::{Expected, judge};

    const NOW: i64 = 1_800_000_000;

    fn signing_key() -> SigningKey {
        use ed25519_dalek::pkcs8::{EncodePrivateKey, KeypairBytes};
        let der = KeypairBytes { secret_key: [7; 32], public_key: None }.to_pkcs8_der().unwrap();
        SigningKey { kid: "k1".to_owned(), key: EncodingKey::from_ed_der(der.as_bytes()) }
    }

    fn phantom(ttl_seconds: i64, expires_in: Option<i64>) -> Phantom {
        let mut answer = json!({"active": true, "aud": "a", "sub": "anna", "jti": "t", "cnf": {"jkt": "k"}});
        if let Some(seconds) = expires_in {
            answer["exp"] = json!(NOW + seconds);
        }
        let expected = Expected {
            issuer: "i".to_owned(),
            audiences: vec!["a".to_owned()],
            audience_optional: false,
            subject_from_client_id: false,
        };
        let token = judge(answer.to_string().as_bytes(), &expected, NOW).unwrap();
        let terms =
            PhantomTerms { issuer: "urn:watchgate:exchange".to_owned(), audience: "watchgate".to_owned(), ttl_seconds };
        let origin = Origin { issuer: "https://idp.example.com", digest: digest("opaque") };
        terms.phantom(&signing_key(), &origin, token, NOW).unwrap()
    }

    fn part(token: &str, index: usize) -> Value {
        let part = token.split('.').nth(index).unwrap();
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    #[test]
    fn it_says_what_the_original_is_and_names_it_by_its_digest() {
        let token = phantom(60, None).token;
        assert_eq!(part(&token, 0), json!({"alg": "EdDSA", "typ": "phantom+jwt", "kid": "k1"}));
        assert_eq!(
            part(&token, 1),
            json!({
                "iss": "urn:watchgate:exchange", "aud": "watchgate", "exp": NOW + 60, "sub": "anna", "jti": "t",
                "cnf": {"jkt": "k"},
                "origin": {"iss": "https://idp.example.com", "digest": "bSKYhMEmi7CrMtjaMV0P5S-RRyKL2DCje8n7KKlUlA0"},
            })
        );
    }

    #[test]
    fn it_ends_with_the_original_or_before_and_is_renewed_a_little_earlier() {
        for (ttl, expires_in, end, renewed) in [
            (60, None, 60, 50),
            (60, Some(3600), 60, 50),
            (60, Some(61), 60, 50),
            (60, Some(60), 60, 60),
            (60, Some(7), 7, 7),
            (20, None, 20, 15),
            (300, Some(3600), 300, 290),
        ] {
            let made = phantom(ttl, expires_in);
            assert_eq!(made.renewed_at - NOW, renewed, "{ttl} {expires_in:?}");
            assert_eq!(part(&made.token, 1)["exp"], json!(NOW + end), "{ttl} {expires_in:?}");
        }
    }
}
