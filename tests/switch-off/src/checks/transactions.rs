//! The gate's word, as what stands behind it reads it.

use super::{Check, check};

const FILE: &str = "transaction_token.rs";

pub(super) const CHECKS: &[Check] = &[
    check(
        "the length of a transaction token",
        FILE,
        "if token.len() > MAX_TOKEN_BYTES { return Err(InvalidTransactionToken::Form); }",
        "",
    ),
    check("the algorithm of a transaction token", FILE, "if header.alg != \"HS256\" || header.typ", "if header.typ"),
    check(
        "the type of a transaction token",
        FILE,
        "|| header.typ != TYPE { return Err(InvalidTransactionToken::Form); }",
        "{ return Err(InvalidTransactionToken::Form); }",
    ),
    check(
        "the key of a transaction token",
        FILE,
        "find(|key| key.kid == header.kid).ok_or(InvalidTransactionToken::UnknownKey)?",
        "next().ok_or(InvalidTransactionToken::UnknownKey)?",
    ),
    check(
        "one spelling of a transaction token",
        FILE,
        "BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| InvalidTransactionToken::Form)?",
        "BASE64_URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')).map_err(|_| InvalidTransactionToken::Form)?",
    ),
    check(
        "the signature of a transaction token",
        FILE,
        ".verify_slice(&signature) .map_err(|_| InvalidTransactionToken::Signature)?;",
        ".verify_slice(&signature).ok();",
    ),
    check(
        "the whole MAC of a transaction token",
        FILE,
        ".verify_slice(&signature)",
        ".verify_truncated_left(&signature)",
    ),
    check(
        "the audience of a transaction token",
        FILE,
        "if claims.aud != keys.audience { return Err(InvalidTransactionToken::Audience); }",
        "",
    ),
    check("the end of a transaction token", FILE, "if claims.exp <= now.0 || claims.iat", "if claims.iat"),
    check(
        "the beginning of a transaction token",
        FILE,
        "|| claims.iat > now.plus(CLOCK_SKEW_SECONDS).0 { return Err(InvalidTransactionToken::Time); }",
        "{ return Err(InvalidTransactionToken::Time); }",
    ),
    check("the method of a transaction token", FILE, "self.tctx.method == method &&", "!method.is_empty() &&"),
    check(
        "the host of a transaction token",
        FILE,
        "&& self.tctx.host.eq_ignore_ascii_case(host) &&",
        "&& !host.is_empty() &&",
    ),
    check("the target of a transaction token", FILE, "&& self.tctx.target == target", "&& !target.is_empty()"),
];
