use jsonwebtoken::Algorithm;
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
    KeySet::from_jwks(json!({"keys": keys}).to_string().as_bytes())
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
        assert_eq!(keys.check_signature(&token), Ok(()), "{:?}", token.unverified_algorithm);
    }
}

#[test]
fn a_changed_token_or_signature_does_not_hold() {
    let keys = set(&[rsa(&json!({})), p256(&json!({})), ed25519(&json!({}))]).unwrap();
    for token in [rs256(), es256(), eddsa()] {
        let changed = UnverifiedToken { signed: format!("{}A", token.signed), ..token };
        assert_eq!(keys.check_signature(&changed), Err(InvalidToken::Signature));
    }
    for signature in ["", "AA", "not base64url!", &"A".repeat(86), &format!("{}=", es256().signature)] {
        let forged = UnverifiedToken { signature: signature.to_owned(), ..es256() };
        assert_eq!(keys.check_signature(&forged), Err(InvalidToken::Signature), "{signature}");
    }
}

#[test]
fn a_key_serves_only_its_own_kind_name_and_algorithm() {
    let named = |kid: &str| UnverifiedToken { unverified_kid: Some(kid.to_owned()), ..rs256() };
    let keys = set(&[rsa(&json!({"kid": "a", "alg": "RS256"})), p256(&json!({"kid": "b"}))]).unwrap();
    assert_eq!(keys.check_signature(&named("a")), Ok(()));
    assert_eq!(keys.check_signature(&named("b")), Err(InvalidToken::UnknownKey), "a key of another kind");
    assert_eq!(keys.check_signature(&named("c")), Err(InvalidToken::UnknownKey));
    let as_ps256 = UnverifiedToken { unverified_algorithm: Algorithm::PS256, ..named("a") };
    assert_eq!(keys.check_signature(&as_ps256), Err(InvalidToken::UnknownKey), "a key of another algorithm");
    let twice = set(&[rsa(&json!({"kid": "a"})), rsa(&json!({"kid": "a"}))]).unwrap();
    assert_eq!(twice.check_signature(&named("a")), Err(InvalidToken::UnknownKey), "which of two is meant?");
}

#[test]
fn keys_that_cannot_verify_are_passed_over() {
    let short = BASE64_URL_SAFE_NO_PAD.encode([0xff; 128]);
    for unusable in [
        rsa(&json!({"use": "enc"})),
        rsa(&json!({"key_ops": ["encrypt"]})),
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
        (r#"{"keys": {}}"#, InvalidJwks::Form),
        (r#"{"keys": []}"#, InvalidJwks::NoUsableKey),
    ] {
        assert_eq!(KeySet::from_jwks(bytes.as_bytes()).unwrap_err(), expected);
    }
    assert_eq!(KeySet::from_jwks(&vec![b' '; MAX_JWKS_BYTES + 1]).unwrap_err(), InvalidJwks::TooLarge);
}
