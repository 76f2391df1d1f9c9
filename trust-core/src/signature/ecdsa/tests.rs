use p256::ecdsa::signature::hazmat::PrehashSigner;

use super::*;

/// The order of P-256, the highest byte first (SEC 2, section 2.4.2).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn coordinates(point: &[u8]) -> (&[u8], &[u8]) {
    point[1..].split_at(point.len() / 2)
}

fn p256_pair() -> (p256::ecdsa::SigningKey, EcdsaKey) {
    let signer = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let point = signer.verifying_key().to_sec1_point(false);
    let (x, y) = coordinates(point.as_bytes());
    let key = EcdsaKey::from_coordinates(Curve::P256, x, y).unwrap();
    (signer, key)
}

fn p256_signature(signer: &p256::ecdsa::SigningKey, signed: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::Signature = signer.sign_prehash(&Curve::P256.hash().digest(&[signed])).unwrap();
    signature.to_bytes().to_vec()
}

#[test]
fn numbers_out_of_range_are_refused() {
    let (signer, key) = p256_pair();
    let good = p256_signature(&signer, b"a");
    assert!(key.verifies(b"a", &good) && !key.verifies(b"b", &good));
    let (r, s) = good.split_at(32);
    let zero = [0; 32];
    let above = [&ORDER[..31], &[0x52]].concat();
    for (name, r, s) in [
        ("r = 0", zero.as_slice(), s),
        ("s = 0", r, zero.as_slice()),
        ("both 0", &zero, &zero),
        ("r = n", &ORDER, s),
        ("s = n", r, &ORDER),
        ("r = n + 1", &above, s),
        ("s = n + 1", r, &above),
        ("r = 2^256 - 1", &[0xff; 32], s),
        ("exchanged", s, r),
    ] {
        assert!(!key.verifies(b"a", &[r, s].concat()), "{name}");
    }
}

#[test]
fn a_signature_is_as_long_as_it_must_be() {
    let (signer, key) = p256_pair();
    let good = p256_signature(&signer, b"a");
    let (r, s) = good.split_at(32);
    let der = [&[0x30, 0x44, 0x02, 0x20], r, &[0x02, 0x20], s].concat();
    for bad in
        [&good[1..], &good[..63], &[good.as_slice(), &[0]].concat(), &[&[0], good.as_slice()].concat(), &[], &der]
    {
        assert!(!key.verifies(b"a", bad), "{bad:02x?}");
    }
    // Where r begins with a zero, the zero belongs to it.
    let signed = (0_u32..).map(u32::to_be_bytes).find(|signed| p256_signature(&signer, signed)[0] == 0).unwrap();
    let good = p256_signature(&signer, &signed);
    assert!(key.verifies(&signed, &good) && !key.verifies(&signed, &good[1..]));
}

#[test]
fn every_curve_verifies_what_its_library_signs() {
    let signer = p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap();
    let point = signer.verifying_key().to_sec1_point(false);
    let (x, y) = coordinates(point.as_bytes());
    let key = EcdsaKey::from_coordinates(Curve::P384, x, y).unwrap();
    let signature: p384::ecdsa::Signature = signer.sign_prehash(&Curve::P384.hash().digest(&[b"a"])).unwrap();
    assert!(key.verifies(b"a", &signature.to_bytes()) && !key.verifies(b"b", &signature.to_bytes()));

    let signer = p521::ecdsa::SigningKey::from_slice(&[[0].as_slice(), &[7; 65]].concat()).unwrap();
    let point = signer.verifying_key().to_sec1_point(false);
    let (x, y) = coordinates(point.as_bytes());
    let key = EcdsaKey::from_coordinates(Curve::P521, x, y).unwrap();
    let signature: p521::ecdsa::Signature = signer.sign_prehash(&Curve::P521.hash().digest(&[b"a"])).unwrap();
    assert!(key.verifies(b"a", &signature.to_bytes()) && !key.verifies(b"b", &signature.to_bytes()));
}

#[test]
fn a_point_lies_on_its_curve() {
    let signer = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let point = signer.verifying_key().to_sec1_point(false);
    let (x, y) = coordinates(point.as_bytes());
    let mut off = y.to_vec();
    off[31] ^= 1;
    let long = [&[0], x].concat();
    for (curve, x, y) in [
        (Curve::P256, x, off.as_slice()),
        (Curve::P256, y, x),
        (Curve::P256, &[0; 32], &[0; 32]),
        (Curve::P256, &[0xff; 32], y),
        (Curve::P256, &x[1..], y),
        (Curve::P256, long.as_slice(), y),
        (Curve::P256, &[], &[]),
        (Curve::P384, x, y),
        (Curve::P384, &[0; 48], &[0; 48]),
        (Curve::P521, &[0; 66], &[0; 66]),
    ] {
        assert!(EcdsaKey::from_coordinates(curve, x, y).is_none(), "{curve:?} {x:02x?}");
    }
}
