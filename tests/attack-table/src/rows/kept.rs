//! A trust directory that a keeper keeps: what is revoked, and a keeper that has fallen silent.

use anyhow::Result;
use serde_json::{Value, json};

use super::{bad_token, denied, passes, post};
use crate::forge::{ISSUER, MANY_KEYS_ISSUER};
use crate::forgery::with_the_other_s;
use crate::gates::JWKS_FILE;
use crate::{Forge, GateName, Request, Revoked, Row, Step};

/// The keeper's file.
const HEAD: &str = "head";

/// `tests/tests/identity.rs` of `watchgate-tests` plays it with a real keeper.
const KEEPER: &str = "a head has to be written every second";

pub(super) fn rows(forge: &Forge) -> Result<Vec<Row>> {
    let mut rows = heads(forge);
    rows.extend(revoked(forge)?);
    rows.extend(keys(forge));
    Ok(rows.into_iter().map(|row| row.at(GateName::Kept).native_only(KEEPER)).collect())
}

/// A head that was written so many seconds from now, or before.
fn head(forge: &Forge, sequence: u64, seconds: i64, revocations: Option<u64>) -> Step {
    let head = json!({
        "sequence": sequence, "time": forge.after(seconds).saturating_mul(1_000), "revocations": revocations,
        "key_sets": {JWKS_FILE: forge.after(-60).saturating_mul(1_000)},
    });
    Step::File(HEAD, Some(head.to_string()))
}

/// A head of now that says that this host is one of several.
pub(super) fn head_of_host(forge: &Forge, host: &str) -> Step {
    let head = json!({"sequence": 1, "time": forge.now.saturating_mul(1_000), "host": host});
    Step::File(HEAD, Some(head.to_string()))
}

/// A head of now that names a table, and the table.
pub(super) fn table(forge: &Forge, number: u64, revoked: Vec<Revoked>) -> Vec<Step> {
    vec![Step::Revoked(revoked), head(forge, number, 0, Some(number))]
}

fn sent(forge: &Forge, status: u16) -> Step {
    Step::Send { gate: GateName::Kept, request: post(&forge.good()), status }
}

fn heads(forge: &Forge) -> Vec<Row> {
    let unknown = |name: &str, before: Vec<Step>| denied(name, 503, "trust_unknown", post(&forge.good())).after(before);
    vec![
        passes("a good token while the keeper is alive", post(&forge.good())).after(vec![head(forge, 1, 0, None)]),
        unknown("a keeper that has never spoken", vec![]),
        unknown("a keeper that has fallen silent", vec![head(forge, 1, -11, None)]),
        unknown("a head from the future", vec![head(forge, 1, 11, None)]),
        unknown("a head that is half written", vec![Step::File(HEAD, Some("{\"sequence\": 1, ".to_owned()))]),
        unknown("a keeper that falls silent after a token was let in", {
            vec![head(forge, 1, 0, None), sent(forge, 200), Step::Clock(11)]
        }),
        unknown("a head that is taken away", {
            vec![head(forge, 1, 0, None), sent(forge, 200), Step::File(HEAD, None)]
        }),
        unknown("an old head that is put back", {
            vec![head(forge, 8, 0, None), sent(forge, 200), head(forge, 7, 0, None)]
        }),
        denied("no token, whether the keeper is alive or not", 401, "no_token", Request::new("POST", "/v1/events")),
    ]
}

fn revoked(forge: &Forge) -> Result<Vec<Row>> {
    let good = forge.good();
    let is_revoked = |name: &str, token: &str, revoked: Vec<Revoked>| {
        bad_token(name, "token_revoked", token).after(table(forge, 1, revoked))
    };
    let not = |name: &str, revoked: Revoked| passes(name, post(&good)).after(table(forge, 1, vec![revoked]));
    let undated = forge.claim("iat", Value::Null);
    let in_session = forge.claim("sid", json!("session-1"));
    let of_curve = forge.draft_of(MANY_KEYS_ISSUER, "ES256", "many-p256").sign(&forge.many.p256.key);
    let rewritten = with_the_other_s(&of_curve)?;
    let mut rows = vec![
        is_revoked("a token that is revoked by itself", &good, vec![Revoked::Token(good.clone())]),
        is_revoked("a token that is revoked by its identifier", &good, vec![Revoked::Id(ISSUER, "4711")]),
        is_revoked("a token of a session that has ended", &in_session, vec![Revoked::Session(ISSUER, "session-1")]),
        is_revoked("a token of somebody who is shut out", &good, {
            vec![Revoked::Subject(ISSUER, "console-7", forge.after(1))]
        }),
        is_revoked("a token without a date of somebody who was shut out long ago", &undated, {
            vec![Revoked::Subject(ISSUER, "console-7", 1)]
        }),
        is_revoked("a revoked token with its signature written the other way", &rewritten, {
            vec![Revoked::Token(of_curve.clone())]
        }),
        is_revoked("one revoked token among many", &good, {
            let others = (0..2_000).map(|number| Revoked::Token(format!("opaque-{number}")));
            others.chain([Revoked::Token(good.clone())]).collect()
        }),
        passes("the same token with the other signature, where nothing is revoked", post(&rewritten)).after(table(
            forge,
            1,
            vec![],
        )),
        not("a token of another issuer with the identifier of a revoked one", Revoked::Id(MANY_KEYS_ISSUER, "4711")),
        not("a token that was issued after its subject was shut out", {
            Revoked::Subject(ISSUER, "console-7", forge.after(0))
        }),
        not("another token of a revoked one's subject", Revoked::Token(in_session)),
    ];
    // What a gate has seen before is looked up all the same.
    let revocation = || table(forge, 2, vec![Revoked::Id(ISSUER, "4711")]);
    let seen = |between: Vec<Step>| [vec![head(forge, 1, 0, None), sent(forge, 200)], between, revocation()].concat();
    rows.extend([
        bad_token("a cached token that is revoked", "token_revoked", &good).after(seen(vec![sent(forge, 200)])),
        bad_token("a token in the shared cache that is revoked", "token_revoked", &good)
            .after(seen(vec![Step::NewInstances])),
        denied("a table of revocations that is cut off before its end", 503, "trust_unknown", post(&good))
            .after([table(forge, 1, vec![Revoked::Id(ISSUER, "4711")]), vec![Step::CutTable(4_136)]].concat()),
        denied("a token that stands in no table, where the table is cut off", 503, "trust_unknown", post(&good))
            .after([table(forge, 1, vec![Revoked::Id(ISSUER, "another")]), vec![Step::CutTable(4_136)]].concat()),
        denied("a table of revocations that is not there", 503, "trust_unknown", post(&good))
            .after([table(forge, 1, vec![]), vec![Step::CutTable(0)]].concat()),
        denied("a table that loses its end while it is in use", 503, "trust_unknown", post(&good)).after(
            [
                table(forge, 1, vec![Revoked::Subject(ISSUER, "console-7", 1)]),
                vec![sent(forge, 200), Step::CutTable(4_136)],
            ]
            .concat(),
        ),
    ]);
    Ok(rows)
}

fn keys(forge: &Forge) -> Vec<Row> {
    let with_kid =
        |issued_at: Value| forge.sign(&forge.draft().claim("iat", issued_at).header("kid", json!("the next key")));
    let unknown =
        |name: &str, token: String| bad_token(name, "token_unknown_key", token).after(vec![head(forge, 1, 0, None)]);
    let of_unkept = forge.draft_of(MANY_KEYS_ISSUER, "EdDSA", "the next key").sign(&forge.many.ed25519.key);
    vec![
        denied("a key that may have come into use since the keeper has looked", 503, "key_awaited", {
            post(&with_kid(json!(forge.now)))
        })
        .after(vec![head(forge, 1, 0, None)]),
        unknown("a key that the keeper would have found", with_kid(json!(forge.after(-120)))),
        unknown("an unknown key of a token that says no time", with_kid(Value::Null)),
        unknown("an unknown key of an issuer whose keys nobody fetches", of_unkept),
    ]
}
