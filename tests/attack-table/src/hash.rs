//! The hash functions of JWS, by the number in an algorithm's name.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// SHA-2 with so many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The one that `RS384` or `HS512` names; SHA-256 for whatever names none.
    pub(crate) fn of(algorithm: &str) -> Hash {
        match algorithm {
            name if name.ends_with("384") => Hash::Sha384,
            name if name.ends_with("512") => Hash::Sha512,
            _ => Hash::Sha256,
        }
    }

    pub(crate) fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha256 => Sha256::digest(message).to_vec(),
            Hash::Sha384 => Sha384::digest(message).to_vec(),
            Hash::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    /// An HMAC takes a key of any length, so there always is one.
    pub(crate) fn mac(self, secret: &[u8], message: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha256 => Hmac::<Sha256>::new_from_slice(secret)
                .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec()),
            Hash::Sha384 => Hmac::<Sha384>::new_from_slice(secret)
                .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec()),
            Hash::Sha512 => Hmac::<Sha512>::new_from_slice(secret)
                .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec()),
        }
        .unwrap_or_default()
    }

    /// What stands before a digest in PKCS #1: its algorithm and its length (RFC 8017, section 9.2, note 1).
    pub(crate) fn digest_info(self) -> [u8; 19] {
        let (length, identifier, digest_length) = match self {
            Hash::Sha256 => (0x31, 1, 0x20),
            Hash::Sha384 => (0x41, 2, 0x30),
            Hash::Sha512 => (0x51, 3, 0x40),
        };
        let oid = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, identifier];
        let mut info = [0x30, length, 0x30, 0x0d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x05, 0x00, 0x04, digest_length];
        info.iter_mut().skip(4).zip(oid).for_each(|(byte, of_oid)| *byte = of_oid);
        info
    }
}
