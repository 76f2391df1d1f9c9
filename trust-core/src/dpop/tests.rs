use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

use super::*;
use crate::gate_key::GateKeys;
use crate::request::{MalformedRequest, RawRequest};
use crate::shared_files::{NoSharedFiles, SharedFile};
use crate::token::presented_token;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
const TOKEN: &str = "header.payload.signature";

fn proofs() -> Proofs {
    let origin = Origin { text: "https://gw.example.com".to_owned(), authority: "gw.example.com".to_owned() };
    Proofs::new(vec![origin], Algorithm::WITH_PUBLIC_KEY.to_vec(), DEFAULT_MAX_AGE_SECONDS)
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn jwk() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64_URL_SAFE_NO_PAD.encode(key().verifying_key())})
}

fn thumbprint() -> [u8; 32] {
    let x = BASE64_URL_SAFE_NO_PAD.encode(key().verifying_key());
    Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)).into()
}

fn header() -> Value {
    json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk()})
}

fn claims() -> Value {
    json!({
        "htm": "GET", "htu": "https://gw.example.com/a", "iat": NOW.0, "jti": "1",
        "ath": BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(TOKEN)),
    })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name)
    } else {
        members.insert(name.to_owned(), value)
    };
    object
}

fn proof(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

fn request(scheme: &str, proofs: &[&str]) -> RawRequest {
    let proofs = proofs.iter().map(|proof| proof.as_bytes().to_vec()).collect();
    RawRequest {
        method: b"GET".to_vec(),
        target: b"/a?b=c".to_vec(),
        host: b"gw.example.com".to_vec(),
        source_address: Vec::new(),
        headers: vec![
            ("authorization".to_owned(), vec![format!("{scheme} {TOKEN}").into_bytes()]),
            ("Dpop".to_owned(), proofs),
        ],
    }
}

fn bound() -> Binding {
    Binding::To(Confirmation { certificate: None, key: Some(thumbprint()) })
}

fn check_at(
    policy: &Proofs,
    binding: &Binding,
    raw: &RawRequest,
    now: UnixSeconds,
) -> Result<Option<UnspentProof>, Denial> {
    let facts = RequestFacts::read(raw).unwrap();
    let token = presented_token(&facts).unwrap().unwrap();
    policy.check(binding, token, None, &facts, now)
}

fn check(raw: &RawRequest) -> Result<Option<UnspentProof>, Denial> {
    check_at(&proofs(), &bound(), raw, NOW)
}

fn refused(invalid: InvalidProof) -> Result<Option<UnspentProof>, Denial> {
    Err(Denial::InvalidProof(invalid))
}

#[test]
fn the_rfcs_own_proof_holds_for_its_own_request() {
    // RFC 9449, figure 12: a request for a protected resource, with the confirmation of figure 6.
    let proof = concat!(
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0Rs",
        "cEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2",
        "In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90",
        "ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFF",
        "byJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
    );
    let origin =
        Origin { text: "https://resource.example.org".to_owned(), authority: "resource.example.org".to_owned() };
    let policy = Proofs::new(vec![origin], vec![Algorithm::ES256], 60);
    let binding = Binding::of(Some(&json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})));
    let raw = RawRequest {
        method: b"GET".to_vec(),
        target: b"/protectedresource".to_vec(),
        host: b"resource.example.org".to_vec(),
        source_address: Vec::new(),
        headers: vec![
            ("Authorization".into(), vec![b"DPoP Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU".to_vec()]),
            ("DPoP".into(), vec![proof.into()]),
        ],
    };
    assert!(check_at(&policy, &binding, &raw, UnixSeconds(1_562_262_618)).unwrap().is_some());
    let late = check_at(&policy, &binding, &raw, UnixSeconds(1_562_262_618 + 61));
    assert_eq!(late, refused(InvalidProof::Time));
}

#[test]
fn a_bound_token_passes_with_a_proof_and_in_no_other_way() {
    let good = proof(&header(), &claims());
    for scheme in ["DPoP", "dpop", "DPOP"] {
        assert!(check(&request(scheme, &[&good])).unwrap().is_some(), "{scheme}");
    }
    assert_eq!(check(&request("Bearer", &[&good])), Err(Denial::InvalidToken(InvalidToken::WithoutProof)));
    assert_eq!(check(&request("DPoP", &[])), refused(InvalidProof::Missing));
    let twice = Err(Denial::MalformedRequest(MalformedRequest::RepeatedHeader));
    assert_eq!(check(&request("DPoP", &[&good, &good])), twice);
}

#[test]
fn a_token_that_is_bound_to_no_key_is_none_of_the_scheme() {
    let certificate = Binding::To(Confirmation { certificate: Some([1; 32]), key: None });
    let good = proof(&header(), &claims());
    let refused = Err(Denial::InvalidToken(InvalidToken::NotBoundToKey));
    for binding in [Binding::Unbound, certificate] {
        assert_eq!(check_at(&proofs(), &binding, &request("DPoP", &[&good]), NOW), refused);
        // A proof that nobody asks for is not looked at.
        assert_eq!(check_at(&proofs(), &binding, &request("Bearer", &["***"]), NOW), Ok(None));
    }
}

#[test]
fn each_thing_that_is_wrong_with_a_proof_is_told_apart() {
    let of_header = |name: &str, value: Value| proof(&with(header(), name, value), &claims());
    let of_claims = |name: &str, value: Value| proof(&header(), &with(claims(), name, value));
    let good = proof(&header(), &claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let other_jwk = json!({"kty": "OKP", "crv": "Ed25519",
        "x": BASE64_URL_SAFE_NO_PAD.encode(SigningKey::from_bytes(&[8; 32]).verifying_key())});
    for (text, expected) in [
        (String::new(), InvalidProof::Form),
        ("a.b".to_owned(), InvalidProof::Form),
        (format!("{good}.a"), InvalidProof::Form),
        (format!("{good}, {good}"), InvalidProof::Form),
        ("a".repeat(8 * 1024 + 1), InvalidProof::TooLong),
        (of_header("typ", json!("at+jwt")), InvalidProof::Type),
        (of_header("typ", Value::Null), InvalidProof::Type),
        (of_header("crit", json!(["exp"])), InvalidProof::CriticalExtension),
        (of_header("alg", json!("none")), InvalidProof::Algorithm),
        (of_header("alg", json!("HS256")), InvalidProof::Algorithm),
        (of_header("alg", json!("eddsa")), InvalidProof::Algorithm),
        (of_header("alg", json!("ES256")), InvalidProof::Signature),
        (of_header("jwk", Value::Null), InvalidProof::Form),
        (of_header("jwk", json!("x")), InvalidProof::Key),
        (of_header("jwk", with(jwk(), "d", json!("x"))), InvalidProof::Key),
        (of_header("jwk", json!({"kty": "oct", "k": "AAAA"})), InvalidProof::Key),
        (of_header("jwk", other_jwk), InvalidProof::OtherKey),
        (of_claims("htm", json!("get")), InvalidProof::Method),
        (of_claims("htm", json!("POST")), InvalidProof::Method),
        (of_claims("htm", Value::Null), InvalidProof::Form),
        (of_claims("htu", json!("http://gw.example.com/a")), InvalidProof::Target),
        (of_claims("htu", json!("https://gw.example.com/b")), InvalidProof::Target),
        (of_claims("htu", json!(["https://gw.example.com/a"])), InvalidProof::Form),
        (of_claims("iat", json!(NOW.0 - 61)), InvalidProof::Time),
        (of_claims("iat", json!(NOW.0 + 6)), InvalidProof::Time),
        (of_claims("iat", json!(-1)), InvalidProof::Form),
        (of_claims("iat", json!(NOW.0.to_string())), InvalidProof::Form),
        (of_claims("ath", Value::Null), InvalidProof::Token),
        (of_claims("ath", json!("")), InvalidProof::Token),
        (of_claims("ath", json!(format!("{}=", claims()["ath"].as_str().unwrap()))), InvalidProof::Token),
        (of_claims("jti", json!("")), InvalidProof::Identifier),
        (of_claims("jti", json!("a".repeat(257))), InvalidProof::Identifier),
        (of_claims("jti", json!(7)), InvalidProof::Form),
        (format!("{signed}."), InvalidProof::Signature),
        (format!("{signed}.{signature}="), InvalidProof::Signature),
        (format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode([1; 64])), InvalidProof::Signature),
    ] {
        assert_eq!(check(&request("DPoP", &[&text])), refused(expected), "{text}");
    }
    for text in [
        of_claims("iat", json!(NOW.0 - 60)),
        of_claims("iat", json!(NOW.0 + 5)),
        of_claims("iat", json!(1_800_000_000.5)),
        of_claims("jti", json!("a".repeat(256))),
        of_claims("nonce", json!("whatever")),
        of_claims("htu", json!("wss://gw.example.com/a?x#y")),
    ] {
        assert!(check(&request("DPoP", &[&text])).is_ok(), "{text}");
    }
}

#[test]
fn a_proof_for_the_token_that_another_stands_for_is_held_against_that_one() {
    let original: [u8; 32] = Sha256::digest("opaque").into();
    let for_original = with(claims(), "ath", json!(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest("opaque"))));
    for (claims, is_taken) in [(for_original, true), (claims(), false)] {
        let raw = request("DPoP", &[&proof(&header(), &claims)]);
        let facts = RequestFacts::read(&raw).unwrap();
        let token = presented_token(&facts).unwrap().unwrap();
        assert_eq!(proofs().check(&bound(), token, Some(&original), &facts, NOW).is_ok(), is_taken);
    }
}

#[test]
fn without_an_origin_no_proof_is_taken() {
    let policy = Proofs::new(Vec::new(), Algorithm::WITH_PUBLIC_KEY.to_vec(), 60);
    let raw = request("DPoP", &[&proof(&header(), &claims())]);
    assert_eq!(check_at(&policy, &bound(), &raw, NOW), refused(InvalidProof::Target));
    assert!(policy.algorithms().is_empty(), "nor is it said that one would be");
}

#[test]
fn several_hosts_ask_for_a_nonce_of_their_own_and_cannot_without_a_key() {
    let mut policy = proofs();
    policy.take_host(Some("gw-1".into()));
    let raw = |nonce: &str| request("DPoP", &[&proof(&header(), &with(claims(), "nonce", json!(nonce)))]);
    let keyless = check_at(&policy, &bound(), &raw("AAAA"), NOW);
    assert_eq!(keyless, Err(Denial::KeysUnavailable { of: "this gate".into() }));
    policy.take_secrets(GateKeys::generate("a".into(), [1; 32], None).nonce_secrets());
    assert_eq!(check_at(&policy, &bound(), &raw("AAAA"), NOW), refused(InvalidProof::Nonce));
    let nonce = policy.nonce(NOW).unwrap();
    assert!(check_at(&policy, &bound(), &raw(&nonce), NOW).is_ok());
}

/// Says the same of every proof.
struct Says(Claim);

impl SharedFiles for Says {
    fn read_at(&self, _file: SharedFile, _offset: u64, _buffer: &mut [u8]) -> bool {
        false
    }

    fn write_at(&self, _file: SharedFile, _offset: u64, _bytes: &[u8]) -> bool {
        false
    }

    fn claim(&self, minute: u64, name: &str) -> Claim {
        assert_eq!(minute, NOW.0 / 60, "by the time at which the proof was made");
        assert!(name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{name}");
        self.0
    }

    fn append_denial(&self, _line: &str) {}
}

#[test]
fn a_proof_is_spent_once_and_where_nobody_can_tell_it_is_refused() {
    let proof = check(&request("DPoP", &[&proof(&header(), &claims())])).unwrap().unwrap();
    assert_eq!(proof.spend(&Says(Claim::First)), Ok(()));
    assert_eq!(proof.spend(&Says(Claim::Before)), Err(Denial::InvalidProof(InvalidProof::Replayed)));
    assert_eq!(proof.spend(&Says(Claim::Unknown)), Err(Denial::ReplaysUnknown));
    assert_eq!(proof.spend(&NoSharedFiles), Err(Denial::ReplaysUnknown));
}

fn unspent(key: [u8; 32], made_at: UnixSeconds, jti: &str) -> UnspentProof {
    UnspentProof::new(&Held { made_at, jti: jti.to_owned(), key })
}

#[test]
fn the_same_jti_of_another_key_is_another_proof() {
    let one = unspent([1; 32], NOW, "a");
    assert_eq!(one, unspent([1; 32], NOW, "a"));
    for other in [unspent([2; 32], NOW, "a"), unspent([1; 32], NOW, "b")] {
        assert_ne!(one, other);
    }
}
