//! Keys that are fit for use.

use super::{Check, check, edit};

const KEYS: &str = "keys.rs";
const PUBLIC: &str = "keys/public.rs";
const SECRET: &str = "keys/secret.rs";

pub(super) const CHECKS: &[Check] = &[
    check("the size of a key set", KEYS, "if bytes.len() > MAX_JWKS_BYTES { return Err(InvalidJwks::TooLarge); }", ""),
    check("a key set that is an object", "json_object.rs", "deserializer.deserialize_map(ObjectVisitor(PhantomData))", "T::deserialize(deserializer).map(Object)"),
    check("a key set of no use", KEYS, "if keys.is_empty() { Err(InvalidJwks::NoUsableKey) } else { Ok(Self { keys }) }", "Ok(Self { keys })"),
    check(
        "a name for keys of two types",
        KEYS,
        "if is_ambiguous { Err(Unfit::AmbiguousKid) } else { public::verifying_key(entry) }",
        "{ let _ = is_ambiguous; public::verifying_key(entry) }",
    ),
    check(
        "a name that is no text",
        PUBLIC,
        "if entry.get(\"kid\").is_some_and(|kid| !kid.is_string()) { return Err(Unfit::Kid); }",
        "",
    )
    .before(&[edit(
        PUBLIC,
        "let jwk = Jwk::deserialize(entry)",
        "let mut nameless = entry.clone(); if entry.get(\"kid\").is_some_and(|kid| !kid.is_string()) && let Some(members) = nameless.as_object_mut() { members.remove(\"kid\"); } let jwk = Jwk::deserialize(&nameless)",
    )]),
    check("what a key is for", PUBLIC, "if entry.get(\"use\").is_some_and(|purpose| !purpose.is_null() && *purpose != *\"sig\") { return Err(Unfit::Use); }", ""),
    check("the algorithm that a key is for", PUBLIC, "Some(name.as_str().and_then(Algorithm::named).ok_or(Unfit::Algorithm)?)", "name.as_str().and_then(Algorithm::named)"),
    check("the type of a key", PUBLIC, "_ => return Err(Unfit::Type),", "_ => {}").before(&[edit(
        PUBLIC,
        "AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 =>",
        "AlgorithmParameters::OctetKeyPair(pair) =>",
    )]),
    check(
        "what a key may do",
        PUBLIC,
        "if jwk.common.key_operations.is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) { return Err(Unfit::Operations); }",
        "",
    ),
    check(
        "an algorithm of the key's own type",
        PUBLIC,
        "if algorithm.is_some_and(|algorithm| !key.serves(algorithm)) { return Err(Unfit::AlgorithmOfAnotherType); }",
        "",
    ),
    check("one spelling of a key", PUBLIC, "BASE64_URL_SAFE_NO_PAD.decode(encoded).ok() }", "BASE64_URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).ok() }"),
    check("RSA keys that are too short", "signature/rsa.rs", "2048..=4096", "1024..=4096"),
    check("RSA keys that are too long", "signature/rsa.rs", "2048..=4096", "2048..=8192").before(&[edit(
        "signature/montgomery.rs",
        "|| bytes.len() > 512 ||",
        "||",
    )]),
    check("an RSA exponent of one", "signature/rsa.rs", "&& exponent > 1 &&", "&&"),
    check("an even RSA exponent", "signature/rsa.rs", "&& exponent & 1 == 1", ""),
    check(
        "the length of coordinates",
        "signature/ecdsa.rs",
        "if x.len() != curve.coordinate_bytes() || y.len() != curve.coordinate_bytes() { return None; }",
        "",
    ),
    check("Ed25519 points in one spelling", "signature/ed25519.rs", "(is_canonical && !key.is_weak())", "(!key.is_weak())"),
    check("Ed25519 keys of small order", "signature/ed25519.rs", "(is_canonical && !key.is_weak())", "is_canonical"),
    check("nothing but secrets", SECRET, "if set.keys.iter().any(|Object(entry)| entry.kty != \"oct\") { return Err(InvalidJwks::SecretsAmongOthers); }", ""),
    check("secrets that are public", SECRET, "if is_public(&secret) { return Err(InvalidJwks::PublicSecret); }", ""),
    check("a secret that is a PEM file", SECRET, "is_pem || is_jwk", "is_jwk"),
    check("a secret that is a JWK", SECRET, "is_pem || is_jwk ||", "is_pem ||"),
    check("a secret that is DER in base64", SECRET, "|| is_base64_der ||", "||"),
    check("a secret that is DER", SECRET, "|| is_der_key(secret) ||", "||"),
    check("a secret that is a point", SECRET, "|| is_point(secret)", ""),
    check("what a secret is for", SECRET, "if entry.purpose.is_some_and(|purpose| purpose != \"sig\") { return Err(Unfit::Use); }", ""),
    check(
        "what a secret may do",
        SECRET,
        "if entry.key_ops.is_some_and(|operations| !operations.iter().any(|operation| operation == \"verify\")) { return Err(Unfit::Operations); }",
        "",
    ),
    check("the algorithm that a secret is for", SECRET, "Some(Algorithm::named(&name).ok_or(Unfit::Algorithm)?)", "Algorithm::named(&name)"),
    check("the length of a secret", SECRET, "if secret.len() < MIN_SECRET_BYTES { return Err(Unfit::ShortSecret); }", ""),
    check(
        "an algorithm of secrets",
        SECRET,
        "if algorithm.is_some_and(|algorithm| !key.serves(algorithm)) { return Err(Unfit::AlgorithmOfAnotherType); }",
        "",
    ),
    check(
        "one spelling of a secret",
        SECRET,
        "BASE64_URL_SAFE_NO_PAD.decode(encoded.as_bytes()).map_err(|_| InvalidJwks::Form)?",
        "BASE64_URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=').as_bytes()).map_err(|_| InvalidJwks::Form)?",
    ),
];
