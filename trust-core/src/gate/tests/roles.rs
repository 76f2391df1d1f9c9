//! Roles in the gate's word: only where it is asked to tell them, and only what the caller's own issuer says.

use super::answers::gate_with;
use super::*;
use crate::shared_files::{SharedFile, SharedFiles};
use crate::transaction_token::{RequesterContext, TransactionContext};

/// One file that gates of a host share.
struct Memory(std::cell::RefCell<Vec<u8>>);

impl SharedFiles for Memory {
    fn read_at(&self, _file: SharedFile, offset: u64, buffer: &mut [u8]) -> bool {
        let (held, at) = (self.0.borrow(), usize::try_from(offset).unwrap());
        held.get(at..at + buffer.len()).map(|found| buffer.copy_from_slice(found)).is_some()
    }

    fn write_at(&self, _file: SharedFile, offset: u64, bytes: &[u8]) -> bool {
        let (mut held, at) = (self.0.borrow_mut(), usize::try_from(offset).unwrap());
        held.get_mut(at..at + bytes.len()).map(|place| place.copy_from_slice(bytes)).is_some()
    }

    fn append_denial(&self, _line: &str) {}
}

fn telling(roles: bool) -> Gate {
    gate_with(&json!({"transactionToken": {"audience": "service", "roles": roles}}))
}

fn told(gate: &mut Gate, raw: &RawRequest, shared: &dyn SharedFiles) -> Option<Vec<String>> {
    let forwarding = gate.decide(raw, moment(), shared).unwrap();
    let keys = gate_keys().transaction_keys("service");
    let word = header_of(&forwarding, "txn-token").unwrap();
    TransactionClaims::verify(word, &keys, UnixSeconds(NOW)).unwrap().rctx.roles
}

fn token_with(roles: &Value) -> String {
    token(&header(), &changed(claims(), &json!({"roles": roles})))
}

#[test]
fn the_word_tells_roles_where_it_is_asked_to_and_nowhere_else() {
    let raw = with_token("/whoami", &token_with(&json!(["operator", "auditor"])));
    assert_eq!(told(&mut telling(true), &raw, &NoSharedFiles).unwrap(), ["operator", "auditor"]);
    assert_eq!(told(&mut telling(false), &raw, &NoSharedFiles), None);
    assert_eq!(told(&mut gate(), &raw, &NoSharedFiles), None);
    let without = with_token("/whoami", &good_token());
    assert_eq!(told(&mut telling(true), &without, &NoSharedFiles), Some(Vec::new()), "told that there are none");
    let too_many = with_token("/whoami", &token_with(&json!(vec!["r"; 65])));
    assert_eq!(
        told(&mut telling(true), &too_many, &NoSharedFiles),
        None,
        "the request goes on, and its roles are not told"
    );
    let public = request("GET", "/healthz", &[("Authorization", &format!("Bearer {}", token_with(&json!(["root"]))))]);
    assert_eq!(told(&mut telling(true), &public, &NoSharedFiles), None, "nobody has looked at that token");
}

#[test]
fn a_client_gives_itself_no_roles() {
    let bearer = format!("Bearer {}", good_token());
    let own = TransactionClaims {
        iss: "https://gw.example.com",
        aud: "service",
        iat: NOW,
        exp: NOW + 30,
        txn: "1",
        sub: Some("tester 7"),
        scope: None,
        tctx: TransactionContext {
            rule: "whoami",
            method: "GET",
            host: "gw.example.com",
            target: "/whoami",
            event_types: Vec::new(),
        },
        rctx: RequesterContext { roles: Some(vec!["root"]), ..RequesterContext::default() },
    };
    let own = own.sign(&gate_keys().transaction_keys("another")).unwrap();
    for (name, value) in
        [("roles", "root"), ("X-Roles", "root"), ("Txn-Token", own.as_str()), ("txn_token", &own), ("ce-roles", "root")]
    {
        let raw = request("GET", "/whoami", &[("Authorization", bearer.as_str()), (name, value)]);
        assert_eq!(told(&mut telling(true), &raw, &NoSharedFiles), Some(Vec::new()), "{name}");
    }
    let stranger = changed(claims(), &json!({"iss": "https://other.example.com", "roles": ["root"]}));
    let raw = with_token("/whoami", &token(&header(), &stranger));
    let denied = telling(true).decide(&raw, moment(), &NoSharedFiles).unwrap_err();
    assert_eq!(denied, Denial::InvalidToken(InvalidToken::UnknownIssuer), "roles of an issuer that nobody trusts");
    let good = token_with(&json!(["operator"]));
    let (_, signature) = good.rsplit_once('.').unwrap();
    let unsigned = format!("{}.{}.{signature}", part(&header()), part(&changed(claims(), &json!({"roles": ["root"]}))));
    let denied = telling(true).decide(&with_token("/whoami", &unsigned), moment(), &NoSharedFiles).unwrap_err();
    assert_eq!(denied, Denial::InvalidToken(InvalidToken::Signature), "roles that were put in afterwards");
}

#[test]
fn what_a_gate_without_roles_has_kept_is_not_believed_by_one_that_tells_them() {
    let shared = Memory(vec![0; 16 * 1024 * 1024].into());
    let raw = with_token("/whoami", &token_with(&json!(["operator", "admin"])));
    // Its rules name one role: of the list it has kept that one.
    assert_eq!(told(&mut telling(false), &raw, &shared), None);
    assert!(shared.0.borrow().iter().any(|byte| *byte != 0), "nothing was kept");
    assert_eq!(told(&mut telling(true), &raw, &shared).unwrap(), ["operator", "admin"]);
    // What that one has kept serves the next of its kind, with all of the roles.
    assert_eq!(told(&mut telling(true), &raw, &shared).unwrap(), ["operator", "admin"]);
}
