//! Claims that were verified before: by another gate, for another policy, at another time, or by nobody at all.

use serde_json::json;

use super::{bad_token, denied, get, passes, post};
use crate::forge::set_of;
use crate::forgery::tampered;
use crate::gates::{ONE_TWIN, OTHER_TWIN};
use crate::keys::Key;
use crate::{Forge, GateName, Row, Seen, Spoiling, Step};

const SHARED: &str = "rows through Traefik share their files";

fn known(gate: GateName, token: &str) -> Step {
    Step::Send { gate, request: post(token), status: 200 }
}

pub(super) fn rows(forge: &Forge) -> Vec<Row> {
    let mut rows = by_other_gates(forge);
    rows.extend(at_other_times(forge));
    rows.extend(by_nobody(forge));
    rows.into_iter().map(|row| row.native_only(SHARED)).collect()
}

/// What one gate has verified counts for another only when the other would have done just the same.
fn by_other_gates(forge: &Forge) -> Vec<Row> {
    let good = &forge.good();
    let early = &forge.claim("nbf", json!(forge.after(200)));
    let suspended = &forge.claim("suspended", json!(true));
    let banned = &forge.claim("flags", json!(["banned"]));
    let unsuspended = |token: &str| get("/table/unsuspended").token(token);
    let knows =
        |name: &str, gate, reason| bad_token(name, reason, good).at(gate).after(vec![known(GateName::Caching, good)]);
    let twin = |issuer: &str| {
        let draft = forge.draft_of(issuer, "EdDSA", forge.second.kid);
        draft.sign(&forge.second.key)
    };
    let of_twin = |issuer: &str| {
        passes(format!("a known token of {issuer}, who shares a key"), post(&twin(issuer)))
            .at(GateName::Twins)
            .after(vec![known(GateName::Twins, &twin(issuer)), Step::NewInstances])
            .sees(vec![Seen::Only("ce-authid", format!("{issuer}#console-7"))])
    };
    vec![
        knows("a token known for another audience", GateName::OtherAudience, "token_audience"),
        knows("a token known where another type is taken", GateName::OtherType, "token_type"),
        knows("a token known where another algorithm is", GateName::OtherAlgorithm, "token_algorithm_not_allowed"),
        bad_token("a token known where clocks may differ more", "token_not_yet_valid", early)
            .at(GateName::Caching)
            .after(vec![known(GateName::Lenient, early)]),
        denied("a claim that another gate does not keep", 403, "insufficient_claims", unsuspended(suspended))
            .at(GateName::Caching)
            .after(vec![known(GateName::Careless, suspended)]),
        denied("a list's member that another gate does not keep", 403, "insufficient_claims", unsuspended(banned))
            .at(GateName::Caching)
            .after(vec![known(GateName::Forgetful, banned)]),
        of_twin(ONE_TWIN),
        of_twin(OTHER_TWIN),
    ]
}

fn at_other_times(forge: &Forge) -> Vec<Row> {
    let good = &forge.good();
    let caching = |row: Row, before: Vec<Step>| row.at(GateName::Caching).after(before);
    let brief = &forge.claim("exp", json!(forge.after(10)));
    let late = &forge.claim("nbf", json!(forge.after(100)));
    let other_keys = set_of([&Key::ed25519(31).with("kid", json!(forge.ed25519.kid))]).to_string();
    let new_keys = || Step::File("jwks/dev.json", Some(other_keys.clone()));
    let mut rows = vec![
        caching(
            bad_token("a known token whose key was replaced", "token_signature", good),
            // Met a second time, it is kept in the instance as well.
            vec![known(GateName::Caching, good), known(GateName::Caching, good), new_keys()],
        ),
        caching(
            bad_token("a known token whose key was replaced, in a new instance", "token_signature", good),
            vec![known(GateName::Caching, good), Step::NewInstances, new_keys()],
        ),
    ];
    rows.push(caching(
        bad_token("a known token whose key was replaced under another instance", "token_signature", good),
        vec![
            known(GateName::Caching, good),
            Step::NewInstances,
            Step::Send { gate: GateName::Caching, request: get("/healthz"), status: 200 },
            new_keys(),
        ],
    ));
    for (name, between) in [("", Vec::new()), (", in a new instance", vec![Step::NewInstances])] {
        let mut before = vec![known(GateName::Caching, brief), known(GateName::Caching, brief)];
        before.extend(between.clone());
        before.push(Step::Clock(41));
        rows.push(caching(bad_token(format!("a known token that has expired{name}"), "token_expired", brief), before));
        let mut before = vec![Step::Clock(100), known(GateName::Caching, late), known(GateName::Caching, late)];
        before.extend(between);
        before.push(Step::Clock(0));
        let name = format!("a token known from the future{name}");
        rows.push(caching(bad_token(name, "token_not_yet_valid", late), before));
    }
    rows
}

/// What somebody wrote who may write to the file.
fn by_nobody(forge: &Forge) -> Vec<Row> {
    let good = &forge.good();
    let caching = |row: Row, before: Vec<Step>| row.at(GateName::Caching).after(before);
    let forged = &tampered(good, "sub", json!("root")).unwrap_or_default();
    let only_the_caller = || vec![Seen::Only("x-auth-subject", "console-7".to_owned())];
    vec![
        caching(passes("a known token", post(good)).sees(only_the_caller()), vec![known(GateName::Caching, good)]),
        caching(
            bad_token("another token with the signature of a known one", "token_signature", forged),
            vec![known(GateName::Caching, good)],
        ),
        caching(
            passes("a subject that was changed in the file", post(good)).sees(only_the_caller()),
            vec![
                known(GateName::Caching, good),
                Step::NewInstances,
                Step::Spoil(Spoiling::Replace("console-7", "console-8")),
            ],
        ),
        caching(
            denied("a scope that was changed in the file", 403, "insufficient_claims", {
                post(&forge.scope("events:wrote"))
            }),
            vec![
                Step::Send { gate: GateName::Caching, request: post(&forge.scope("events:wrote")), status: 403 },
                Step::NewInstances,
                Step::Spoil(Spoiling::Replace("events:wrote", "events:write")),
            ],
        ),
        caching(
            bad_token("a forged token after slots were copied everywhere", "token_signature", forged),
            vec![known(GateName::Caching, good), Step::NewInstances, Step::Spoil(Spoiling::CopyEverywhere)],
        ),
    ]
}
