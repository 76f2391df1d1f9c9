use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::super::*;

/// RFC 8037, appendix A.2, as `openssl pkey -pubout` writes it.
const PUBLIC_PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
const PUBLIC_DER_BASE64: &str = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

fn secret(bytes: &[u8], extra: &Value) -> Value {
    let mut key = json!({"kty": "oct", "k": BASE64_URL_SAFE_NO_PAD.encode(bytes)});
    key.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    key
}

fn set(keys: &[Value]) -> Result<KeySet, InvalidJwks> {
    KeySet::from_jwks(json!({"keys": keys}).to_string().as_bytes(), KeyPurpose::SharedSecrets)
}

fn serves(key: &Value) -> Vec<Algorithm> {
    let Ok(keys) = set(std::slice::from_ref(key)) else { return Vec::new() };
    let key = keys.iter().next().unwrap();
    Algorithm::WITH_SHARED_SECRET
        .into_iter()
        .chain(Algorithm::WITH_PUBLIC_KEY)
        .filter(|algorithm| key.serves(*algorithm))
        .collect()
}

#[test]
fn a_secret_is_as_long_as_the_hash_that_it_serves() {
    use Algorithm::{HS256, HS384, HS512};
    for (bytes, expected) in [
        (0, vec![]),
        (31, vec![]),
        (32, vec![HS256]),
        (47, vec![HS256]),
        (48, vec![HS256, HS384]),
        (63, vec![HS256, HS384]),
        (64, vec![HS256, HS384, HS512]),
        (200, vec![HS256, HS384, HS512]),
    ] {
        assert_eq!(serves(&secret(&vec![0x5a; bytes], &json!({}))), expected, "{bytes}");
    }
    assert_eq!(serves(&secret(&[0x5a; 64], &json!({"alg": "HS384"}))), [HS384]);
}

#[test]
fn secrets_that_are_not_for_signatures_are_passed_over() {
    for extra in [
        json!({"use": "enc"}),
        json!({"key_ops": ["sign"]}),
        json!({"alg": "A256KW"}),
        json!({"alg": "RS256"}),
        json!({"alg": "HS512"}),
    ] {
        assert_eq!(set(&[secret(&[0x5a; 32], &extra)]).unwrap_err(), InvalidJwks::NoUsableKey, "{extra}");
    }
    assert!(set(&[secret(&[0x5a; 32], &json!({"use": "sig", "key_ops": ["sign", "verify"], "alg": "HS256"}))]).is_ok());
}

#[test]
fn a_set_of_secrets_holds_nothing_else() {
    let good = secret(&[0x5a; 32], &json!({}));
    let public = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    for other in [public, json!({"kty": "RSA", "use": "enc"}), json!({"kty": "OCT"})] {
        assert_eq!(set(&[good.clone(), other]).unwrap_err(), InvalidJwks::SecretsAmongOthers);
    }
    for broken in [
        json!({"kty": "oct"}),
        json!({"kty": "oct", "k": "***"}),
        json!({"kty": "oct", "k": "AB="}),
        json!({}),
        json!(1),
    ] {
        assert_eq!(set(&[good.clone(), broken]).unwrap_err(), InvalidJwks::Form);
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let der = BASE64_STANDARD.decode(PUBLIC_DER_BASE64).unwrap();
    // The outer frames of a certificate and of an RSAPublicKey.
    let certificate = [&[0x30, 0x82, 0x01, 0x00, 0x30, 0x81, 0xf0], [0x5a; 253].as_slice()].concat();
    let rsa =
        [&[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00], [0x5a; 256].as_slice(), &[2, 3, 1, 0, 1]].concat();
    let point = [
        &[4],
        BASE64_URL_SAFE_NO_PAD.decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU").unwrap().as_slice(),
        &BASE64_URL_SAFE_NO_PAD.decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0").unwrap(),
    ]
    .concat();
    let lines = PUBLIC_DER_BASE64.replace("/", "/\n");
    for (name, bytes) in [
        ("PEM", PUBLIC_PEM.as_bytes()),
        ("PEM without its last line break", PUBLIC_PEM.trim().as_bytes()),
        ("PEM behind other text", format!("key: {PUBLIC_PEM}").as_bytes()),
        ("a certificate in PEM", b"-----BEGIN CERTIFICATE-----\nMIIB"),
        ("DER", &der),
        ("a certificate in DER", &certificate),
        ("RSAPublicKey in DER", &rsa),
        ("the base64 of DER, as consoles show it", PUBLIC_DER_BASE64.as_bytes()),
        ("the same without padding", PUBLIC_DER_BASE64.trim_end_matches('=').as_bytes()),
        ("the same in lines", lines.as_bytes()),
        ("a JWK", br#"{ "kty" : "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }"#),
        ("a point", &point),
    ] {
        let keys = [secret(&[0x5a; 32], &json!({})), secret(bytes, &json!({}))];
        assert_eq!(set(&keys).unwrap_err(), InvalidJwks::PublicSecret, "{name}");
    }
    let mut off_the_curve = point;
    off_the_curve[64] ^= 1;
    for bytes in
        [off_the_curve.as_slice(), &[0x30; 64], &[4; 65], b"correct horse battery staple, as they say", &der[..43]]
    {
        assert!(set(&[secret(bytes, &json!({}))]).is_ok(), "{bytes:02x?}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let keys = set(&[secret(&[0x5a; 32], &json!({"kid": "a"}))]).unwrap();
    assert_eq!(format!("{keys:?}"), r#"[Some("a")]"#);
}

#[test]
fn public_keys_and_secrets_are_never_read_for_one_another() {
    let both = json!({"keys": [
        secret(&[0x5a; 32], &json!({"kid": "a"})),
        {"kty": "OKP", "kid": "b", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    ]});
    let keys = KeySet::from_jwks(both.to_string().as_bytes(), KeyPurpose::PublicKeys).unwrap();
    assert_eq!(keys.iter().count(), 1);
    assert!(keys.iter().all(|key| !key.serves(Algorithm::HS256)));
}
