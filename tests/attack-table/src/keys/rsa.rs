//! RSA signatures with whatever modulus and exponent: honest libraries refuse to make most of what an attacker tries.

use anyhow::{Context, Result, bail};
use num_bigint_dig::{BigUint, ModInverse as _};

use super::primes;
use crate::hash::Hash;

#[derive(Clone, Debug)]
pub(super) struct RsaKey {
    modulus: BigUint,
    exponent: BigUint,
    /// None where no exponent undoes the public one.
    private: Option<Private>,
    bits: usize,
}

/// What makes a signature in a quarter of the time (RFC 8017, section 5.1.2).
#[derive(Clone, Debug)]
struct Private {
    one: BigUint,
    other: BigUint,
    exponent_of_one: BigUint,
    exponent_of_other: BigUint,
    inverse_of_other: BigUint,
}

impl Private {
    #[expect(clippy::arithmetic_side_effects, reason = "big numbers do not overflow, and primes are above 1")]
    fn new(one: &BigUint, other: &BigUint, exponent: &BigUint) -> Option<Private> {
        let inverse = |number: &BigUint, modulus: &BigUint| number.mod_inverse(modulus)?.to_biguint();
        Some(Private {
            exponent_of_one: inverse(exponent, &(one - 1_u8))?,
            exponent_of_other: inverse(exponent, &(other - 1_u8))?,
            inverse_of_other: inverse(other, one)?,
            one: one.clone(),
            other: other.clone(),
        })
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "big numbers do not overflow; a prime is added before the difference"
    )]
    fn power(&self, message: &BigUint) -> BigUint {
        let of_one = message.modpow(&self.exponent_of_one, &self.one);
        let of_other = message.modpow(&self.exponent_of_other, &self.other);
        let difference = (of_one + &self.one - &of_other % &self.one) * &self.inverse_of_other % &self.one;
        of_other + difference * &self.other
    }
}

impl RsaKey {
    #[expect(clippy::arithmetic_side_effects, reason = "big numbers do not overflow, and primes are above 1")]
    pub(super) fn new(bits: usize, exponent: u32) -> Result<RsaKey> {
        let (one, other) = match bits {
            1024 => (primes::ONE_OF_1024_BITS, primes::OTHER_OF_1024_BITS),
            2048 => (primes::ONE_OF_2048_BITS, primes::OTHER_OF_2048_BITS),
            4160 => (primes::ONE_OF_4160_BITS, primes::OTHER_OF_4160_BITS),
            _ => bail!("no primes for {bits} bits"),
        };
        let prime = |digits: &str| BigUint::parse_bytes(digits.as_bytes(), 16).context("a prime is no number");
        let (one, other) = (prime(one)?, prime(other)?);
        let exponent = BigUint::from(exponent);
        let private = Private::new(&one, &other, &exponent);
        Ok(RsaKey { modulus: one * other, exponent, private, bits })
    }

    pub(super) fn modulus(&self) -> Vec<u8> {
        self.modulus.to_bytes_be()
    }

    pub(super) fn exponent(&self) -> Vec<u8> {
        self.exponent.to_bytes_be()
    }

    /// RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.1).
    pub(super) fn sign_pkcs1(&self, hash: Hash, signed: &[u8]) -> Vec<u8> {
        let ending = [[0].as_slice(), &hash.digest_info(), &hash.digest(signed)].concat();
        let mut message = vec![0, 1];
        message.resize(self.bytes().saturating_sub(ending.len()), 0xff);
        message.extend(ending);
        self.power(&message)
    }

    /// RSASSA-PSS (RFC 8017, sections 8.1.1 and 9.1.1), with a salt that is the same every time.
    pub(super) fn sign_pss(&self, hash: Hash, signed: &[u8]) -> Vec<u8> {
        self.sign_pss_framed(hash, signed, 1, 0xbc)
    }

    pub(super) fn sign_pss_framed(&self, hash: Hash, signed: &[u8], separator: u8, trailer: u8) -> Vec<u8> {
        let digest = hash.digest(signed);
        let salt = vec![7; digest.len()];
        let seed = hash.digest(&[[0; 8].as_slice(), &digest, &salt].concat());
        let mut block = vec![0; self.bytes().saturating_sub(seed.len()).saturating_sub(salt.len()).saturating_sub(2)];
        block.push(separator);
        block.extend(&salt);
        let mask = (0_u32..).flat_map(|counter| hash.digest(&[seed.as_slice(), &counter.to_be_bytes()].concat()));
        block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        // One bit less than the modulus has.
        if let Some(first) = block.first_mut() {
            *first &= 0x7f;
        }
        self.power(&[block.as_slice(), &seed, &[trailer]].concat())
    }

    fn bytes(&self) -> usize {
        self.bits.div_ceil(8)
    }

    fn power(&self, message: &[u8]) -> Vec<u8> {
        let message = BigUint::from_bytes_be(message);
        let Some(private) = &self.private else { return message.to_bytes_be() };
        let signature = private.power(&message).to_bytes_be();
        [vec![0; self.bytes().saturating_sub(signature.len())], signature].concat()
    }
}
