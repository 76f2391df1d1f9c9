//! The attacker's workshop: issuers that the gate trusts, some of them gone wrong, and tokens that nobody should accept.

use anyhow::Result;
use serde_json::{Value, json};

use crate::forgery::set;
use crate::keys::{Key, encoded};
use crate::rows::unfit::{self, UnfitSet};

/// The issuer of the shipped configuration.
pub const ISSUER: &str = "https://issuer.watchgate.test";
/// One more issuer, with a key of its own and without leeway.
pub const SECOND_ISSUER: &str = "https://second.watchgate.test";
/// An issuer with keys of every kind.
pub const MANY_KEYS_ISSUER: &str = "https://many.watchgate.test";
/// An issuer that shares secrets with the gate.
pub const SECRETS_ISSUER: &str = "https://secrets.watchgate.test";

/// A key and the name by which tokens ask for it.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) kid: &'static str,
    pub(crate) key: Key,
}

impl Named {
    fn new(kid: &'static str, key: Key) -> Named {
        Named { kid, key: key.with("kid", json!(kid)) }
    }
}

/// A JWK Set of these.
pub(crate) fn set_of<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Value {
    json!({"keys": keys.into_iter().map(Key::jwk).collect::<Vec<_>>()})
}

/// Header and claims, not yet signed.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Draft {
    /// With one claim changed; `null` leaves it out.
    #[must_use]
    pub fn claim(mut self, name: &str, value: Value) -> Draft {
        set(&mut self.claims, name, value);
        self
    }

    /// The same for a member of the header.
    #[must_use]
    pub fn header(mut self, name: &str, value: Value) -> Draft {
        set(&mut self.header, name, value);
        self
    }

    /// Signed by the algorithm that the header names.
    pub(crate) fn sign(&self, key: &Key) -> String {
        let algorithm = self.header.get("alg").and_then(Value::as_str).unwrap_or_default();
        self.signed_by(|signed| key.sign(algorithm, signed))
    }

    /// Signed in another way than the header says.
    pub(crate) fn signed_by(&self, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        text_signed_by(&self.header.to_string(), &self.claims.to_string(), sign)
    }
}

/// The same for a header and claims that no JSON library would write.
pub(crate) fn text_signed_by(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", encoded(signature))
}

/// What the rows are made of.
#[derive(Clone, Debug)]
pub struct Forge {
    /// Now, as the gate's clock shows it.
    pub(crate) now: u64,
    /// The shipped issuer's keys, and one that fits none of its algorithms.
    pub(crate) ed25519: Named,
    pub(crate) rsa: Named,
    pub(crate) not_allowed: Named,
    pub(crate) second: Named,
    /// Of the issuer with keys of every kind.
    pub(crate) many: Many,
    pub(crate) long_secret: Named,
    pub(crate) short_secret: Named,
    /// Known to nobody.
    pub(crate) stranger: Key,
    /// Issuers whose keys are of no use.
    pub(crate) unfit: Vec<UnfitSet>,
}

/// Keys of every kind.
#[derive(Clone, Debug)]
pub(crate) struct Many {
    pub(crate) ed25519: Named,
    pub(crate) p256: Named,
    pub(crate) p384: Named,
    pub(crate) p521: Named,
    pub(crate) rsa: Named,
    pub(crate) rs256_only: Named,
}

impl Many {
    pub(crate) fn all(&self) -> [&Named; 6] {
        [&self.ed25519, &self.p256, &self.p384, &self.p521, &self.rsa, &self.rs256_only]
    }
}

impl Forge {
    /// All keys, for tokens that are good at `now`, in seconds since 1970.
    pub fn new(now: u64) -> Result<Forge> {
        let rsa = Key::rsa(2048, 65_537)?;
        let many = Many {
            ed25519: Named::new("many-ed25519", Key::ed25519(3)),
            p256: Named::new("many-p256", Key::p256(4)?),
            p384: Named::new("many-p384", Key::p384(5)?),
            p521: Named::new("many-p521", Key::p521(6)?),
            rsa: Named::new("many-rsa", rsa.clone()),
            rs256_only: Named::new("many-rs256", rsa.clone().with("alg", json!("RS256"))),
        };
        let mut forge = Forge {
            now,
            ed25519: Named::new("ed25519", Key::ed25519(1).with("alg", json!("EdDSA")).with("use", json!("sig"))),
            rsa: Named::new("rsa", rsa.with("alg", json!("RS256")).with("use", json!("sig"))),
            not_allowed: Named::new("p256", Key::p256(9)?),
            second: Named::new("second", Key::ed25519(2)),
            many,
            long_secret: Named::new("long", Key::secret([7; 64])),
            short_secret: Named::new("short", Key::secret([8; 32])),
            stranger: Key::ed25519(99),
            unfit: Vec::new(),
        };
        forge.unfit = unfit::sets(&forge);
        Ok(forge)
    }

    /// A token that says what a good one says.
    pub fn draft(&self) -> Draft {
        self.draft_of(ISSUER, "EdDSA", self.ed25519.kid)
    }

    pub(crate) fn draft_of(&self, issuer: &str, algorithm: &str, kid: &str) -> Draft {
        Draft {
            header: json!({"alg": algorithm, "typ": "at+jwt", "kid": kid}),
            claims: json!({
                "iss": issuer, "sub": "console-7", "aud": "watchgate", "iat": self.now,
                "exp": self.now.saturating_add(600), "jti": "4711", "client_id": "watchgate",
                "scope": "events:write assistant:ask",
            }),
        }
    }

    /// Signed by the shipped issuer.
    pub fn sign(&self, draft: &Draft) -> String {
        draft.signed_by(|signed| self.ed25519.key.sign("EdDSA", signed))
    }

    /// A good token.
    pub fn good(&self) -> String {
        self.sign(&self.draft())
    }

    /// A good token but for one claim; `null` leaves it out.
    pub fn claim(&self, name: &str, value: Value) -> String {
        self.sign(&self.draft().claim(name, value))
    }

    /// The same for a member of the header.
    pub fn header(&self, name: &str, value: Value) -> String {
        self.sign(&self.draft().header(name, value))
    }

    /// A good token with these scopes.
    pub fn scope(&self, scope: &str) -> String {
        self.claim("scope", json!(scope))
    }

    /// A good token of the second issuer.
    pub fn of_the_second(&self, expiry: Value) -> String {
        self.draft_of(SECOND_ISSUER, "EdDSA", self.second.kid).claim("exp", expiry).sign(&self.second.key)
    }

    /// Seconds from now, or before.
    pub(crate) fn after(&self, seconds: i64) -> u64 {
        self.now.saturating_add_signed(seconds)
    }

    /// The shipped issuer's keys as everybody may know them.
    pub(crate) fn jwks(&self) -> Value {
        set_of([&self.ed25519.key, &self.rsa.key, &self.not_allowed.key])
    }
}
