//! `watchgate token verify`, as its caller sees it: real vectors, broken ones, and keys that must be refused.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod program;

use std::fs;

use program::{Ended, watchgate, watchgate_reading};
use serde_json::{Value, json};

/// The examples of RFC 7515, RFC 7520 and RFC 8037, as they are printed there.
fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("vectors/rfc.json")).unwrap()
}

fn vector(name: &str) -> Value {
    vectors().into_iter().find(|vector| text(vector, "name") == name).unwrap()
}

fn text<'a>(vector: &'a Value, member: &str) -> &'a str {
    vector.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn verify(jwks: &Value, token: &str, arguments: &[&str]) -> Ended {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("jwks.json");
    fs::write(&file, jwks.to_string()).unwrap();
    let words = [&["token", "verify", "--jwks", file.to_str().unwrap()][..], arguments].concat();
    watchgate_reading(&words, token)
}

/// Checks the signature of a vector, under a key that may have been changed.
fn signature_of(vector: &Value, key: &Value) -> Ended {
    let mut arguments = vec!["--signature-only"];
    if !text(vector, "algorithms").is_empty() {
        arguments.extend(["--algorithms", text(vector, "algorithms")]);
    }
    verify(key, text(vector, "token"), &arguments)
}

fn with(key: &Value, members: Value) -> Value {
    let mut key = key.clone();
    key.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    key
}

fn is_valid(ended: &Ended) -> bool {
    ended.code == 0 && ended.stdout == "valid\n"
}

fn reason(ended: &Ended) -> &str {
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    ended.stdout.strip_prefix("invalid: ").unwrap().trim_end()
}

#[test]
fn the_examples_of_the_rfcs_hold_with_a_single_key_and_with_a_set() {
    for vector in vectors() {
        let ended = signature_of(&vector, &vector["key"]);
        assert!(is_valid(&ended), "{}: {}{}", vector["name"], ended.stdout, ended.stderr);
        let ended = signature_of(&vector, &json!({"keys": [vector["key"]]}));
        assert!(is_valid(&ended), "{}: {}{}", vector["name"], ended.stdout, ended.stderr);
    }
}

#[test]
fn a_broken_example_does_not_hold() {
    for vector in vectors() {
        let token = text(&vector, "token");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (first, rest) = signature.split_at(1);
        let other = if first == "A" { "B" } else { "A" };
        let shorter = signature.split_at(signature.len().saturating_sub(2)).0;
        let (header, _) = signed.split_once('.').unwrap();
        for broken in [
            format!("{signed}.{other}{rest}"),
            format!("{signed}A.{signature}"),
            format!("{signed}AAAA.{signature}"),
            format!("{signed}.{shorter}"),
            format!("{signed}.{signature}="),
            format!("{signed}.{signature}AA"),
            format!("{signed}."),
            signed.to_owned(),
            format!("{token}.{signature}"),
            format!("{header}..{signature}"),
        ] {
            let ended = signature_of(&json!({"token": broken, "algorithms": vector["algorithms"]}), &vector["key"]);
            assert!(!reason(&ended).is_empty(), "{}: {broken}", vector["name"]);
        }
    }
}

#[test]
fn a_key_that_is_meant_for_something_else_is_refused_and_named() {
    let vector = vector("RFC 7515, appendix A.2");
    let key = &vector["key"];
    for (members, part) in [
        (json!({"use": "enc"}), "its use is not sig"),
        (json!({"key_ops": ["sign"]}), "its key_ops do not hold verify"),
        (json!({"alg": "ES256"}), "its alg is not one of its type"),
        (json!({"alg": "RSA-OAEP"}), "its alg is no signature that is taken"),
        (json!({"kid": 7}), "its kid is not a string"),
        (json!({"kty": "dsa"}), "its type or its curve is not taken"),
        (json!({"n": "AQAB"}), "RSA"),
        (json!({"e": "AQAC"}), "RSA"),
        (json!({"n": "****"}), "RSA"),
        (json!({"n": 7}), "a member is missing or of the wrong type"),
    ] {
        let ended = signature_of(&vector, &with(key, members.clone()));
        assert_eq!(reason(&ended), "no key in the JWK Set can verify a token", "{members}");
        assert!(
            ended.stderr.contains("passed over key 1") && ended.stderr.contains(part),
            "{members}: {}",
            ended.stderr
        );
    }
    for members in [json!({"use": "sig"}), json!({"key_ops": ["sign", "verify"]}), json!({"alg": "RS256"})] {
        assert!(is_valid(&signature_of(&vector, &with(key, members.clone()))), "{members}");
    }
    let named = with(key, json!({"alg": "PS256"}));
    assert_eq!(reason(&signature_of(&vector, &named)), "no key of the issuer fits the token");
}

#[test]
fn points_off_their_curve_are_refused() {
    let on_p256 = vector("RFC 7515, appendix A.3");
    let off = with(&on_p256["key"], json!({"y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5b0"}));
    let short = with(&on_p256["key"], json!({"y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5Q"}));
    for key in [off, short] {
        let ended = signature_of(&on_p256, &key);
        assert_eq!(reason(&ended), "no key in the JWK Set can verify a token");
        assert!(ended.stderr.contains("no point of its curve"), "{}", ended.stderr);
    }
    let of_small_order = json!({"kty": "OKP", "crv": "Ed25519", "x": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"});
    let ended = signature_of(&vector("RFC 8037, appendix A.4"), &of_small_order);
    assert_eq!(reason(&ended), "no key in the JWK Set can verify a token");
}

#[test]
fn a_name_for_keys_of_different_types_stands_for_none() {
    let rsa = vector("RFC 7515, appendix A.2");
    let point = with(&vector("RFC 7515, appendix A.3")["key"], json!({"kid": "a"}));
    let ended = signature_of(&rsa, &json!({"keys": [with(&rsa["key"], json!({"kid": "a"})), point]}));
    assert_eq!(reason(&ended), "no key in the JWK Set can verify a token");
    assert!(ended.stderr.contains("key 1 (\"a\"): its kid stands for keys of different types"), "{}", ended.stderr);
    let twice = json!({"keys": [rsa["key"], rsa["key"]]});
    assert_eq!(reason(&signature_of(&rsa, &twice)), "no key of the issuer fits the token");
}

#[test]
fn shared_secrets_are_taken_only_where_their_algorithm_is_named() {
    let shared = vector("RFC 7515, appendix A.1");
    let token = text(&shared, "token");
    let ended = verify(&shared["key"], token, &["--signature-only"]);
    assert_eq!(reason(&ended), "no key in the JWK Set can verify a token");
    assert!(ended.stderr.contains("a shared secret, and no algorithm of shared secrets is named"), "{}", ended.stderr);
    let public = &vector("RFC 7515, appendix A.2")["key"];
    let mixed = json!({"keys": [shared["key"], public]});
    let ended = verify(&mixed, token, &["--signature-only", "--algorithms", "HS256"]);
    assert_eq!(reason(&ended), "a JWK Set with shared secrets must hold nothing but keys of type oct");
    let ended = verify(&shared["key"], token, &["--signature-only", "--algorithms", "HS256,RS256"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    let ended = verify(&shared["key"], token, &["--signature-only", "--algorithms", "HS384"]);
    assert_eq!(reason(&ended), "the issuer may not use this algorithm");
}

#[test]
fn a_whole_token_is_held_against_issuer_audience_type_and_time() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    assert_eq!(watchgate(&["keys", "dev", "--dir", folder]).code, 0);
    let (issuer, jwks) = (format!("{folder}/issuer"), format!("{folder}/trust/jwks/dev.json"));
    for algorithm in ["EdDSA", "RS256"] {
        let minted =
            watchgate(&["token", "mint", "--keys", &issuer, "--subject", "console-7", "--algorithm", algorithm]);
        let verify = |arguments: &[&str]| {
            watchgate_reading(&[&["token", "verify", "--jwks", &jwks][..], arguments].concat(), &minted.stdout)
        };
        let good = ["--issuer", "https://issuer.watchgate.test", "--audience", "watchgate"];
        let more = |further: &[&'static str]| [&good[..], further].concat();
        assert!(is_valid(&verify(&good)), "{algorithm}");
        assert!(is_valid(&verify(&more(&["--audience", "other", "--algorithms", "EdDSA,RS256"]))));
        assert!(is_valid(&verify(&["--signature-only"])));
        for (arguments, expected) in [
            (vec!["--issuer", "https://other.example", "--audience", "watchgate"], "the issuer is not trusted here"),
            (vec!["--issuer", "https://issuer.watchgate.test", "--audience", "x"], "made for another audience"),
            (more(&["--algorithms", "ES256"]), "the issuer may not use this algorithm"),
            (more(&["--token-types", "JWT"]), "the token's type is not that of an access token"),
            (more(&["--at", "2100-01-01T00:00:00Z"]), "expired"),
        ] {
            assert_eq!(reason(&verify(&arguments)), expected);
        }
    }
    let joe = vector("RFC 7515, appendix A.2");
    let ended = verify(
        &joe["key"],
        text(&joe, "token"),
        &["--issuer", "joe", "--audience", "a", "--at", "2011-03-22T18:00:00Z"],
    );
    assert_eq!(reason(&ended), "the token's type is not that of an access token", "an example without typ and aud");
}

#[test]
fn what_is_no_token_is_invalid_and_what_are_no_keys_is_no_verdict() {
    let key = &vector("RFC 7515, appendix A.2")["key"];
    for token in ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJSUzI1NiIsImNyaXQiOlsiYjY0Il19.e30.AA"] {
        assert!(!reason(&verify(key, token, &["--signature-only"])).is_empty(), "{token}");
    }
    let long = format!("{}.AA", "A".repeat(20_000));
    assert_eq!(reason(&verify(key, &long, &["--signature-only"])), "the token is longer than 16 KiB");
    for (jwks, arguments) in [
        (json!("keys"), &["--signature-only"][..]),
        (json!({"keys": 7}), &["--signature-only"]),
        (key.clone(), &["--signature-only", "--algorithms", "RS265"]),
        (key.clone(), &["--signature-only", "--issuer", "a"]),
        (key.clone(), &["--issuer", "a"]),
        (key.clone(), &[]),
    ] {
        let ended = verify(&jwks, "x", arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{jwks} {arguments:?}");
        assert!(!ended.stderr.is_empty());
    }
    let unreadable = watchgate(&["token", "verify", "--jwks", "/no/such/file", "--signature-only"]);
    assert_eq!(unreadable.code, 2);
}
