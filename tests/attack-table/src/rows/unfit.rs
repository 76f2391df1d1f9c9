//! Key sets that no token should be verified by. Each is the only set of an issuer of its own, so a key that slips through
//! lets its token pass.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::forge::set_of;
use crate::forgery::set as set_member;
use crate::keys::{self, Key, encoded};
use crate::{Forge, Row};

use super::denied;

const KID: &str = "unfit";

/// An issuer whose keys are of no use.
#[derive(Clone, Debug)]
pub(crate) struct UnfitSet {
    what: &'static str,
    slug: String,
    shares_secrets: bool,
    /// Nothing where the file is missing.
    pub(crate) content: Option<String>,
    token: String,
}

impl UnfitSet {
    pub(crate) fn file(&self) -> String {
        format!("jwks/unfit-{}.json", self.slug)
    }

    pub(crate) fn configured(&self) -> Value {
        let mut issuer = json!({"issuer": issuer(&self.slug), "audiences": ["watchgate"], "jwksFile": self.file()});
        if self.shares_secrets {
            set_member(&mut issuer, "algorithms", json!(["HS256", "HS384", "HS512"]));
        }
        issuer
    }
}

fn issuer(slug: &str) -> String {
    format!("https://unfit-{slug}.watchgate.test")
}

/// A row for each set: the keys are not there, so nobody can tell whether the token is good.
pub(super) fn rows(forge: &Forge) -> Vec<Row> {
    let of_set = |set: &UnfitSet| denied(set.what, 503, "keys_unavailable", super::post(&set.token));
    forge.unfit.iter().map(of_set).collect()
}

/// All of them. What cannot be made is left out, and missed by the count of rows.
pub(crate) fn sets(forge: &Forge) -> Vec<UnfitSet> {
    let mut sets = public_sets(forge);
    sets.extend(points(forge));
    sets.extend(rsa_sets(forge));
    sets.extend(secret_sets(forge));
    sets
}

/// A set of one key, and a token that it signed.
fn one(forge: &Forge, what: &'static str, slug: &str, algorithm: &str, key: Key) -> UnfitSet {
    let key = key.with("kid", json!(KID));
    let token = forge.draft_of(&issuer(slug), algorithm, KID).sign(&key);
    set(what, slug, &[key], token)
}

fn set(what: &'static str, slug: &str, keys: &[Key], token: String) -> UnfitSet {
    let content = Some(set_of(keys).to_string());
    UnfitSet { what, slug: slug.to_owned(), shares_secrets: false, content, token }
}

fn public_sets(forge: &Forge) -> Vec<UnfitSet> {
    let ed25519 = || Key::ed25519(21);
    let eddsa = |what, slug: &str, key: Key| one(forge, what, slug, "EdDSA", key);
    let mut sets = vec![
        eddsa("a key for encryption", "use", ed25519().with("use", json!("enc"))),
        eddsa("a key that may only sign", "operations", ed25519().with("key_ops", json!(["sign"]))),
        eddsa("a key for an algorithm of another type", "alg-of-another", ed25519().with("alg", json!("RS256"))),
        eddsa("a key of two types at once", "type", ed25519().with("crv", json!("P-256"))),
        eddsa("a key with padding", "padding", {
            let key = ed25519();
            let padded = json!(format!("{}=", key.member("x")));
            key.with("x", padded)
        }),
    ];
    let numbered = ed25519().with("kid", json!(7));
    let nameless = forge.draft_of(&issuer("kid"), "EdDSA", "").header("kid", Value::Null).sign(&numbered);
    sets.push(set("a key whose name is a number", "kid", &[numbered], nameless));
    if let (Ok(p256), key) = (Key::p256(22), ed25519().with("kid", json!(KID))) {
        let token = forge.draft_of(&issuer("ambiguous"), "EdDSA", KID).sign(&key);
        let twin = p256.with("kid", json!(KID));
        sets.push(set("a name for keys of two types", "ambiguous", &[key, twin], token));
    }
    let mut large = eddsa("a key set of 300 KiB", "large", ed25519());
    large.content = large.content.map(|content| format!("{content}{}", " ".repeat(300 * 1024)));
    sets.push(large);
    let mut broken = eddsa("a key set that is no JSON", "broken", ed25519());
    broken.content = Some("keys".to_owned());
    sets.push(broken);
    let mut list = eddsa("a key set that is a list", "list", ed25519());
    list.content = Some(json!([[ed25519().with("kid", json!(KID)).jwk()]]).to_string());
    sets.push(list);
    let mut missing = eddsa("a key set that is not there", "missing", ed25519());
    missing.content = None;
    sets.push(missing);
    sets
}

fn points(forge: &Forge) -> Vec<UnfitSet> {
    let mut sets = Vec::new();
    if let Ok(p256) = Key::p256(23) {
        // The same point, with a byte moved from one coordinate to the other.
        let coordinates = [decoded(p256.member("x")), decoded(p256.member("y"))].concat();
        let (x, y) = coordinates.split_at(31);
        let moved = p256.clone().with("x", json!(encoded(x))).with("y", json!(encoded(y)));
        sets.push(one(forge, "coordinates of 31 and 33 bytes", "coordinates", "ES256", moved));
        let off = p256.clone().with("y", json!(p256.member("x")));
        sets.push(one(forge, "a point off its curve", "off-curve", "ES256", off));
    }
    let signer = Key::ed25519(24);
    let neutral = signer.clone().with("x", json!(encoded(keys::NEUTRAL_POINT))).with("kid", json!(KID));
    let draft = forge.draft_of(&issuer("small-order"), "EdDSA", KID);
    let token = draft.signed_by(|_| signer.signature_for_the_neutral_key());
    sets.push(set("a key for which anybody can sign", "small-order", &[neutral], token));
    if let Some(point) = keys::point_spelled_twice() {
        let twice = signer.with("x", json!(encoded(point)));
        sets.push(one(forge, "a point in its second spelling", "spelled-twice", "EdDSA", twice));
    }
    sets
}

fn rsa_sets(forge: &Forge) -> Vec<UnfitSet> {
    let mut sets = Vec::new();
    for (what, slug, bits, exponent) in [
        ("an RSA key of 1,024 bits", "rsa-1024", 1024, 65_537),
        ("an RSA key of 4,160 bits", "rsa-4160", 4160, 65_537),
        ("an RSA key whose signatures are the message itself", "rsa-one", 2048, 1),
        ("an RSA key with an even exponent", "rsa-even", 2048, 65_538),
    ] {
        sets.extend(Key::rsa(bits, exponent).ok().map(|key| one(forge, what, slug, "RS256", key)));
    }
    let rsa = Key::rsa(2048, 65_537).ok();
    sets.extend(rsa.map(|key| {
        one(forge, "a key for encryption by its algorithm", "rsa-oaep", "RS256", key.with("alg", json!("RSA-OAEP")))
    }));
    sets
}

fn secret_sets(forge: &Forge) -> Vec<UnfitSet> {
    let secret = || Key::secret([9; 64]);
    let public = Key::ed25519(25);
    let der = [hex(b"302a300506032b6570032100"), decoded(public.member("x"))].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    let mut secrets = vec![
        ("a shared secret that is a PEM file", "secret-pem", Key::secret(pem)),
        ("a shared secret that is a JWK", "secret-jwk", Key::secret(format!("{:#}", public.jwk()))),
        ("a shared secret that is a public key in DER", "secret-der", Key::secret(der.clone())),
        ("a shared secret that is DER in base64", "secret-base64", Key::secret(STANDARD.encode(&der))),
        ("a shared secret of 31 bytes", "secret-short", Key::secret([9; 31])),
        ("a shared secret for encryption", "secret-use", secret().with("use", json!("enc"))),
        ("a shared secret that may only sign", "secret-operations", secret().with("key_ops", json!(["sign"]))),
        ("a shared secret for an algorithm of public keys", "secret-alg", secret().with("alg", json!("RS256"))),
        ("a shared secret for an unknown algorithm", "secret-unknown", secret().with("alg", json!("A256GCM"))),
        ("a shared secret in a key of another type", "secret-among", secret().with("kty", json!("OKP"))),
        ("a shared secret with padding", "secret-padding", {
            let key = secret();
            let padded = json!(format!("{}==", key.member("k")));
            key.with("k", padded)
        }),
    ];
    if let Ok(p256) = Key::p256(26) {
        let point = [vec![4], decoded(p256.member("x")), decoded(p256.member("y"))].concat();
        secrets.push(("a shared secret that is a point of a curve", "secret-point", Key::secret(point)));
    }
    let shared = |set: UnfitSet| UnfitSet { shares_secrets: true, ..set };
    secrets.into_iter().map(|(what, slug, key)| shared(one(forge, what, slug, "HS256", key))).collect()
}

fn decoded(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}

fn hex(digits: &[u8]) -> Vec<u8> {
    let value = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or(0);
    digits.as_chunks::<2>().0.iter().map(|[high, low]| value(high).wrapping_shl(4) | value(low)).collect()
}
