//! Any bytes as keys: of an issuer, public or secret, and of the gate itself.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use super::fixture::genuine_tokens;
use crate::gate_key::GateKeys;
use crate::keys::{KeyPurpose, KeySet, unfit_keys};
use crate::signature::Algorithm;
use crate::token::{InvalidToken, UnverifiedToken};
use crate::transaction_token::TransactionKeys;

pub(super) fn check(bytes: &[u8]) {
    let public = KeySet::from_jwks(bytes, KeyPurpose::PublicKeys).ok();
    let secret = KeySet::from_jwks(bytes, KeyPurpose::SharedSecrets).ok();
    assert!(public.is_none() || secret.is_none(), "one set for both purposes");
    if let Some(keys) = public {
        every_key_is_fit(&keys, bytes, KeyPurpose::PublicKeys, is_trustworthy);
        serves_none_of(&keys, &Algorithm::WITH_SHARED_SECRET);
    }
    if let Some(keys) = secret {
        every_key_is_fit(&keys, bytes, KeyPurpose::SharedSecrets, is_secret);
        serves_none_of(&keys, &Algorithm::WITH_PUBLIC_KEY);
    }
    a_key_file_is_of_the_gate_or_of_an_audience(bytes);
}

/// Every entry is a key that is fit or is named as unfit, and those that are fit satisfy `is_fit`, which is written without
/// any of the code that read them.
fn every_key_is_fit(keys: &KeySet, bytes: &[u8], purpose: KeyPurpose, is_fit: fn(&Value) -> Option<bool>) {
    // What stands beside the keys is passed over, even where it is no text.
    let Ok(set) = serde_json::from_slice::<Value>(bytes) else { return };
    let entries = set.get("keys").and_then(Value::as_array).expect("a JWK Set is an object with a list of keys");
    let unfit: BTreeSet<_> = unfit_keys(bytes, purpose).into_iter().map(|key| key.number).collect();
    let fit: Vec<_> =
        (1..).zip(entries).filter(|(number, _)| !unfit.contains(number)).map(|(_, entry)| entry).collect();
    assert_eq!(keys.iter().count(), fit.len(), "a key that is neither fit nor unfit");
    for entry in &fit {
        assert!(is_fit(entry).unwrap_or(false), "not fit: {entry}");
    }
    let thumbprints: BTreeSet<_> = keys.iter().map(|key| *key.thumbprint()).collect();
    let distinct: BTreeSet<_> = fit.iter().map(|entry| material(entry)).collect();
    assert_eq!(thumbprints.len(), distinct.len(), "two keys share a thumbprint, or one has two");
}

/// A member as a number: without zeros before it.
fn number(entry: &Value, member: &str) -> Option<Vec<u8>> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(entry.get(member)?.as_str()?).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

/// What makes a key that key and no other.
fn material(entry: &Value) -> Vec<Option<Vec<u8>>> {
    let names = match entry["kty"].as_str() {
        Some("RSA") => &["n", "e"][..],
        Some("EC") => &["x", "y"],
        Some("OKP") => &["x"],
        _ => &["k"],
    };
    let plain = |name: &&str| entry.get(*name).and_then(Value::as_str).map(|text| text.as_bytes().to_vec());
    let read = |name: &&str| if entry["kty"] == "RSA" { number(entry, name) } else { plain(name) };
    let kind = ["kty", "crv"].map(|name| entry[name].as_str().map(|text| text.as_bytes().to_vec()));
    kind.into_iter().chain(names.iter().map(read)).collect()
}

fn is_for_signatures(entry: &Value) -> bool {
    let names_verify =
        |operations: &Value| operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"));
    entry.get("use").is_none_or(|purpose| purpose.is_null() || purpose == "sig")
        && entry.get("key_ops").is_none_or(|operations| operations.is_null() || names_verify(operations))
}

fn is_trustworthy(entry: &Value) -> Option<bool> {
    let algorithm = entry.get("alg").map(|name| name.as_str().unwrap_or_default());
    let coordinate = |name: &str| Some(BASE64_URL_SAFE_NO_PAD.decode(entry.get(name)?.as_str()?).ok()?.len());
    let fits = match (entry["kty"].as_str()?, entry["crv"].as_str()) {
        ("RSA", _) => {
            let (modulus, exponent) = (number(entry, "n")?, number(entry, "e")?);
            let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
            let bits = modulus.len().saturating_mul(8).saturating_sub(modulus.first()?.leading_zeros() as usize);
            let is_for_rsa = algorithm.is_none_or(|name| name.starts_with("RS") || name.starts_with("PS"));
            (2048..=4096).contains(&bits) && is_odd(&modulus) && is_odd(&exponent) && exponent != [1] && is_for_rsa
        }
        ("EC", Some(curve)) => {
            let (length, name) = match curve {
                "P-256" => (32, "ES256"),
                "P-384" => (48, "ES384"),
                "P-521" => (66, "ES512"),
                _ => return Some(false),
            };
            coordinate("x")? == length && coordinate("y")? == length && algorithm.is_none_or(|given| given == name)
        }
        ("OKP", Some("Ed25519")) => {
            coordinate("x")? == 32 && algorithm.is_none_or(|name| matches!(name, "EdDSA" | "Ed25519"))
        }
        _ => false,
    };
    let has_a_name_or_none = entry.get("kid").is_none_or(Value::is_string);
    Some(fits && has_a_name_or_none && is_for_signatures(entry))
}

fn is_secret(entry: &Value) -> Option<bool> {
    let secret = BASE64_URL_SAFE_NO_PAD.decode(entry.get("k")?.as_str()?).ok()?;
    let is_pem = secret.windows(10).any(|window| window == b"-----BEGIN");
    let is_for_secrets = entry["alg"].as_str().is_none_or(|name| name.starts_with("HS"));
    Some(entry["kty"] == "oct" && secret.len() >= 32 && !is_pem && is_for_secrets && is_for_signatures(entry))
}

/// Whatever a token's header asks for, no key of the set is taken for one of another kind.
fn serves_none_of(keys: &KeySet, algorithms: &[Algorithm]) {
    let [bearer, _] = genuine_tokens();
    let mut token = UnverifiedToken::parse(&bearer).expect("a genuine token");
    token.unverified_kid = None;
    for algorithm in algorithms {
        token.unverified_algorithm = *algorithm;
        assert_eq!(keys.check_signature(&token).err(), Some(InvalidToken::UnknownKey), "{}", algorithm.name());
    }
}

fn a_key_file_is_of_the_gate_or_of_an_audience(bytes: &[u8]) {
    let of_gate = GateKeys::from_json(bytes).ok();
    let of_audience = TransactionKeys::from_json(bytes).ok();
    assert!(of_gate.is_none() || of_audience.is_none(), "an audience's keys for the gate's own");
    if let Some(keys) = of_gate {
        let written = keys.to_json();
        let again = GateKeys::from_json(written.as_bytes()).expect("what it has written itself");
        assert_eq!(again.to_json(), written);
    }
    if let Some(keys) = of_audience {
        let written = keys.to_json();
        let again = TransactionKeys::from_json(written.as_bytes()).expect("what it has written itself");
        assert_eq!((again.to_json(), again.audience()), (written, keys.audience()));
    }
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    assert!(is_object || (GateKeys::from_json(bytes).is_err() && TransactionKeys::from_json(bytes).is_err()));
}
