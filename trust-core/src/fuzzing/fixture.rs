//! A gate with fixed keys, and everything that it may ever let in.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

use crate::gate::Gate;
use crate::gate_key::GateKeys;
use crate::request::RawRequest;
use crate::tags::Moment;
use crate::time::{UnixSeconds, WallTime};

pub(crate) const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
pub(crate) const ISSUER: &str = "https://idp.example.com";
pub(crate) const AUDIENCE: &str = "watchgate";
pub(crate) const UPSTREAM: &str = "service";

/// A client's certificate as Traefik hands it on, and its SHA-256 as a token names it.
pub(crate) const CERTIFICATE: &str = "Y2VydGlmaWNhdGU=";
pub(crate) const THUMBPRINT: &str = "A9Zt0Ig1wco_EozOrNHzGslBYwlrIPRFroQoW8CDLXI";

/// Signatures by keys that are not ours: the vectors of RFC 7520 for RSA, of RFC 7515 for ES512.
pub(crate) const VECTORS: [&str; 3] = [
    include_str!("../../../tests/fuzz/seeds/token/rfc7520-4.1.jws"),
    include_str!("../../../tests/fuzz/seeds/token/rfc7520-4.2.jws"),
    include_str!("../../../tests/fuzz/seeds/token/rfc7515-a4.jws"),
];

const VECTOR_KEYS: &str = include_str!("../../../tests/fuzz/seeds/jwks/vectors.json");

/// The claims of the one token that anybody may bear.
pub(crate) fn bearer_claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "tester 7", "iat": NOW.0, "exp": NOW.plus(600).0,
        "scope": "events:write", "jti": "t1", "client_id": "console"
    })
}

/// The token that anybody may bear, and the one that is bound to [`CERTIFICATE`].
pub(crate) fn genuine_tokens() -> [String; 2] {
    let mut bound = bearer_claims();
    bound["cnf"] = json!({"x5t#S256": THUMBPRINT});
    [signed(&bearer_claims()), signed(&bound)]
}

/// A token by the issuer's key, whatever it claims.
pub(crate) fn signed(claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"})), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(issuer_key().sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

fn issuer_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// The issuer's own key, and those of [`VECTORS`] beside it, so that tokens of every kind come as far as a signature.
pub(crate) fn jwks() -> Value {
    let mut set: Value = serde_json::from_str(VECTOR_KEYS).expect("the seed is JSON");
    let x = BASE64_URL_SAFE_NO_PAD.encode(issuer_key().verifying_key());
    let own = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k1", "alg": "EdDSA", "use": "sig", "x": x});
    set["keys"].as_array_mut().expect("a JWK Set").push(own);
    set
}

pub(crate) fn gate_keys() -> GateKeys {
    GateKeys::generate("g1".into(), [9; 32], None)
}

/// Reads tokens, certificates, proxies, events and headers; throttles nobody, so that one input decides nothing of the next.
pub(crate) fn gate() -> Gate {
    let config = json!({
        "publicOrigins": ["https://gw.example.com"],
        "issuers": [{"issuer": ISSUER, "audiences": [AUDIENCE], "jwks": jwks()}],
        "rules": [
            {"name": "health", "match": "Path(`/healthz`)", "public": true},
            {"name": "public", "match": "PathPrefix(`/public`) && Method(`GET`)", "public": true},
            {"name": "events", "match": "Path(`/v1/events`)", "require": "Scope(`events:write`)",
             "event": {"type": "dev.watchgate.telemetry", "clientTypes": ["com.example.*"]}},
            {"name": "bound", "match": "PathPrefix(`/bound`)", "require": "BoundToClient()"},
            {"name": "team", "match": "PathRegexp(`/team/[a-z]+`) && HeaderRegexp(`X-Team`, `[a-z]+`) \
                && !ClientIP(`198.51.100.0/24`)"},
            {"name": "whoami", "match": "Path(`/whoami`)"},
        ],
        "forwardClaims": {"X-Auth-Subject": "sub"},
        "transactionToken": {"audience": UPSTREAM},
        "trustClientCertificate": true,
        "clientAddress": {"depth": 1, "trustedProxies": ["10.0.0.0/8"]},
        "throttle": {"badTokensPerMinute": 0},
    });
    let mut gate = Gate::from_config(config.to_string().as_bytes()).expect("the configuration is valid");
    let keys = gate_keys().to_json();
    gate.take_file("gate.key", Some(keys.as_bytes())).expect("the key file is valid");
    gate
}

pub(crate) fn moment() -> Moment {
    Moment { now: WallTime::from_epoch(Duration::from_secs(NOW.0)), sequence: 1 }
}

/// A request for a path that any good token opens.
pub(crate) fn with_authorization(value: &[u8]) -> RawRequest {
    RawRequest {
        method: b"GET".to_vec(),
        target: b"/whoami".to_vec(),
        host: b"gw.example.com".to_vec(),
        source_address: b"192.0.2.7:4711".to_vec(),
        headers: vec![("Authorization".to_owned(), vec![value.to_vec()])],
    }
}
