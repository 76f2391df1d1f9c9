use proptest::collection::vec;
use proptest::prelude::*;
use rsa::BigUint;

use super::*;

/// What the library makes of it, in as many bytes as the modulus has.
fn expected(modulus: &[u8], base: &[u8], exponent: u32) -> Vec<u8> {
    let power = BigUint::from_bytes_be(base).modpow(&BigUint::from(exponent), &BigUint::from_bytes_be(modulus));
    let significant = power.to_bytes_be();
    let mut bytes = vec![0; modulus.len() - significant.len()];
    bytes.extend(significant);
    bytes
}

fn minus(number: &[u8], less: u32) -> Vec<u8> {
    (BigUint::from_bytes_be(number) - BigUint::from(less)).to_bytes_be()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn powers_are_those_of_the_library(
        mut modulus in vec(any::<u8>(), 4..=512),
        base in vec(any::<u8>(), 512),
        exponent in any::<u32>(),
        extreme in 0..4,
    ) {
        let last = modulus.len() - 1;
        modulus[last] |= 1;
        modulus[0] |= 1;
        // Long runs of ones and zeros are where carries go wrong.
        match extreme {
            0 => modulus[..last].fill(0xff),
            1 => modulus[1..last].fill(0),
            _ => {}
        }
        let base = BigUint::from_bytes_be(&base) % BigUint::from_bytes_be(&modulus);
        let mut padded = vec![0; modulus.len() - base.to_bytes_be().len()];
        padded.extend(base.to_bytes_be());
        let exponent = exponent | 1;
        prop_assume!(exponent > 1);
        let power = Modulus::from_bytes(&modulus).unwrap().power(&padded, exponent);
        prop_assert_eq!(power, Some(expected(&modulus, &padded, exponent)));
    }
}

#[test]
fn the_ends_of_the_range_are_right() {
    for modulus in [vec![0xff; 256], vec![0xff; 512], [vec![0x80], vec![0; 254], vec![1]].concat()] {
        let worked = Modulus::from_bytes(&modulus).unwrap();
        let zero = vec![0; modulus.len()];
        let one = [vec![0; modulus.len() - 1], vec![1]].concat();
        for base in [zero, one, minus(&modulus, 1), minus(&modulus, 2)] {
            for exponent in [3, 17, 65_537, u32::MAX] {
                assert_eq!(worked.power(&base, exponent), Some(expected(&modulus, &base, exponent)));
            }
        }
    }
}

#[test]
fn a_base_that_is_no_residue_has_no_power() {
    let modulus = vec![0xfd; 256];
    let worked = Modulus::from_bytes(&modulus).unwrap();
    assert!(worked.power(&minus(&modulus, 1), 3).is_some());
    for base in [modulus.clone(), vec![0xff; 256], vec![1; 255], vec![0; 257], Vec::new()] {
        assert_eq!(worked.power(&base, 3), None);
    }
}

#[test]
fn an_even_modulus_is_refused() {
    for modulus in [vec![0xfe; 256], vec![0xff; 513], [vec![0], vec![0xff; 255]].concat(), Vec::new()] {
        assert!(Modulus::from_bytes(&modulus).is_none());
    }
}
