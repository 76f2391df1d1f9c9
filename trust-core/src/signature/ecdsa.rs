//! ECDSA on the curves of NIST (RFC 7518, section 3.4).

use p256::ecdsa::signature::hazmat::PrehashVerifier;

use super::Curve;

/// A point that lies on its curve and is not the one at infinity.
pub(super) enum EcdsaKey {
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
    P521(Box<p521::ecdsa::VerifyingKey>),
}

impl EcdsaKey {
    /// Takes a point by its coordinates, each exactly as long as the curve's field.
    pub(super) fn from_coordinates(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        if x.len() != curve.coordinate_bytes() || y.len() != curve.coordinate_bytes() {
            return None;
        }
        // Uncompressed (SEC 1, section 2.3.4); reading it holds the point against the curve's equation.
        let point = [&[4], x, y].concat();
        match curve {
            Curve::P256 => Some(Self::P256(Box::new(p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?))),
            Curve::P384 => Some(Self::P384(Box::new(p384::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?))),
            Curve::P521 => Some(Self::P521(Box::new(p521::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?))),
        }
    }

    /// Checks `r || s`, each exactly as long as the curve's field and between 1 and the curve's order.
    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(&Curve::P256.hash().digest(&[signed]), &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(&Curve::P384.hash().digest(&[signed]), &signature).is_ok()),
            Self::P521(key) => p521::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(&Curve::P521.hash().digest(&[signed]), &signature).is_ok()),
        }
    }

    pub(super) fn curve(&self) -> Curve {
        match self {
            Self::P256(_) => Curve::P256,
            Self::P384(_) => Curve::P384,
            Self::P521(_) => Curve::P521,
        }
    }
}

#[cfg(test)]
mod tests;
