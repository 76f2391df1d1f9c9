//! An identity provider that changes its key: each generation of tokens under a key of its own, with what is wrong with
//! some of them, and what each must be answered.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64_URL;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::rand_core::OsRng;
use serde_json::{Value, json};

/// The issuer's identifier.
pub(crate) const ISSUER: &str = "https://idp.example.com";

/// The name by which every request calls the gateway; the gate's configuration says the same.
pub(crate) const HOST: &str = "gateway.example.com";

/// A request of the shipped rules that needs this scope.
const TARGET: &str = "/v1/runbooks/restart-web";
const SCOPE: &str = "runbooks:read events:read";

/// So many of each kind of bad token.
const BAD: usize = 50;

/// What the gate must answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// 200, and the back end was told of this subject.
    Subject(String),
    /// 401: expired, forged or meant for somebody else.
    Unauthorized,
    /// 403: good, but without the scope.
    Forbidden,
}

/// A request and what it must be answered.
pub(crate) struct Known {
    pub(crate) request: Box<[u8]>,
    pub(crate) expected: Expected,
}

/// All tokens under one key.
pub(crate) struct Generation {
    number: u64,
    jwks: Value,
    good: Vec<Known>,
    bad: Vec<Known>,
}

impl Generation {
    /// Makes a key and signs so many good tokens, and some bad ones.
    pub(crate) fn make(number: u64, tokens: usize) -> Result<Generation> {
        let signer = Signer::new(number)?;
        let expires = now_seconds() + 3_600;
        let good = |index: usize| (format!("user-{number}-{index:05}"), expires, "watchgate", SCOPE);
        let known = |token: &str, expected| Known { request: request(token), expected };
        let mut generation = Generation { number, jwks: signer.jwks(), good: Vec::new(), bad: Vec::new() };
        for index in 0..tokens {
            let (subject, expires, audience, scope) = good(index);
            let token = signer.token(&subject, expires, audience, scope)?;
            if index < BAD {
                generation.bad.push(known(&forged(&token), Expected::Unauthorized));
            }
            generation.good.push(known(&token, Expected::Subject(subject)));
        }
        for index in 0..BAD {
            let (subject, expires, audience, scope) = good(tokens + index);
            let expired = signer.token(&subject, now_seconds() - 3_600, audience, scope)?;
            let misdirected = signer.token(&subject, expires, "another-service", scope)?;
            let unscoped = signer.token(&subject, expires, audience, "events:read")?;
            generation.bad.push(known(&expired, Expected::Unauthorized));
            generation.bad.push(known(&misdirected, Expected::Unauthorized));
            generation.bad.push(known(&unscoped, Expected::Forbidden));
        }
        Ok(generation)
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The public key alone: a JWK Set that knows nothing of the generation before.
    pub(crate) fn jwks(&self) -> &Value {
        &self.jwks
    }

    pub(crate) fn good(&self) -> &[Known] {
        &self.good
    }

    pub(crate) fn bad(&self) -> &[Known] {
        &self.bad
    }

    pub(crate) fn a_good_request(&self) -> &[u8] {
        &self.good[0].request
    }
}

struct Signer {
    kid: String,
    key: RsaKeyPair,
    random: SystemRandom,
}

impl Signer {
    fn new(number: u64) -> Result<Signer> {
        let pkcs8 = rsa::RsaPrivateKey::new(&mut OsRng, 2_048)?.to_pkcs8_der()?;
        let key = RsaKeyPair::from_pkcs8(pkcs8.as_bytes()).map_err(|why| anyhow!("a key of no use: {why}"))?;
        Ok(Signer { kid: format!("soak-{number}"), key, random: SystemRandom::new() })
    }

    fn jwks(&self) -> Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.key.public());
        let (n, e) = (BASE64_URL.encode(&public.n), BASE64_URL.encode(&public.e));
        json!({"keys": [{"kty": "RSA", "kid": self.kid, "alg": "RS256", "use": "sig", "n": n, "e": e}]})
    }

    /// A token of some 600 bytes.
    fn token(&self, subject: &str, expires: u64, audience: &str, scope: &str) -> Result<String> {
        let header = json!({"alg": "RS256", "kid": self.kid, "typ": "at+jwt"});
        let claims = json!({
            "iss": ISSUER, "sub": subject, "aud": audience, "iat": now_seconds() - 7_200, "exp": expires,
            "client_id": "console", "scope": scope,
        });
        let signed = format!("{}.{}", BASE64_URL.encode(header.to_string()), BASE64_URL.encode(claims.to_string()));
        let mut signature = vec![0; self.key.public().modulus_len()];
        let failed = |_| anyhow!("a token could not be signed");
        self.key.sign(&RSA_PKCS1_SHA256, &self.random, signed.as_bytes(), &mut signature).map_err(failed)?;
        Ok(format!("{signed}.{}", BASE64_URL.encode(signature)))
    }
}

/// The same token with another signature of the same length.
fn forged(token: &str) -> String {
    let mut bytes = token.to_owned().into_bytes();
    let place = bytes.len() - 100;
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    String::from_utf8_lossy(&bytes).into_owned()
}

fn request(token: &str) -> Box<[u8]> {
    format!("GET {TARGET} HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: soak/1\r\nAuthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
        .into_boxed_slice()
}

fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
