//! Keys of issuers good and bad, the same on every run.

mod primes;
mod rsa;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use serde_json::{Value, json};

use crate::hash::Hash;
use rsa::RsaKey;

/// Encodes as tokens do.
pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key that signs, with the members by which others know it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    kind: Kind,
    jwk: Value,
}

#[derive(Clone, Debug)]
enum Kind {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    P256(Box<p256::ecdsa::SigningKey>),
    P384(Box<p384::ecdsa::SigningKey>),
    P521(Box<p521::ecdsa::SigningKey>),
    Rsa(Box<RsaKey>),
    Secret(Vec<u8>),
}

impl Key {
    pub(crate) fn ed25519(seed: u8) -> Key {
        let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(key.verifying_key())});
        Key { kind: Kind::Ed25519(Box::new(key)), jwk }
    }

    pub(crate) fn p256(seed: u8) -> Result<Key> {
        let key = p256::ecdsa::SigningKey::from_slice(&[seed; 32])?;
        let jwk = curve_jwk("P-256", key.verifying_key().to_sec1_point(false).as_bytes());
        Ok(Key { kind: Kind::P256(Box::new(key)), jwk })
    }

    pub(crate) fn p384(seed: u8) -> Result<Key> {
        let key = p384::ecdsa::SigningKey::from_slice(&[seed; 48])?;
        let jwk = curve_jwk("P-384", key.verifying_key().to_sec1_point(false).as_bytes());
        Ok(Key { kind: Kind::P384(Box::new(key)), jwk })
    }

    pub(crate) fn p521(seed: u8) -> Result<Key> {
        let key = p521::ecdsa::SigningKey::from_slice(&[[0].as_slice(), &[seed; 65]].concat())?;
        let jwk = curve_jwk("P-521", key.verifying_key().to_sec1_point(false).as_bytes());
        Ok(Key { kind: Kind::P521(Box::new(key)), jwk })
    }

    /// With a modulus of 1,024, 2,048 or 4,160 bits.
    pub(crate) fn rsa(bits: usize, exponent: u32) -> Result<Key> {
        let key = RsaKey::new(bits, exponent)?;
        let jwk = json!({"kty": "RSA", "n": encoded(key.modulus()), "e": encoded(key.exponent())});
        Ok(Key { kind: Kind::Rsa(Box::new(key)), jwk })
    }

    pub(crate) fn secret(secret: impl Into<Vec<u8>>) -> Key {
        let secret = secret.into();
        let jwk = json!({"kty": "oct", "k": encoded(&secret)});
        Key { kind: Kind::Secret(secret), jwk }
    }

    /// The same key, with one member of its JWK set.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: Value) -> Key {
        crate::forgery::set(&mut self.jwk, name, value);
        self
    }

    /// What a JWK Set says of it. Of a secret, all.
    pub(crate) fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// A member of its JWK that is text.
    pub(crate) fn member(&self, name: &str) -> &str {
        self.jwk.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The signature over `signed`, as the algorithm asks where the key can do so and in the key's own way where it cannot.
    pub(crate) fn sign(&self, algorithm: &str, signed: &[u8]) -> Vec<u8> {
        match &self.kind {
            Kind::Ed25519(key) => key.sign(signed).to_bytes().to_vec(),
            Kind::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(signed);
                signature.to_bytes().to_vec()
            }
            Kind::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(signed);
                signature.to_bytes().to_vec()
            }
            Kind::P521(key) => {
                let signature: p521::ecdsa::Signature = key.sign(signed);
                signature.to_bytes().to_vec()
            }
            Kind::Rsa(key) if algorithm.starts_with("PS") => key.sign_pss(Hash::of(algorithm), signed),
            Kind::Rsa(key) => key.sign_pkcs1(Hash::of(algorithm), signed),
            Kind::Secret(secret) => Hash::of(algorithm).mac(secret, signed),
        }
    }

    /// PS256 over a message whose salt stands behind another byte than 1, or that ends with another than 0xbc.
    pub(crate) fn sign_with_other_frame(&self, signed: &[u8], separator: u8, trailer: u8) -> Vec<u8> {
        let Kind::Rsa(key) = &self.kind else { return Vec::new() };
        key.sign_pss_framed(Hash::Sha256, signed, separator, trailer)
    }

    /// A signature whose point R is the neutral element: it holds by the plain equation, and whoever sees it learns of the
    /// message nothing that he could not choose.
    pub(crate) fn sign_with_neutral_point(&self, signed: &[u8]) -> Vec<u8> {
        let Kind::Ed25519(key) = &self.kind else { return Vec::new() };
        let message = [NEUTRAL_POINT.as_slice(), key.verifying_key().as_bytes(), signed].concat();
        let digest: [u8; 64] = Hash::Sha512.digest(&message).try_into().unwrap_or([0; 64]);
        let challenge = curve25519_dalek::Scalar::from_bytes_mod_order_wide(&digest);
        #[expect(clippy::arithmetic_side_effects, reason = "a scalar is a number modulo the group's order")]
        let scalar = challenge * key.to_scalar();
        [NEUTRAL_POINT, scalar.to_bytes()].concat()
    }

    /// What holds for any message where the neutral element is taken for a public key: a point and its own logarithm.
    pub(crate) fn signature_for_the_neutral_key(&self) -> Vec<u8> {
        let Kind::Ed25519(key) = &self.kind else { return Vec::new() };
        [key.verifying_key().to_bytes(), key.to_scalar().to_bytes()].concat()
    }

    /// The same signature, with the group's order added to its number: a second spelling.
    pub(crate) fn sign_with_second_spelling(&self, signed: &[u8]) -> Vec<u8> {
        let mut carry = 0_u16;
        let mut signature = self.sign("EdDSA", signed);
        for (byte, order) in signature.iter_mut().skip(32).zip(GROUP_ORDER) {
            carry = u16::from(*byte).saturating_add(u16::from(order)).saturating_add(carry);
            let [low, high] = carry.to_le_bytes();
            (*byte, carry) = (low, u16::from(high));
        }
        signature
    }
}

/// The neutral element of Ed25519.
pub(crate) const NEUTRAL_POINT: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 1;
    point
};

/// Of Ed25519, the lowest byte first (RFC 8032, section 5.1).
const GROUP_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// A second spelling of a point of large order: `p + y`, where `y` alone would do. Nobody knows its logarithm.
pub(crate) fn point_spelled_twice() -> Option<[u8; 32]> {
    (2_u8..=18).find_map(|y| {
        let mut point = [0xff; 32];
        *point.first_mut()? = 0xed_u8.checked_add(y)?;
        *point.last_mut()? = 0x7f;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&point).ok()?;
        (!key.is_weak()).then_some(point)
    })
}

fn curve_jwk(curve: &str, point: &[u8]) -> Value {
    let (x, y) = point.split_at(point.len().div_ceil(2));
    // Uncompressed: a byte that says so stands first.
    let x = x.get(1..).unwrap_or_default();
    json!({"kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y)})
}
