//! Tokens that an issuer of ours makes for the subjects of another one: they stand for themselves, and count as that issuer's.

use anyhow::Result;
use serde_json::{Value, json};

use super::exchanged::{OPAQUE, origin};
use super::kept::table;
use super::{bad_token, denied, passes, post};
use crate::forge::{Draft, ISSUER};
use crate::gates::{DEPUTY, EXCHANGE, OPAQUE_ISSUER};
use crate::proof::ProofKey;
use crate::{Forge, GateName, Request, Revoked, Row, Seen, Step};

const DEPUTIES: &str = "a head has to be written every second, and a service signs the tokens";

const SEED: u8 = 23;
/// The login of the person who let the session in.
const LOGIN: &str = "login-1";
const SESSION: &str = "01981d3c-7a4b-7000-8000-000000000001";

fn draft(forge: &Forge, issuer: &str, token_type: &str, origin: Value) -> Draft {
    let draft = forge.draft_of(issuer, "EdDSA", forge.second.kid).claim("sid", json!(SESSION));
    draft.header("typ", json!(token_type)).claim("origin", origin)
}

fn sign(forge: &Forge, draft: &Draft) -> String {
    draft.sign(&forge.second.key)
}

fn bring(token: &str, proof: &str) -> Request {
    Request::new("POST", "/v1/events").header(format!("Authorization: DPoP {token}")).header(format!("DPoP: {proof}"))
}

pub(super) fn rows(forge: &Forge) -> Result<Vec<Row>> {
    let itself = || json!({"iss": OPAQUE_ISSUER});
    let session = |origin: Value| sign(forge, &draft(forge, DEPUTY, "session+jwt", origin));
    let good = session(itself());
    let principal = || vec![Seen::Only("ce-authid", format!("{OPAQUE_ISSUER}#console-7"))];
    let sent = |token: &str| Step::Send { gate: GateName::Exchanging, request: post(token), status: 200 };
    let bad = |name: &str, origin: Value| bad_token(name, "token_origin", session(origin));
    let typed = |name: &str, issuer: &str, token_type: &str| {
        bad_token(name, "token_type", sign(forge, &draft(forge, issuer, token_type, itself())))
    };
    let mut rows = vec![
        passes("a deputy's token is its subject's own issuer's", post(&good)).sees(principal()),
        passes("a deputy's token out of the shared cache is its subject's own issuer's", post(&good))
            .sees(principal())
            .after([table(forge, 1, vec![]), vec![sent(&good), Step::NewInstances]].concat()),
        bad("a deputy's token that says nothing of its origin", Value::Null),
        bad("a deputy's token for an issuer for whom it may not speak", json!({"iss": ISSUER})),
        bad("a deputy's token without the issuer of its origin", json!({})),
        bad("a deputy's token with half a digest", json!({"iss": OPAQUE_ISSUER, "digest": "AAAA"})),
        bad("a deputy's token whose digest is a number", json!({"iss": OPAQUE_ISSUER, "digest": 1})),
        bad(
            "a deputy's token that was made in no session that can be looked up",
            json!({"iss": OPAQUE_ISSUER, "sid": 7}),
        ),
        typed("a deputy's token of the exchange's type", DEPUTY, "phantom+jwt"),
        typed("an exchange's token of a deputy's type", EXCHANGE, "session+jwt"),
    ];
    let revoked = |name: &str, revoked: Revoked| {
        bad_token(name, "token_revoked", &good)
            .after([table(forge, 1, vec![]), vec![sent(&good)], table(forge, 2, vec![revoked])].concat())
    };
    rows.extend([
        revoked("a deputy's token that is revoked itself", Revoked::Token(good.clone())),
        revoked("a deputy's token whose session is revoked", Revoked::Session(OPAQUE_ISSUER, SESSION)),
        revoked("a deputy's token whose subject is shut out", {
            Revoked::Subject(OPAQUE_ISSUER, "console-7", forge.now.saturating_add(1))
        }),
    ]);
    let in_login = session(json!({"iss": OPAQUE_ISSUER, "sid": LOGIN}));
    let ended = |name: &str, issuer: &'static str, between: Vec<Step>| {
        let row = if issuer == OPAQUE_ISSUER {
            bad_token(name, "token_revoked", &in_login)
        } else {
            passes(name, post(&in_login))
        };
        let revoked = table(forge, 2, vec![Revoked::Session(issuer, LOGIN)]);
        row.after([table(forge, 1, vec![]), vec![sent(&in_login)], between, revoked].concat())
    };
    rows.extend([
        ended("a deputy's token of a login that is revoked", OPAQUE_ISSUER, vec![]),
        ended(
            "a deputy's token of a login that is revoked, out of the shared cache",
            OPAQUE_ISSUER,
            vec![Step::NewInstances],
        ),
        ended("a deputy's token of a login, where another issuer's of that name is revoked", ISSUER, vec![]),
    ]);
    rows.extend(proofs(forge)?);
    let with_head = |row: Row| if row.before.is_empty() { row.after(table(forge, 1, vec![])) } else { row };
    Ok(rows.into_iter().map(|row| with_head(row).at(GateName::Exchanging).native_only(DEPUTIES)).collect())
}

/// The client proves for the very token that it holds.
fn proofs(forge: &Forge) -> Result<Vec<Row>> {
    let key = ProofKey::new(SEED)?;
    let bound = draft(forge, DEPUTY, "session+jwt", json!({"iss": OPAQUE_ISSUER})).claim("cnf", key.confirmation());
    let token = sign(forge, &bound);
    let proof = |held: &str, jti: &str| {
        bring(&token, &key.sign(&key.draft(held, "POST", "https://exchanging.localhost/v1/events", forge.now, jti)))
    };
    let sent = Step::Send { gate: GateName::Exchanging, request: proof(&token, "before"), status: 200 };
    let named = sign(forge, &bound.clone().claim("origin", origin()));
    let proved = |held: &str, jti: &str| {
        bring(&named, &key.sign(&key.draft(held, "POST", "https://exchanging.localhost/v1/events", forge.now, jti)))
    };
    Ok(vec![
        passes("a proof for a deputy's token", proof(&token, "deputy")),
        passes("a proof for a deputy's token that is in the shared cache", proof(&token, "after"))
            .after([table(forge, 1, vec![]), vec![sent, Step::NewInstances]].concat()),
        denied("a proof for another token than the deputy's", 401, "proof_token", proof(OPAQUE, "opaque-of-deputy")),
        denied("a deputy's token that is bound to a key, borne", 401, "token_without_proof", post(&token)),
        denied("a proof for a deputy's token that stands for another", 401, "proof_token", proved(&named, "named")),
    ])
}
