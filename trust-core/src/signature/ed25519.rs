//! Ed25519 (RFC 8032, section 5.1.7; RFC 8037), where RFC 8032 leaves a choice: strict.
//!
//! Refused beyond the plain equation: keys and points R of small order (such a key accepts one signature for many messages),
//! encodings that are not the canonical ones, and an s that is not below the group's order.

use ed25519_dalek::{Signature, Verifier, VerifyingKey};

/// All points whose order divides 8, as they are encoded canonically. A point R outside of this list that the equation yields
/// is what `verify_strict` of the library takes, too, without having to be decompressed for each signature: the library
/// compares encodings, so a non-canonical R never holds.
const SMALL_ORDER: [[u8; 32]; 8] = {
    let mut order_4 = [0; 32];
    order_4[31] = 0x80;
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    let mut one = [0; 32];
    one[0] = 1;
    let (mut order_8, mut other_order_8) = (ORDER_8, OTHER_ORDER_8);
    order_8[31] |= 0x80;
    other_order_8[31] |= 0x80;
    [one, minus_one, [0; 32], order_4, ORDER_8, OTHER_ORDER_8, order_8, other_order_8]
};
const ORDER_8: [u8; 32] = [
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac,
    0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
];
const OTHER_ORDER_8: [u8; 32] = [
    0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53,
    0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
];

/// A canonically encoded point of large order.
pub(super) struct Ed25519Key(Box<VerifyingKey>);

impl Ed25519Key {
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.try_into().ok()?;
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        let is_canonical = key.to_edwards().compress().as_bytes() == bytes;
        (is_canonical && !key.is_weak()).then(|| Self(Box::new(key)))
    }

    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = Signature::from_slice(signature) else { return false };
        !SMALL_ORDER.contains(signature.r_bytes()) && self.0.verify(signed, &signature).is_ok()
    }
}

#[cfg(test)]
mod tests;
