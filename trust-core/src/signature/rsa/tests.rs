use std::sync::LazyLock;

use rand_core::OsRng;
use rsa::sha2::{Digest as _, Sha256, Sha384, Sha512};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPrivateKey};

use super::*;

const SIGNED: &[u8] = b"eyJhbGciOiJSUzI1NiJ9.e30";

/// Keys of sizes that fill their bytes, and of one that leaves the encoded message a byte shorter than the modulus.
static KEYS: LazyLock<Vec<RsaPrivateKey>> =
    LazyLock::new(|| [2048, 2049, 2060, 3072].map(|bits| RsaPrivateKey::new(&mut OsRng, bits).unwrap()).into());

fn public(key: &RsaPrivateKey) -> RsaKey {
    RsaKey::from_numbers(&key.n().to_bytes_be(), &key.e().to_bytes_be()).unwrap()
}

fn padded(number: &BigUint, bytes: usize) -> Vec<u8> {
    let significant = number.to_bytes_be();
    [vec![0; bytes - significant.len()], significant].concat()
}

/// Signs whatever stands in the place of an encoded message.
fn signature_of(key: &RsaPrivateKey, encoded: &[u8]) -> Vec<u8> {
    padded(&BigUint::from_bytes_be(encoded).modpow(key.d(), key.n()), key.size())
}

fn pkcs1(bytes: usize, info: &[u8]) -> Vec<u8> {
    [&[0, 1], vec![0xff; bytes - info.len() - 3].as_slice(), &[0], info].concat()
}

fn info() -> Vec<u8> {
    [digest_info(HashFunction::Sha256).to_vec(), Sha256::digest(SIGNED).to_vec()].concat()
}

#[test]
fn signatures_of_the_library_hold() {
    for key in KEYS.iter() {
        let public = public(key);
        for (hash, scheme, pss, digest) in [
            (
                HashFunction::Sha256,
                Pkcs1v15Sign::new::<Sha256>(),
                Pss::new::<Sha256>(),
                Sha256::digest(SIGNED).to_vec(),
            ),
            (
                HashFunction::Sha384,
                Pkcs1v15Sign::new::<Sha384>(),
                Pss::new::<Sha384>(),
                Sha384::digest(SIGNED).to_vec(),
            ),
            (
                HashFunction::Sha512,
                Pkcs1v15Sign::new::<Sha512>(),
                Pss::new::<Sha512>(),
                Sha512::digest(SIGNED).to_vec(),
            ),
        ] {
            let by_pkcs1 = key.sign(scheme, &digest).unwrap();
            let by_pss = key.sign_with_rng(&mut OsRng, pss, &digest).unwrap();
            assert!(public.verifies_pkcs1(hash, SIGNED, &by_pkcs1));
            assert!(public.verifies_pss(hash, SIGNED, &by_pss));
            assert!(
                !public.verifies_pkcs1(hash, b"another", &by_pkcs1) && !public.verifies_pss(hash, b"another", &by_pss)
            );
            assert!(!public.verifies_pkcs1(hash, SIGNED, &by_pss) && !public.verifies_pss(hash, SIGNED, &by_pkcs1));
            for other in [HashFunction::Sha256, HashFunction::Sha384, HashFunction::Sha512] {
                assert_eq!(public.verifies_pkcs1(other, SIGNED, &by_pkcs1), other == hash);
                assert_eq!(public.verifies_pss(other, SIGNED, &by_pss), other == hash);
            }
        }
    }
}

#[test]
fn a_signature_has_one_form() {
    let key = &KEYS[0];
    let public = public(key);
    let good = signature_of(key, &pkcs1(256, &info()));
    assert!(public.verifies_pkcs1(HashFunction::Sha256, SIGNED, &good));
    let plus_modulus = (BigUint::from_bytes_be(&good) + key.n()).to_bytes_be();
    let flipped = good.iter().enumerate().map(|(index, byte)| if index == 200 { byte ^ 1 } else { *byte }).collect();
    for bad in [
        good[1..].to_vec(),
        good[..255].to_vec(),
        [&[0], good.as_slice()].concat(),
        [good.as_slice(), &[0]].concat(),
        plus_modulus,
        flipped,
        Vec::new(),
        vec![0; 256],
        vec![0xff; 256],
        [vec![0; 255], vec![1]].concat(),
    ] {
        assert!(!public.verifies_pkcs1(HashFunction::Sha256, SIGNED, &bad), "{bad:02x?}");
        assert!(!public.verifies_pss(HashFunction::Sha256, SIGNED, &bad));
    }
}

#[test]
fn a_padding_that_is_not_the_one_is_refused() {
    let key = &KEYS[0];
    let public = public(key);
    let digest = Sha256::digest(SIGNED).to_vec();
    let good = pkcs1(256, &info());
    let with = |index: usize, byte: u8| {
        let mut encoded = good.clone();
        encoded[index] = byte;
        encoded
    };
    // The algorithm's parameters left out instead of NULL.
    let without_null = [&[0x30, 0x2f, 0x30, 0x0b], &info()[4..15], &[0x04, 0x20], digest.as_slice()].concat();
    // What Bleichenbacher's forgeries with small exponents need: bytes that nobody looks at.
    let short_padding = [&[0, 1], [0xff; 8].as_slice(), &[0], &info(), &[0x5a; 194]].concat();
    let long_form = [&[0x30, 0x81, 0x31], &info()[2..]].concat();
    let with_extra = [info(), vec![0]].concat();
    for (name, encoded) in [
        ("type 2", with(1, 2)),
        ("first byte", with(0, 1)),
        ("a zero in the padding", with(100, 0)),
        ("no ones in the padding", with(2, 0)),
        ("no end of the padding", with(204, 0xff)),
        ("another algorithm", with(219, 3)),
        ("parameters that are not NULL", with(220, 6)),
        ("another digest", with(255, good[255] ^ 1)),
        ("no NULL", pkcs1(256, &without_null)),
        ("bytes behind the digest", short_padding),
        ("a length in its long form", pkcs1(256, &long_form)),
        ("a byte behind the digest", pkcs1(256, &with_extra)),
        ("the digest alone", pkcs1(256, &digest)),
    ] {
        let signature = signature_of(key, &encoded);
        assert!(!public.verifies_pkcs1(HashFunction::Sha256, SIGNED, &signature), "{name}");
    }
}

#[test]
fn a_salt_is_as_long_as_the_hash() {
    let key = &KEYS[0];
    let public = public(key);
    let digest = Sha256::digest(SIGNED).to_vec();
    for salt_bytes in [0, 20, 31, 32, 33, 48, 64] {
        let signature = key.sign_with_rng(&mut OsRng, Pss::new_with_salt::<Sha256>(salt_bytes), &digest).unwrap();
        assert_eq!(public.verifies_pss(HashFunction::Sha256, SIGNED, &signature), salt_bytes == 32, "{salt_bytes}");
    }
}

/// Builds an encoded message by RFC 8017, section 9.1.1, with `change` applied to the unmasked block.
fn pss(bits: usize, change: impl FnOnce(&mut Vec<u8>), trailer: u8) -> Vec<u8> {
    let bytes = (bits - 1).div_ceil(8);
    let hash = HashFunction::Sha256;
    let salt = [7; 32];
    let digest = hash.digest(&[&[0; 8], &hash.digest(&[SIGNED]), &salt]);
    let mut block = [vec![0; bytes - 66], vec![1], salt.to_vec()].concat();
    change(&mut block);
    let mask = mask(hash, &digest, block.len());
    let mut masked: Vec<u8> = block.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    let unused = bytes * 8 - (bits - 1);
    masked[0] &= 0xff >> unused;
    [masked, digest, vec![trailer]].concat()
}

#[test]
fn a_masked_block_that_is_not_the_one_is_refused() {
    for key in KEYS.iter() {
        let public = public(key);
        let bits = key.n().bits();
        let holds = |encoded: &[u8]| public.verifies_pss(HashFunction::Sha256, SIGNED, &signature_of(key, encoded));
        assert!(holds(&pss(bits, |_| {}, 0xbc)));
        assert!(!holds(&pss(bits, |_| {}, 0xcc)), "trailer");
        assert!(!holds(&pss(bits, |block| block[5] = 1, 0xbc)), "padding");
        assert!(!holds(&pss(bits, |block| *block.iter_mut().find(|byte| **byte == 1).unwrap() = 2, 0xbc)), "separator");
        assert!(!holds(&pss(bits, |block| *block.last_mut().unwrap() = 8, 0xbc)), "salt");
        let mut above = pss(bits, |_| {}, 0xbc);
        // The highest bit that a number below the modulus can still have: for whole bytes it stands a byte further up.
        if (bits - 1) % 8 == 0 {
            above.insert(0, 1);
        } else {
            above[0] |= 0x80 >> (above.len() * 8 - bits);
        }
        if BigUint::from_bytes_be(&above) < *key.n() {
            assert!(!holds(&above), "unused bits");
        }
    }
}

#[test]
fn keys_that_cannot_be_trusted_are_refused() {
    let modulus = KEYS[0].n().to_bytes_be();
    let accepts = |modulus: &[u8], exponent: &[u8]| RsaKey::from_numbers(modulus, exponent).is_some();
    for exponent in [[3].as_slice(), &[17], &[1, 0, 1], &[0, 0, 1, 0, 1], &[0xff, 0xff, 0xff, 0xff]] {
        assert!(accepts(&modulus, exponent), "{exponent:?}");
    }
    for exponent in [[].as_slice(), &[0], &[1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1], &modulus] {
        assert!(!accepts(&modulus, exponent), "{exponent:?}");
    }
    assert!(accepts(&[&[0], modulus.as_slice()].concat(), &[3]));
    let mut even = modulus.clone();
    even[255] &= 0xfe;
    let mut short = modulus.clone();
    short[0] = 0x7f;
    for modulus in [even, short, modulus[..128].to_vec(), vec![0xff; 513], vec![0; 256], Vec::new()] {
        assert!(!accepts(&modulus, &[1, 0, 1]));
    }
}
