//! The way back: how a keeper knows that its answer comes from the service. Its own token proves nothing of whoever takes it,
//! and what a stranger answers in the service's place would be believed: that nothing is revoked, or whose keys count.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::{Header, TransactionKeys, mac, part};

/// The response header that carries the seal, in lower case.
pub const ANSWER_SEAL_HEADER: &str = "keeper-answer";

/// The same key signs tokens. Those begin with a header in base64url, so nothing that is signed is ever both.
const LABEL: &[u8] = b"watchgate/v1/keeper-answer\0";

/// What a service writes on its answer to a keeper: base64url of HMAC-SHA-256 over a label, the SHA-256 of the keeper's token,
/// the status in two bytes, most significant first, and the SHA-256 of the body. The token is new for each request and names
/// its method, host and target, so no answer fits another question.
///
/// Made with the key that `token` was made with, which the keeper has also while keys are rotated; nothing when that is not
/// among `keys`. The token must have been verified before.
#[must_use]
pub fn answer_seal(keys: &TransactionKeys, token: &str, status: u16, body: &[u8]) -> Option<String> {
    Some(BASE64_URL_SAFE_NO_PAD.encode(sealed(keys, token, status, body)?.finalize().into_bytes()))
}

/// Whether `seal` was written on this answer to the request with this token by somebody who holds the audience's keys;
/// compared in constant time.
#[must_use]
pub fn answer_holds(keys: &TransactionKeys, token: &str, status: u16, body: &[u8], seal: &str) -> bool {
    let Ok(seal) = BASE64_URL_SAFE_NO_PAD.decode(seal) else { return false };
    sealed(keys, token, status, body).is_some_and(|mac| mac.verify_slice(&seal).is_ok())
}

fn sealed(keys: &TransactionKeys, token: &str, status: u16, body: &[u8]) -> Option<Hmac<Sha256>> {
    let (header, _) = token.split_once('.')?;
    let header: Header = part(header).ok()?;
    let key = keys.keys.iter().find(|key| key.kid == header.kid)?;
    let mut mac = mac(key, LABEL)?;
    mac.update(&Sha256::digest(token));
    mac.update(&status.to_be_bytes());
    mac.update(&Sha256::digest(body));
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate_key::GateKeys;
    use crate::time::UnixSeconds;
    use crate::transaction_token::{KeeperRequest, keeper_token};

    fn token(keys: &TransactionKeys, id: &str) -> String {
        let request = KeeperRequest { method: "GET", host: "localhost", target: "/v1/trust" };
        keeper_token(keys, request, id, UnixSeconds(1_800_000_000)).unwrap()
    }

    #[test]
    fn a_seal_holds_for_this_answer_to_this_request_and_for_no_other() {
        let gate = GateKeys::generate("a".into(), [1; 32], None);
        let keys = gate.transaction_keys("service");
        let asked = token(&keys, "1");
        let seal = answer_seal(&keys, &asked, 200, b"{}").unwrap();
        assert!(answer_holds(&keys, &asked, 200, b"{}", &seal));
        assert!(!answer_holds(&keys, &token(&keys, "2"), 200, b"{}", &seal), "another request");
        assert!(!answer_holds(&keys, &asked, 409, b"{}", &seal), "another status");
        assert!(!answer_holds(&keys, &asked, 200, b"{ }", &seal), "another body");
        for (name, wrong) in [("none", ""), ("half", &seal[..21]), ("no base64url", "=="), ("longer", &seal.repeat(2))]
        {
            assert!(!answer_holds(&keys, &asked, 200, b"{}", wrong), "{name}");
        }
        // The same name, another secret; another audience's sub-key of the same secret.
        for others in
            [GateKeys::generate("a".into(), [2; 32], None).transaction_keys("service"), gate.transaction_keys("x")]
        {
            let forged = answer_seal(&others, &asked, 200, b"{}").unwrap();
            assert!(!answer_holds(&keys, &asked, 200, b"{}", &forged));
        }
    }

    #[test]
    fn a_keeper_and_a_service_of_which_one_knows_the_next_key_understand_each_other() {
        let old = GateKeys::generate("a".into(), [1; 32], None);
        let (old, new) = (
            old.transaction_keys("service"),
            GateKeys::generate("b".into(), [2; 32], Some(&old)).transaction_keys("service"),
        );
        let asked = token(&old, "1");
        for (service, keeper) in [(&new, &old), (&old, &new), (&old, &old)] {
            let seal = answer_seal(service, &asked, 200, b"{}").unwrap();
            assert!(answer_holds(keeper, &asked, 200, b"{}", &seal));
        }
        assert_eq!(answer_seal(&old, &token(&new, "1"), 200, b"{}"), None, "a key that is not known");
        assert_eq!(answer_seal(&old, "no token", 200, b"{}"), None);
    }
}
