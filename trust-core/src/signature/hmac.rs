//! HMAC (RFC 7518, section 3.2): whoever can check such a signature can make one.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::HashFunction;

/// A secret that the gate shares with an issuer.
pub(super) struct HmacKey(Zeroizing<Vec<u8>>);

impl HmacKey {
    pub(super) fn new(secret: Zeroizing<Vec<u8>>) -> Self {
        Self(secret)
    }

    /// The secret's length bounds what it is good for: a key is at least as long as the hash (RFC 7518, section 3.2).
    pub(super) fn serves(&self, hash: HashFunction) -> bool {
        self.0.len() >= hash.bytes()
    }

    pub(super) fn verifies(&self, hash: HashFunction, signed: &[u8], signature: &[u8]) -> bool {
        match hash {
            HashFunction::Sha256 => holds::<Hmac<Sha256>>(&self.0, signed, signature),
            HashFunction::Sha384 => holds::<Hmac<Sha384>>(&self.0, signed, signature),
            HashFunction::Sha512 => holds::<Hmac<Sha512>>(&self.0, signed, signature),
        }
    }
}

/// Compares in constant time, and the whole of it: a shortened one is no signature.
fn holds<M: Mac + KeyInit>(secret: &[u8], signed: &[u8], signature: &[u8]) -> bool {
    M::new_from_slice(secret).is_ok_and(|mac| mac.chain_update(signed).verify_slice(signature).is_ok())
}
