//! Opaque tokens that an exchange has written down, and what would pass for one.

use serde_json::{Value, json};

use super::kept::table;
use super::{bad_token, passes, post};
use crate::forge::ISSUER;
use crate::forgery::set;
use crate::gates::{EXCHANGE, OPAQUE_ISSUER};
use crate::hash::Hash;
use crate::keys::encoded;
use crate::{Forge, GateName, Revoked, Row, Seen, Step};

/// What the client holds.
pub(super) const OPAQUE: &str = "7Fjfp0ZBr1KtDRbnfVdmIw";

/// `tests/tests/opaque.rs` of `watchgate-tests` plays it with a real exchange.
const EXCHANGES: &str = "a head has to be written every second, and an exchange stands before the gate";

pub(super) fn origin() -> Value {
    json!({"iss": OPAQUE_ISSUER, "digest": encoded(Hash::Sha256.digest(OPAQUE.as_bytes()))})
}

/// In the place of [`OPAQUE`], bound as that one is.
pub(super) fn exchanged(forge: &Forge, origin: Value, confirmation: &Value) -> String {
    let draft = forge.draft_of(EXCHANGE, "EdDSA", forge.second.kid).claim("cnf", confirmation.clone());
    draft.header("typ", json!("phantom+jwt")).claim("origin", origin).sign(&forge.second.key)
}

pub(super) fn rows(forge: &Forge) -> Vec<Row> {
    let good = exchanged(forge, origin(), &Value::Null);
    let with = |member: &str, value: Value| {
        let mut changed = origin();
        set(&mut changed, member, value);
        exchanged(forge, changed, &Value::Null)
    };
    let bad = |name: &str, token: String| bad_token(name, "token_origin", token);
    let principal = || vec![Seen::Only("ce-authid", format!("{OPAQUE_ISSUER}#console-7"))];
    let sent = Step::Send { gate: GateName::Exchanging, request: post(&good), status: 200 };
    let untyped = forge.draft_of(EXCHANGE, "EdDSA", forge.second.kid).claim("origin", origin());
    let rows = vec![
        passes("an exchanged token is its own issuer's", post(&good)).sees(principal()),
        passes("an exchanged token out of the shared cache is its own issuer's", post(&good))
            .sees(principal())
            .after([table(forge, 1, vec![]), vec![sent.clone(), Step::NewInstances]].concat()),
        bad("an exchanged token that says nothing of its origin", exchanged(forge, Value::Null, &Value::Null)),
        bad("an exchanged token of an issuer for whom the exchange may not speak", with("iss", json!(ISSUER))),
        bad("an exchanged token without the issuer of its origin", with("iss", Value::Null)),
        bad("an exchanged token without the digest of its origin", with("digest", Value::Null)),
        bad("an exchanged token with half a digest", with("digest", json!("AAAA"))),
        bad_token("a token of the exchange that is none in another's place", "token_type", {
            untyped.sign(&forge.second.key)
        }),
        bad_token("a token of an ordinary issuer that looks like an exchanged one", "token_type", {
            forge.sign(&forge.draft().header("typ", json!("phantom+jwt")).claim("origin", origin()))
        }),
        passes("an ordinary token that names an origin is its own issuer's all the same", {
            post(&forge.claim("origin", origin()))
        })
        .sees(vec![Seen::Only("ce-authid", format!("{ISSUER}#console-7"))]),
    ];
    let revoked = |name: &str, revoked: Revoked| {
        bad_token(name, "token_revoked", &good)
            .after([table(forge, 1, vec![]), vec![sent.clone()], table(forge, 2, vec![revoked])].concat())
    };
    let revocations = [
        revoked("an exchanged token whose opaque one is revoked", Revoked::Token(OPAQUE.to_owned())),
        revoked("an exchanged token that its own issuer's identifier revokes", Revoked::Id(OPAQUE_ISSUER, "4711")),
    ];
    let with_head = |row: Row| if row.before.is_empty() { row.after(table(forge, 1, vec![])) } else { row };
    let all = rows.into_iter().map(with_head).chain(revocations);
    all.map(|row| row.at(GateName::Exchanging).native_only(EXCHANGES)).collect()
}
