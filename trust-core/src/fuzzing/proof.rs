//! Any bytes as a proof of possession, and as the address that a good one names: of all proofs one lets its request in, once.

use std::cell::{Cell, RefCell};
use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::fixture::{NOW, bearer_claims, gate, moment, signed, with_authorization};
use crate::denial::Denial;
use crate::dpop::InvalidProof;
use crate::gate::Gate;
use crate::request::RawRequest;
use crate::shared_files::{Claim, SharedFile, SharedFiles};

/// Where requests of the fixture go.
const ADDRESS: &str = "https://gw.example.com/whoami";

thread_local! {
    static GATE: RefCell<Gate> = RefCell::new(gate());
}

static TOKEN: LazyLock<String> = LazyLock::new(bound_token);
static GENUINE: LazyLock<String> = LazyLock::new(|| proof(ADDRESS));

/// Remembers whether a proof was spent, for there is one alone.
#[derive(Default)]
struct Once(Cell<bool>);

impl SharedFiles for Once {
    fn read_at(&self, _file: SharedFile, _offset: u64, _buffer: &mut [u8]) -> bool {
        false
    }

    fn write_at(&self, _file: SharedFile, _offset: u64, _bytes: &[u8]) -> bool {
        false
    }

    fn claim(&self, _minute: u64, _name: &str) -> Claim {
        if self.0.replace(true) { Claim::Before } else { Claim::First }
    }

    fn append_denial(&self, _line: &str) {}
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[21; 32])
}

fn jwk() -> Value {
    json!({"crv": "Ed25519", "kty": "OKP", "x": BASE64_URL_SAFE_NO_PAD.encode(key().verifying_key())})
}

fn bound_token() -> String {
    // In the order of their names and without blanks: RFC 7638.
    let thumbprint = Sha256::digest(jwk().to_string());
    let mut claims = bearer_claims();
    claims["cnf"] = json!({"jkt": BASE64_URL_SAFE_NO_PAD.encode(thumbprint)});
    signed(&claims)
}

fn proof(address: &str) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "EdDSA", "jwk": jwk(), "typ": "dpop+jwt"});
    let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(TOKEN.as_bytes()));
    let claims = json!({"ath": digest, "htm": "GET", "htu": address, "iat": NOW.0, "jti": "p1"});
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

pub(super) fn check(bytes: &[u8]) {
    if is_let_in(bytes) {
        assert_eq!(bytes, GENUINE.as_bytes(), "let in by a proof that nobody has made");
    }
    if let Ok(address) = std::str::from_utf8(bytes)
        && is_let_in(proof(address).as_bytes())
    {
        // Another reader's eyes: nothing behind a question mark or a hash counts, nor does the case of a letter before the path.
        let plain = address.split(['?', '#']).next().unwrap_or_default().to_lowercase();
        let authority = plain.strip_prefix("https://").or_else(|| plain.strip_prefix("wss://")).expect("never http");
        let host = authority.split('/').next().unwrap_or_default();
        assert!(matches!(host, "gw.example.com" | "gw.example.com:443"), "{address}");
        assert!(!plain.contains('\\') && !plain.contains("/."), "{address}");
    }
}

/// Whether a proof opens a request, and if so, that it does not open a second one.
fn is_let_in(proof: &[u8]) -> bool {
    let request = with_proof(proof);
    let spent = Once::default();
    GATE.with_borrow_mut(|gate| match gate.decide(&request, moment(), &spent) {
        Ok(forwarding) => {
            assert!(forwarding.remove.iter().any(|name| name == "DPoP"), "a proof goes on");
            let again = gate.decide(&request, moment(), &spent);
            assert_eq!(again, Err(Denial::InvalidProof(InvalidProof::Replayed)));
            true
        }
        Err(denial) => {
            assert!(!spent.0.get(), "a proof is spent for nothing");
            assert!(matches!(denial, Denial::InvalidProof(_) | Denial::MalformedRequest(_)), "{denial:?}");
            false
        }
    })
}

fn with_proof(proof: &[u8]) -> RawRequest {
    let mut request = with_authorization(format!("DPoP {}", *TOKEN).as_bytes());
    request.headers.push(("DPoP".to_owned(), vec![proof.to_vec()]));
    request
}

/// The one proof that opens the fixture's request.
#[cfg(test)]
pub(super) fn genuine() -> &'static str {
    &GENUINE
}
