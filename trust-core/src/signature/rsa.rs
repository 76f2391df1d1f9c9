//! RSA signatures (RFC 8017), checked with the public key.

use super::HashFunction;
use super::montgomery::Modulus;

/// The smallest modulus that is trusted (RFC 7518, section 3.3), and the largest that is worked with.
const BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A modulus of 2,048 to 4,096 bits and an exponent that is odd, above 1 and below 2^32: larger ones are of no use but to
/// make verification slow.
pub(super) struct RsaKey {
    modulus: Modulus,
    modulus_bits: usize,
    exponent: u32,
}

impl RsaKey {
    /// Reads both numbers, the highest byte first; zeros before it are passed over.
    pub(super) fn from_numbers(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let modulus = significant(modulus);
        let unused_bits = modulus.first()?.leading_zeros() as usize;
        let modulus_bits = modulus.len().checked_mul(8)?.checked_sub(unused_bits)?;
        let exponent = significant(exponent);
        let padding = 4_usize.checked_sub(exponent.len())?;
        let mut padded = [0; 4];
        padded.get_mut(padding..)?.copy_from_slice(exponent);
        let exponent = u32::from_be_bytes(padded);
        let is_trusted = BITS.contains(&modulus_bits) && exponent > 1 && exponent & 1 == 1;
        if is_trusted { Some(Self { modulus: Modulus::from_bytes(modulus)?, modulus_bits, exponent }) } else { None }
    }

    /// RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.2): the one message that a good signature stands for is built and compared,
    /// so that there is nothing to parse.
    pub(super) fn verifies_pkcs1(&self, hash: HashFunction, signed: &[u8], signature: &[u8]) -> bool {
        let Some(encoded) = self.modulus.power(signature, self.exponent) else { return false };
        let digest = hash.digest(&[signed]);
        let prefix = digest_info(hash);
        let Some(padding) = encoded.len().checked_sub(prefix.len().saturating_add(digest.len()).saturating_add(3))
        else {
            return false;
        };
        let mut expected = Vec::with_capacity(encoded.len());
        expected.extend([0, 1]);
        expected.resize(padding.saturating_add(2), 0xff);
        expected.push(0);
        expected.extend(prefix);
        expected.extend(digest);
        encoded == expected
    }

    /// RSASSA-PSS (RFC 8017, sections 8.1.2 and 9.1.2) with a salt as long as the hash and MGF1 with the same hash
    /// (RFC 7518, section 3.5).
    pub(super) fn verifies_pss(&self, hash: HashFunction, signed: &[u8], signature: &[u8]) -> bool {
        let Some(encoded) = self.modulus.power(signature, self.exponent) else { return false };
        self.is_pss_encoding(&encoded, hash, signed).unwrap_or(false)
    }

    fn is_pss_encoding(&self, encoded: &[u8], hash: HashFunction, signed: &[u8]) -> Option<bool> {
        // One bit less than the modulus has. When that leaves whole bytes, one byte less, and the one before is zero.
        let bits = self.modulus_bits.checked_sub(1)?;
        let (zeros, encoded) = encoded.split_at_checked(encoded.len().checked_sub(bits.div_ceil(8))?)?;
        let unused_bits = u32::try_from(encoded.len().checked_mul(8)?.checked_sub(bits)?).ok()?;
        let (trailer, encoded) = encoded.split_last()?;
        let (masked, digest) = encoded.split_at_checked(encoded.len().checked_sub(hash.bytes())?)?;
        let first = *masked.first()?;
        let is_framed = zeros.iter().all(|zero| *zero == 0) && *trailer == 0xbc;
        if !is_framed || first.leading_zeros() < unused_bits {
            return Some(false);
        }
        let mask = mask(hash, digest, masked.len());
        let mut unmasked: Vec<u8> = masked.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        let first = unmasked.first_mut()?;
        *first &= u8::MAX.checked_shr(unused_bits)?;
        let (padding, salt) = unmasked.split_at_checked(unmasked.len().checked_sub(hash.bytes())?)?;
        let (one, zeros) = padding.split_last()?;
        let is_padded = *one == 1 && zeros.iter().all(|zero| *zero == 0);
        Some(is_padded && hash.digest(&[&[0; 8], &hash.digest(&[signed]), salt]) == digest)
    }
}

/// MGF1 (RFC 8017, appendix B.2.1).
fn mask(hash: HashFunction, seed: &[u8], bytes: usize) -> Vec<u8> {
    let mut mask = Vec::with_capacity(bytes.saturating_add(hash.bytes()));
    for counter in 0_u32.. {
        if mask.len() >= bytes {
            break;
        }
        mask.extend(hash.digest(&[seed, &counter.to_be_bytes()]));
    }
    mask
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// What stands before the digest: its algorithm, with the parameters NULL, and its length in DER (RFC 8017, section 9.2,
/// note 1).
fn digest_info(hash: HashFunction) -> [u8; 19] {
    let (length, identifier, digest_length) = match hash {
        HashFunction::Sha256 => (0x31, 1, 0x20),
        HashFunction::Sha384 => (0x41, 2, 0x30),
        HashFunction::Sha512 => (0x51, 3, 0x40),
    };
    [
        0x30,
        length,
        0x30,
        0x0d,
        0x06,
        0x09,
        0x60,
        0x86,
        0x48,
        0x01,
        0x65,
        0x03,
        0x04,
        0x02,
        identifier,
        0x05,
        0x00,
        0x04,
        digest_length,
    ]
}

#[cfg(test)]
mod tests;
