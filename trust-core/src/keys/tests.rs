mod secrets;
mod vectors;

use serde_json::json;

use super::*;

const RSA_MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn rsa(extra: &Value) -> Value {
    merged(json!({"kty": "RSA", "n": RSA_MODULUS, "e": "AQAB"}), extra)
}

fn p256(extra: &Value) -> Value {
    let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    merged(json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}), extra)
}

fn ed25519(extra: &Value) -> Value {
    merged(json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}), extra)
}

fn merged(mut key: Value, extra: &Value) -> Value {
    key.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    key
}

fn set(keys: &[Value]) -> Result<KeySet, InvalidJwks> {
    KeySet::from_jwks(json!({"keys": keys}).to_string().as_bytes(), KeyPurpose::PublicKeys)
}

fn check(keys: &KeySet, token: &UnverifiedToken) -> Result<(), InvalidToken> {
    keys.check_signature(token).map(|_| ())
}

fn token(algorithm: Algorithm, signed: String, signature: &str) -> UnverifiedToken {
    UnverifiedToken {
        signed,
        signature: signature.to_owned(),
        unverified_algorithm: algorithm,
        unverified_type: None,
        unverified_kid: None,
        unverified_claims: serde_json::Map::new(),
    }
}

/// RFC 7515, appendix A.2.
fn rs256() -> UnverifiedToken {
    token(
        Algorithm::RS256,
        format!("eyJhbGciOiJSUzI1NiJ9.{JOE}"),
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    )
}

/// RFC 7515, appendix A.3.
fn es256() -> UnverifiedToken {
    token(
        Algorithm::ES256,
        format!("eyJhbGciOiJFUzI1NiJ9.{JOE}"),
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    )
}

/// RFC 8037, appendix A.4.
fn eddsa() -> UnverifiedToken {
    token(
        Algorithm::EdDSA,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    )
}

#[test]
fn the_examples_of_the_rfcs_hold() {
    let keys = set(&[rsa(&json!({})), p256(&json!({})), ed25519(&json!({}))]).unwrap();
    for token in [rs256(), es256(), eddsa()] {
        assert_eq!(check(&keys, &token), Ok(()), "{:?}", token.unverified_algorithm);
    }
}

#[test]
fn a_changed_token_or_signature_does_not_hold() {
    let keys = set(&[rsa(&json!({})), p256(&json!({})), ed25519(&json!({}))]).unwrap();
    for token in [rs256(), es256(), eddsa()] {
        let changed = UnverifiedToken { signed: format!("{}A", token.signed), ..token };
        assert_eq!(check(&keys, &changed), Err(InvalidToken::Signature));
    }
    for signature in ["", "AA", "not base64url!", &"A".repeat(86), &format!("{}=", es256().signature)] {
        let forged = UnverifiedToken { signature: signature.to_owned(), ..es256() };
        assert_eq!(check(&keys, &forged), Err(InvalidToken::Signature), "{signature}");
    }
}

#[test]
fn a_key_serves_only_its_own_kind_name_and_algorithm() {
    let named = |kid: &str| UnverifiedToken { unverified_kid: Some(kid.to_owned()), ..rs256() };
    let keys = set(&[rsa(&json!({"kid": "a", "alg": "RS256"})), p256(&json!({"kid": "b"}))]).unwrap();
    assert_eq!(check(&keys, &named("a")), Ok(()));
    assert_eq!(check(&keys, &named("b")), Err(InvalidToken::UnknownKey), "a key of another kind");
    assert_eq!(check(&keys, &named("c")), Err(InvalidToken::UnknownKey));
    let as_ps256 = UnverifiedToken { unverified_algorithm: Algorithm::PS256, ..named("a") };
    assert_eq!(check(&keys, &as_ps256), Err(InvalidToken::UnknownKey), "a key of another algorithm");
    let twice = set(&[rsa(&json!({"kid": "a"})), rsa(&json!({"kid": "a"}))]).unwrap();
    assert_eq!(check(&twice, &named("a")), Err(InvalidToken::UnknownKey), "which of two is meant?");
}

#[test]
fn keys_that_cannot_verify_are_passed_over() {
    let short = BASE64_URL_SAFE_NO_PAD.encode([0xff; 128]);
    for unusable in [
        rsa(&json!({"use": "enc"})),
        rsa(&json!({"use": "SIG"})),
        rsa(&json!({"use": ["sig"]})),
        rsa(&json!({"key_ops": ["encrypt"]})),
        rsa(&json!({"key_ops": ["sign"]})),
        rsa(&json!({"key_ops": []})),
        rsa(&json!({"key_ops": "verify"})),
        rsa(&json!({"use": "enc", "key_ops": ["verify"]})),
        rsa(&json!({"alg": "ES256"})),
        rsa(&json!({"alg": "RSA-OAEP"})),
        rsa(&json!({"alg": "HS256"})),
        rsa(&json!({"alg": "none"})),
        rsa(&json!({"alg": null})),
        rsa(&json!({"alg": 256})),
        rsa(&json!({"kid": 1})),
        rsa(&json!({"kid": null})),
        rsa(&json!({"kid": ["a"]})),
        rsa(&json!({"kty": "rsa"})),
        rsa(&json!({"n": format!("{RSA_MODULUS}=")})),
        rsa(&json!({"e": "AQAB="})),
        rsa(&json!({"e": "AQAAAAE"})),
        rsa(&json!({"e": "AAE"})),
        rsa(&json!({"n": short})),
        rsa(&json!({"n": "***"})),
        rsa(&json!({"n": BASE64_URL_SAFE_NO_PAD.encode([0xff; 513])})),
        rsa(&json!({"e": "AQAA"})),
        rsa(&json!({"e": "AQ"})),
        rsa(&json!({"e": ""})),
        ed25519(&json!({"x": "AA"})),
        ed25519(&json!({"x": ""})),
        ed25519(&json!({"x": "A".repeat(44)})),
        p256(&json!({"x": "AA"})),
        p256(&json!({"y": BASE64_URL_SAFE_NO_PAD.encode([1; 33])})),
        p256(&json!({"crv": "P-384"})),
        p256(&json!({"crv": "secp256k1"})),
        p256(&json!({"alg": "ES384"})),
        p256(&json!({"x": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})),
        p256(&json!({"x": BASE64_URL_SAFE_NO_PAD.encode([0; 32]), "y": BASE64_URL_SAFE_NO_PAD.encode([0; 32])})),
        // The last bits, which nothing encodes, are not zero: a second spelling of the same coordinate.
        p256(&json!({"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEV"})),
        ed25519(&json!({"crv": "Ed448"})),
        ed25519(&json!({"crv": "X25519"})),
        ed25519(&json!({"alg": "ES256"})),
        ed25519(&json!({"x": BASE64_URL_SAFE_NO_PAD.encode([0; 32])})),
        ed25519(&json!({"x": BASE64_URL_SAFE_NO_PAD.encode([2; 32])})),
        json!({"kty": "oct", "k": "c2VjcmV0"}),
        json!({"kty": "NEW", "x": "y"}),
        json!({"kty": "RSA"}),
        json!("a"),
    ] {
        assert_eq!(set(std::slice::from_ref(&unusable)).unwrap_err(), InvalidJwks::NoUsableKey, "{unusable}");
        assert!(set(&[unusable, ed25519(&json!({}))]).is_ok());
    }
}

#[test]
fn broken_key_sets_are_refused() {
    for (bytes, expected) in [
        ("", InvalidJwks::Form),
        ("[]", InvalidJwks::Form),
        ("[[]]", InvalidJwks::Form),
        (r#"{"keys": {}}"#, InvalidJwks::Form),
        (r#"{"keys": []}"#, InvalidJwks::NoUsableKey),
    ] {
        assert_eq!(KeySet::from_jwks(bytes.as_bytes(), KeyPurpose::PublicKeys).unwrap_err(), expected);
    }
    let too_large = KeySet::from_jwks(&vec![b' '; MAX_JWKS_BYTES + 1], KeyPurpose::PublicKeys).unwrap_err();
    assert_eq!(too_large, InvalidJwks::TooLarge);
}

#[test]
fn a_name_for_keys_of_two_types_stands_for_neither() {
    let named = |kid: &str, token: UnverifiedToken| UnverifiedToken { unverified_kid: Some(kid.to_owned()), ..token };
    let p384 = json!({"kty": "EC", "crv": "P-384", "kid": "a", "x": "AA", "y": "AA"});
    for other in
        [p256(&json!({"kid": "a"})), p256(&json!({"kid": "a", "use": "enc"})), p384, json!({"kty": "X", "kid": "a"})]
    {
        let keys = set(&[rsa(&json!({"kid": "a"})), other, ed25519(&json!({"kid": "b"}))]).unwrap();
        assert_eq!(check(&keys, &named("a", rs256())), Err(InvalidToken::UnknownKey));
        assert_eq!(check(&keys, &named("a", es256())), Err(InvalidToken::UnknownKey));
        assert_eq!(check(&keys, &rs256()), Err(InvalidToken::UnknownKey), "nor for a token that names none");
        assert_eq!(check(&keys, &named("b", eddsa())), Ok(()));
    }
    let twice = [rsa(&json!({"kid": "a", "alg": "RS256"})), rsa(&json!({"kid": "a", "alg": "PS256"}))];
    assert_eq!(check(&set(&twice).unwrap(), &named("a", rs256())), Ok(()), "the algorithm tells which is meant");
}

#[test]
fn a_key_that_names_its_algorithm_serves_no_other() {
    let keys = set(&[rsa(&json!({"alg": "RS512"}))]).unwrap();
    assert_eq!(check(&keys, &rs256()), Err(InvalidToken::UnknownKey));
    let key = keys.iter().next().unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(rs256().signature).unwrap();
    let verify = |key: &VerifyingKey, algorithm| key.verify(algorithm, rs256().signed.as_bytes(), &signature);
    assert_eq!(verify(key, Algorithm::RS256), Err(InvalidToken::Signature));
    let keys = set(&[rsa(&json!({"use": "sig", "key_ops": ["verify"]}))]).unwrap();
    assert_eq!(verify(keys.iter().next().unwrap(), Algorithm::RS256), Ok(()));
    for algorithm in [Algorithm::PS256, Algorithm::RS384, Algorithm::ES256, Algorithm::EdDSA, Algorithm::HS256] {
        assert_eq!(verify(keys.iter().next().unwrap(), algorithm), Err(InvalidToken::Signature));
    }
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    let of = |key: Value| BASE64_URL_SAFE_NO_PAD.encode(set(&[key]).unwrap().iter().next().unwrap().thumbprint());
    let example = json!({
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    });
    assert_eq!(of(example), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "RFC 7638, section 3.1");
    assert_eq!(of(ed25519(&json!({}))), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "RFC 8037, appendix A.3");
    let zeros_before = BASE64_URL_SAFE_NO_PAD.encode([0, 0, 1, 0, 1]);
    assert_eq!(of(rsa(&json!({"e": zeros_before}))), of(rsa(&json!({}))), "one key has one thumbprint");
}
