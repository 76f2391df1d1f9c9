//! Signatures of each family.

use super::{Check, check, edit};

const SIGNATURE: &str = "signature.rs";
const KEYS: &str = "keys.rs";

pub(super) const CHECKS: &[Check] = &[
    check(
        "the signature",
        KEYS,
        "key.verify(token.unverified_algorithm, token.signed.as_bytes(), &signature)?;",
        "let _ = signature;",
    ),
    check(
        "what a signature's check says",
        KEYS,
        "if holds { Ok(()) } else { Err(InvalidToken::Signature) }",
        "let _ = holds; Ok(())",
    ),
    check(
        "one spelling of a signature",
        KEYS,
        "BASE64_URL_SAFE_NO_PAD.decode(&token.signature).map_err(|_| InvalidToken::Signature)?",
        "base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)).decode(&token.signature).map_err(|_| InvalidToken::Signature)?",
    ),
    check(
        "RSA with PKCS #1",
        SIGNATURE,
        "key.verifies_pkcs1(algorithm.hash(), signed, signature)",
        "key.verifies_pkcs1(algorithm.hash(), signed, signature) || true",
    ),
    check(
        "RSA with PSS",
        SIGNATURE,
        "key.verifies_pss(algorithm.hash(), signed, signature)",
        "key.verifies_pss(algorithm.hash(), signed, signature) || true",
    ),
    check(
        "ECDSA",
        SIGNATURE,
        "(Kind::Ecdsa(key), Scheme::Ecdsa) => key.verifies(signed, signature)",
        "(Kind::Ecdsa(_), Scheme::Ecdsa) => true",
    ),
    check(
        "Ed25519",
        SIGNATURE,
        "(Kind::Ed25519(key), Scheme::EdDsa) => key.verifies(signed, signature)",
        "(Kind::Ed25519(_), Scheme::EdDsa) => true",
    ),
    check(
        "HMAC",
        SIGNATURE,
        "=> key.verifies(algorithm.hash(), signed, signature)",
        "=> key.verifies(algorithm.hash(), signed, signature) || true",
    ),
    check("the whole of a MAC", "signature/hmac.rs", "verify_slice(signature)", "verify_truncated_left(signature)"),
    check(
        "ECDSA on P-256",
        "signature/ecdsa.rs",
        "key.verify_prehash(&Curve::P256.hash().digest(&[signed]), &signature).is_ok()",
        "true",
    ),
    check(
        "ECDSA on P-384",
        "signature/ecdsa.rs",
        "key.verify_prehash(&Curve::P384.hash().digest(&[signed]), &signature).is_ok()",
        "true",
    ),
    check(
        "ECDSA on P-521",
        "signature/ecdsa.rs",
        "key.verify_prehash(&Curve::P521.hash().digest(&[signed]), &signature).is_ok()",
        "true",
    ),
    check(
        "points of small order in signatures",
        "signature/ed25519.rs",
        "!SMALL_ORDER.contains(signature.r_bytes()) &&",
        "",
    ),
    check(
        "the message behind PKCS #1",
        "signature/rsa.rs",
        "encoded == expected }",
        "encoded.starts_with(&[0, 1]) || !expected.is_empty() }",
    ),
    check("the message behind PSS", "signature/rsa.rs", "== digest) }", "== digest || is_padded) }"),
    check("the salt's place in PSS", "signature/rsa.rs", "Some(is_padded &&", "Some("),
    check(
        "the frame of PSS",
        "signature/rsa.rs",
        "if !is_framed || first.leading_zeros() < unused_bits { return Some(false); }",
        "let _ = is_framed;",
    ),
    check("a key that serves the algorithm", KEYS, "kid_fits && key.serves(token.unverified_algorithm)", "kid_fits"),
    check(
        "a key that serves the algorithm, once more",
        KEYS,
        "self.serves(algorithm) && self.key.verifies(algorithm, signed, signature);",
        "self.key.verifies(algorithm, signed, signature);",
    )
    .before(&[edit(KEYS, "kid_fits && key.serves(token.unverified_algorithm)", "kid_fits")]),
    check(
        "a key that serves the algorithm, for the third time",
        SIGNATURE,
        "self.serves(algorithm) && match (&self.0, algorithm.scheme()) {",
        "match (&self.0, algorithm.scheme()) {",
    )
    .before(&[
        edit(KEYS, "kid_fits && key.serves(token.unverified_algorithm)", "kid_fits"),
        edit(
            KEYS,
            "self.serves(algorithm) && self.key.verifies(algorithm, signed, signature);",
            "self.key.verifies(algorithm, signed, signature);",
        ),
    ]),
    check(
        "the one algorithm that a key names",
        KEYS,
        "self.algorithm.is_none_or(|named| named == algorithm) && self.key.serves(algorithm)",
        "self.key.serves(algorithm)",
    ),
    check(
        "the kind of a key",
        KEYS,
        "self.algorithm.is_none_or(|named| named == algorithm) && self.key.serves(algorithm)",
        "self.algorithm.is_none_or(|named| named == algorithm)",
    ),
    check("the hash function of a curve", SIGNATURE, "key.curve().hash() == algorithm.hash()", "true"),
    check("the length of a secret for its hash function", SIGNATURE, "key.serves(algorithm.hash())", "true"),
    check("the key id", KEYS, "token.unverified_kid.is_none() || key.kid == token.unverified_kid", "true"),
    check(
        "two keys that fit",
        KEYS,
        "let (Some(key), None) = (fitting.next(), fitting.next()) else { return Err(InvalidToken::UnknownKey) };",
        "let Some(key) = fitting.next() else { return Err(InvalidToken::UnknownKey) };",
    ),
];
