//! The signatures that a token may carry, and what checks each of them. Whether a key may be used at all is decided in
//! [`crate::keys`].

mod algorithm;
mod ecdsa;
mod ed25519;
mod hmac;
mod montgomery;
mod rsa;

use zeroize::Zeroizing;

pub(crate) use algorithm::Algorithm;
use algorithm::{HashFunction, Scheme};

/// The curves of ECDSA, each with one hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub(crate) fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn hash(self) -> HashFunction {
        match self {
            Self::P256 => HashFunction::Sha256,
            Self::P384 => HashFunction::Sha384,
            Self::P521 => HashFunction::Sha512,
        }
    }
}

/// A key as it is worked with: read, checked and prepared once, however many signatures it checks.
pub(crate) struct SignatureKey(Kind);

enum Kind {
    Rsa(Box<rsa::RsaKey>),
    Ecdsa(ecdsa::EcdsaKey),
    Ed25519(ed25519::Ed25519Key),
    Hmac(hmac::HmacKey),
}

impl SignatureKey {
    /// An RSA key by its modulus and exponent, if it is one that can be trusted.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        Some(Self(Kind::Rsa(Box::new(rsa::RsaKey::from_numbers(modulus, exponent)?))))
    }

    /// A point on a curve of NIST by its coordinates.
    pub(crate) fn ecdsa(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        Some(Self(Kind::Ecdsa(ecdsa::EcdsaKey::from_coordinates(curve, x, y)?)))
    }

    /// A point on the curve Ed25519 in its encoded form.
    pub(crate) fn ed25519(point: &[u8]) -> Option<Self> {
        Some(Self(Kind::Ed25519(ed25519::Ed25519Key::from_bytes(point)?)))
    }

    /// A secret that is shared with the issuer.
    pub(crate) fn shared_secret(secret: Zeroizing<Vec<u8>>) -> Self {
        Self(Kind::Hmac(hmac::HmacKey::new(secret)))
    }

    /// Whether the key is of the algorithm's kind. Nothing that a token says changes that.
    #[must_use]
    pub(crate) fn serves(&self, algorithm: Algorithm) -> bool {
        match (&self.0, algorithm.scheme()) {
            (Kind::Rsa(_), Scheme::RsaPkcs1 | Scheme::RsaPss) | (Kind::Ed25519(_), Scheme::EdDsa) => true,
            (Kind::Ecdsa(key), Scheme::Ecdsa) => key.curve().hash() == algorithm.hash(),
            (Kind::Hmac(key), Scheme::Hmac) => key.serves(algorithm.hash()),
            (Kind::Rsa(_) | Kind::Ed25519(_) | Kind::Ecdsa(_) | Kind::Hmac(_), _) => false,
        }
    }

    /// Whether the signature over `signed` holds; never with an algorithm that the key does not serve.
    #[must_use]
    pub(crate) fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        self.serves(algorithm)
            && match (&self.0, algorithm.scheme()) {
                (Kind::Rsa(key), Scheme::RsaPkcs1) => key.verifies_pkcs1(algorithm.hash(), signed, signature),
                (Kind::Rsa(key), Scheme::RsaPss) => key.verifies_pss(algorithm.hash(), signed, signature),
                (Kind::Ecdsa(key), Scheme::Ecdsa) => key.verifies(signed, signature),
                (Kind::Ed25519(key), Scheme::EdDsa) => key.verifies(signed, signature),
                (Kind::Hmac(key), Scheme::Hmac) => key.verifies(algorithm.hash(), signed, signature),
                (Kind::Rsa(_) | Kind::Ed25519(_) | Kind::Ecdsa(_) | Kind::Hmac(_), _) => false,
            }
    }
}
