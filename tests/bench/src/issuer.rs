//! An identity provider of the bench's own: keys, and live tokens in any number.
//!
//! Making 20,000 RS256 signatures takes a while, so they are kept in `target/bench/` from run to run until they near
//! their end. Nobody but the bench's own gateways trusts this issuer.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64_URL;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::RsaKeyPair;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::rand_core::OsRng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The issuer's identifier.
pub(crate) const ISSUER: &str = "https://idp.example.com";

const LIFETIME_SECONDS: u64 = 48 * 3_600;

/// Tokens kept from an earlier run must have this long to live.
const REMAINING_SECONDS: u64 = 6 * 3_600;

/// What a token is signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    pub(crate) const ALL: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
        }
    }
}

/// The issuer.
pub(crate) struct Issuer {
    kept: Kept,
    file: PathBuf,
    rsa: RsaKeyPair,
    ecdsa: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
    random: SystemRandom,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    rsa_pkcs8: String,
    expires_at_seconds: u64,
    rs256_tokens: Vec<String>,
}

impl Issuer {
    /// Opens the issuer that `folder` holds, or makes it.
    pub(crate) fn open(folder: &Path) -> Result<Issuer> {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let file = folder.join("issuer.json");
        let kept = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
        let kept = match kept.filter(|kept| kept.expires_at_seconds > now_seconds() + REMAINING_SECONDS) {
            Some(kept) => kept,
            None => Kept {
                rsa_pkcs8: BASE64_URL.encode(new_rsa_key()?),
                expires_at_seconds: now_seconds() + LIFETIME_SECONDS,
                rs256_tokens: Vec::new(),
            },
        };
        let random = SystemRandom::new();
        let broken = |_| anyhow!("the issuer's keys could not be made");
        let rejected = |why| anyhow!("the issuer's keys are of no use: {why}");
        let ecdsa = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(broken)?;
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).map_err(broken)?;
        Ok(Issuer {
            rsa: RsaKeyPair::from_pkcs8(&BASE64_URL.decode(&kept.rsa_pkcs8)?).map_err(rejected)?,
            ecdsa: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ecdsa.as_ref(), &random)
                .map_err(rejected)?,
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).map_err(rejected)?,
            kept,
            file,
            random,
        })
    }

    /// The public keys, as a JWK Set.
    pub(crate) fn jwks(&self) -> Value {
        let rsa = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        let encoded = |bytes: &[u8]| BASE64_URL.encode(bytes);
        // The first byte of an uncompressed point is 4, then come x and y.
        let (x, y) = self.ecdsa.public_key().as_ref()[1..].split_at(32);
        json!({"keys": [
            {"kty": "RSA", "kid": kid(Algorithm::Rs256), "alg": "RS256", "use": "sig",
             "n": encoded(&rsa.n),
             "e": encoded(&rsa.e)},
            {"kty": "EC", "crv": "P-256", "kid": kid(Algorithm::Es256), "alg": "ES256", "use": "sig",
             "x": encoded(x), "y": encoded(y)},
            {"kty": "OKP", "crv": "Ed25519", "kid": kid(Algorithm::EdDsa), "alg": "EdDSA", "use": "sig",
             "x": encoded(self.ed25519.public_key().as_ref())},
        ]})
    }

    /// So many live RS256 tokens, each for somebody else.
    pub(crate) fn rs256_tokens(&mut self, count: usize) -> Result<Vec<String>> {
        let there = self.kept.rs256_tokens.len();
        if there < count {
            println!("signing {} RS256 tokens; they are kept for later runs", count - there);
            let middle = usize::midpoint(there, count);
            let this = &*self;
            let mint = |range: std::ops::Range<usize>| {
                range.map(|index| this.token(Algorithm::Rs256, index)).collect::<Result<Vec<_>>>()
            };
            let (first, second) = thread::scope(|scope| {
                let first = scope.spawn(|| mint(there..middle));
                let second = mint(middle..count);
                (first.join(), second)
            });
            let first = first.map_err(|_| anyhow!("signing panicked"))??;
            self.kept.rs256_tokens.extend(first.into_iter().chain(second?));
            fs::write(&self.file, serde_json::to_vec(&self.kept)?)
                .with_context(|| format!("{} cannot be written", self.file.display()))?;
        }
        Ok(self.kept.rs256_tokens[..count].to_vec())
    }

    /// A token of some 600 bytes when it is signed with RSA.
    pub(crate) fn token(&self, algorithm: Algorithm, index: usize) -> Result<String> {
        let header = json!({"alg": algorithm.name(), "kid": kid(algorithm), "typ": "at+jwt"});
        let claims = json!({
            "iss": ISSUER,
            "sub": format!("user-{index:06}"),
            "aud": "watchgate",
            "iat": self.kept.expires_at_seconds - LIFETIME_SECONDS,
            "exp": self.kept.expires_at_seconds,
            "client_id": "console",
            "scope": "runbooks:read events:read",
        });
        let signed = format!("{}.{}", BASE64_URL.encode(header.to_string()), BASE64_URL.encode(claims.to_string()));
        let signature = self.sign(algorithm, signed.as_bytes())?;
        Ok(format!("{signed}.{}", BASE64_URL.encode(signature)))
    }

    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>> {
        let failed = |_| anyhow!("a token could not be signed");
        Ok(match algorithm {
            Algorithm::Rs256 => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature).map_err(failed)?;
                signature
            }
            Algorithm::Es256 => self.ecdsa.sign(&self.random, message).map_err(failed)?.as_ref().to_vec(),
            Algorithm::EdDsa => self.ed25519.sign(message).as_ref().to_vec(),
        })
    }
}

fn kid(algorithm: Algorithm) -> String {
    format!("bench-{}", algorithm.name().to_lowercase())
}

fn new_rsa_key() -> Result<Vec<u8>> {
    let key = rsa::RsaPrivateKey::new(&mut OsRng, 2_048)?;
    Ok(key.to_pkcs8_der()?.as_bytes().to_vec())
}

fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
