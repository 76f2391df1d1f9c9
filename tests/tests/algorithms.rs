//! Every algorithm through the real gate: what its issuer signs passes, and nothing that only looks like it.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Hmac;
use jsonwebtoken::{Algorithm, EncodingKey};
use p521::ecdsa::signature::Signer as _;
use rand_core::OsRng;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::status;
use watchgate_tests::{BackEnd, Stage, StageOptions};

type Sign = Box<dyn Fn(&[u8]) -> Result<Vec<u8>>>;

/// An issuer that signs with one algorithm.
struct Issuer {
    algorithm: &'static str,
    /// The one key of its set.
    jwk: Value,
    sign: Sign,
}

impl Issuer {
    fn name(&self) -> String {
        format!("https://{}.example.com", self.algorithm.to_ascii_lowercase())
    }

    fn file(&self) -> String {
        format!("{}.json", self.algorithm)
    }

    fn configured(&self) -> Value {
        json!({
            "issuer": self.name(), "audiences": ["watchgate"], "algorithms": [self.algorithm],
            "jwksFile": format!("jwks/{}", self.file()),
        })
    }

    fn token(&self, algorithm: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let claims = json!({"iss": self.name(), "aud": "watchgate", "sub": "ana", "exp": now.saturating_add(600)});
        let header = json!({"alg": algorithm, "typ": "at+jwt"});
        let signed = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = (self.sign)(signed.as_bytes())?;
        Ok(format!("{signed}.{}", encoded(signature)))
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa_issuers() -> Result<Vec<Issuer>> {
    let mut issuers = Vec::new();
    let rsa = RsaPrivateKey::new(&mut OsRng, 2048)?;
    let rsa_jwk = json!({"kty": "RSA", "n": encoded(rsa.n().to_bytes_be()), "e": encoded(rsa.e().to_bytes_be())});
    let rsa_der = rsa.to_pkcs1_der()?;
    for (name, algorithm) in [
        ("RS256", Algorithm::RS256),
        ("RS384", Algorithm::RS384),
        ("RS512", Algorithm::RS512),
        ("PS256", Algorithm::PS256),
        ("PS384", Algorithm::PS384),
        ("PS512", Algorithm::PS512),
    ] {
        let key = EncodingKey::from_rsa_der(rsa_der.as_bytes());
        let sign: Sign =
            Box::new(move |signed| Ok(URL_SAFE_NO_PAD.decode(jsonwebtoken::crypto::sign(signed, &key, algorithm)?)?));
        issuers.push(Issuer { algorithm: name, jwk: rsa_jwk.clone(), sign });
    }
    Ok(issuers)
}

fn curve_issuers() -> Result<Vec<Issuer>> {
    let mut issuers = Vec::new();
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32])?;
    let jwk = ec_jwk("P-256", key.verifying_key().to_sec1_point(false).as_bytes());
    let sign = move |signed: &[u8]| {
        let signature: p256::ecdsa::Signature = key.sign(signed);
        Ok(signature.to_bytes().to_vec())
    };
    issuers.push(Issuer { algorithm: "ES256", jwk, sign: Box::new(sign) });
    let key = p384::ecdsa::SigningKey::from_slice(&[7; 48])?;
    let jwk = ec_jwk("P-384", key.verifying_key().to_sec1_point(false).as_bytes());
    let sign = move |signed: &[u8]| {
        let signature: p384::ecdsa::Signature = key.sign(signed);
        Ok(signature.to_bytes().to_vec())
    };
    issuers.push(Issuer { algorithm: "ES384", jwk, sign: Box::new(sign) });
    let key = p521::ecdsa::SigningKey::from_slice(&[[0].as_slice(), &[7; 65]].concat())?;
    let jwk = ec_jwk("P-521", key.verifying_key().to_sec1_point(false).as_bytes());
    let sign = move |signed: &[u8]| {
        let signature: p521::ecdsa::Signature = key.sign(signed);
        Ok(signature.to_bytes().to_vec())
    };
    issuers.push(Issuer { algorithm: "ES512", jwk, sign: Box::new(sign) });

    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(key.verifying_key())});
    let sign = move |signed: &[u8]| Ok(key.sign(signed).to_bytes().to_vec());
    issuers.push(Issuer { algorithm: "EdDSA", jwk, sign: Box::new(sign) });

    Ok(issuers)
}

/// The gate shares a secret with each of these.
fn secret_issuers() -> Vec<Issuer> {
    let jwk = json!({"kty": "oct", "k": encoded([7; 64])});
    let hs256 = |signed: &[u8]| mac::<Hmac<Sha256>>(signed);
    let hs384 = |signed: &[u8]| mac::<Hmac<Sha384>>(signed);
    let hs512 = |signed: &[u8]| mac::<Hmac<Sha512>>(signed);
    [("HS256", Box::new(hs256) as Sign), ("HS384", Box::new(hs384)), ("HS512", Box::new(hs512))]
        .into_iter()
        .map(|(algorithm, sign)| Issuer { algorithm, jwk: jwk.clone(), sign })
        .collect()
}

fn ec_jwk(curve: &str, point: &[u8]) -> Value {
    let (x, y) = point.split_at(point.len().div_ceil(2));
    // Uncompressed: a byte that says so stands first.
    let x = x.get(1..).unwrap_or_default();
    json!({"kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y)})
}

fn mac<M: hmac::Mac + hmac::KeyInit>(signed: &[u8]) -> Result<Vec<u8>> {
    let mac = M::new_from_slice(&[7; 64]).context("an HMAC takes a key of any length")?;
    Ok(mac.chain_update(signed).finalize().into_bytes().to_vec())
}

async fn stage(issuers: &[Issuer]) -> Result<Stage> {
    let gate = json!({
        "issuers": issuers.iter().map(Issuer::configured).collect::<Vec<_>>(),
        // Every bad token shall be refused for what is wrong with it, however many there are.
        "throttle": {"badTokensPerMinute": 0},
        "rules": [{"name": "all", "match": "PathPrefix(`/`)"}],
    });
    let back_end = BackEnd::DropIn(EchoBackEnd::start("echo")?.url());
    // There from the beginning: instances of the gate look at different times, and one that knows the keys says nothing of
    // the next.
    let trust_files = issuers
        .iter()
        .map(|issuer| (format!("jwks/{}", issuer.file()), json!({"keys": [issuer.jwk]}).to_string()))
        .collect();
    Stage::start(StageOptions { back_end, gate: Some(gate), trust_files, ..StageOptions::default() }).await
}

#[tokio::test]
async fn what_an_issuer_signs_passes_and_nothing_that_looks_like_it() -> Result<()> {
    let mut issuers = rsa_issuers()?;
    issuers.extend(curve_issuers()?);
    issuers.extend(secret_issuers());
    let stage = stage(&issuers).await?;
    stage
        .play(async |stage| {
            let stranger = stage.stranger()?;
            for issuer in &issuers {
                let algorithm = issuer.algorithm;
                let token = issuer.token(algorithm)?;
                let answered = status(stranger.with_token(&token).get("/")).await?;
                ensure!(answered == 200, "a good token with {algorithm}: answered {answered}");
                let (signed, signature) = token.rsplit_once('.').context("a token has parts")?;
                let (first, rest) = signature.split_at(8);
                let other = if first.starts_with('A') { "BAAAAAAA" } else { "AAAAAAAA" };
                let mut bad = vec![
                    ("another signature", format!("{signed}.{other}{rest}")),
                    ("a shorter one", format!("{signed}.{first}")),
                    ("none", format!("{signed}.")),
                    ("padding", format!("{token}=")),
                    ("another payload", format!("{}.{signature}", signed.replacen('.', ".e30", 1))),
                ];
                for other in &issuers {
                    if other.algorithm != algorithm {
                        bad.push((other.algorithm, issuer.token(other.algorithm)?));
                    }
                }
                for (name, token) in bad {
                    let answered = status(stranger.with_token(&token).get("/")).await?;
                    ensure!(answered == 401, "{algorithm}, {name}: answered {answered}");
                }
            }
            Ok(())
        })
        .await
}
