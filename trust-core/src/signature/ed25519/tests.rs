use std::collections::BTreeSet;

use ed25519_dalek::{Signer, SigningKey};

use super::*;

/// The group's order, the lowest byte first (RFC 8032, section 5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

#[test]
fn the_list_of_small_orders_is_whole() {
    let distinct = SMALL_ORDER.iter().collect::<BTreeSet<_>>();
    assert_eq!(distinct.len(), 8, "the torsion group has eight elements");
    for point in SMALL_ORDER {
        let key = VerifyingKey::from_bytes(&point).unwrap();
        assert!(key.is_weak());
        assert_eq!(key.to_edwards().compress().as_bytes(), &point, "canonical");
        assert!(Ed25519Key::from_bytes(&point).is_none());
    }
}

#[test]
fn what_holds_strictly_holds_here() {
    let key = Ed25519Key::from_bytes(signer().verifying_key().as_bytes()).unwrap();
    let good = signer().sign(b"a").to_bytes();
    assert!(key.verifies(b"a", &good) && !key.verifies(b"b", &good));
    let (r, s) = good.split_at(32);
    // The same s, once more around the group: a second spelling of the same signature.
    let mut carry = 0;
    let other_s: Vec<u8> = s
        .iter()
        .zip(ORDER)
        .map(|(digit, order)| {
            let sum = u16::from(*digit) + u16::from(order) + carry;
            carry = sum >> 8;
            sum as u8
        })
        .collect();
    let small: Vec<_> = SMALL_ORDER.iter().map(|point| [point, s].concat()).collect();
    let mut bad = vec![[r, &other_s].concat(), [r, &ORDER].concat(), [s, r].concat(), good[1..].to_vec(), Vec::new()];
    bad.extend(small);
    bad.push([good.as_slice(), &[0]].concat());
    for bad in bad {
        assert!(!key.verifies(b"a", &bad), "{bad:02x?}");
    }
}

#[test]
fn a_small_order_point_in_a_signature_is_refused_where_the_plain_equation_holds() {
    // With the neutral element for R, s = k * a solves the equation for whoever knows the secret key: the plain check takes
    // it, the strict one does not.
    let key = Ed25519Key::from_bytes(signer().verifying_key().as_bytes()).unwrap();
    let forged = [SMALL_ORDER[0], [0; 32]].concat();
    assert!(!key.verifies(b"a", &forged));
    // A key of small order takes R = neutral, s = 0 for any message: such keys never come in.
    let weak = VerifyingKey::from_bytes(&SMALL_ORDER[0]).unwrap();
    assert!(weak.verify(b"anything", &Signature::from_slice(&forged).unwrap()).is_ok());
}

#[test]
fn encodings_that_are_no_points_are_refused() {
    let mut non_canonical = [0xff; 32];
    non_canonical[31] = 0x7f;
    let no_point = (0_u8..).find(|byte| VerifyingKey::from_bytes(&[*byte; 32]).is_err()).unwrap();
    // p + y for a y of 2 to 18 where there is such a point: a second spelling of a point of large order.
    let spelled_twice = (2_u8..=18)
        .map(|y| [[0xed + y].as_slice(), &[0xff; 30], &[0x7f]].concat())
        .filter(|bytes| VerifyingKey::from_bytes(bytes.as_slice().try_into().unwrap()).is_ok());
    for bytes in spelled_twice.chain([non_canonical.to_vec(), vec![no_point; 32], vec![1; 31], vec![1; 33], Vec::new()])
    {
        assert!(Ed25519Key::from_bytes(&bytes).is_none(), "{bytes:02x?}");
    }
}
