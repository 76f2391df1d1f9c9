//! Where a request comes from, and who brings too many bad tokens.

use serde_json::json;

use super::{bad_token, denied, get, passes, post};
use crate::forgery::tampered;
use crate::{Forge, GateName, Row, Step};

const MACHINE: &str = "a proxy on this machine stands before Traefik only when it does so for all rows";

pub(super) fn rows(forge: &Forge) -> Vec<Row> {
    let mut rows = addresses();
    rows.extend(throttled(forge));
    rows
}

fn addresses() -> Vec<Row> {
    let inside = |forwarded: &str| get("/table/inside").header(format!("X-Forwarded-For: {forwarded}"));
    let behind = |row: Row| row.at(GateName::BehindProxy).native_only(MACHINE);
    let inside_of = |row: Row| row.at(GateName::BehindProxy);
    vec![
        passes("a source that its rule does not forbid", get("/table/source")),
        denied("a source that its rule forbids", 403, "no_rule", get("/table/source")).from("10.0.0.9:4711"),
        denied("a source that its rule forbids, in the form of IPv6", 403, "no_rule", get("/table/source"))
            .from("[::ffff:10.0.0.9]:4711"),
        denied("a source that has no address", 400, "unknown_source", get("/table/source")).from("@"),
        denied("an address of the client's own making", 403, "no_rule", inside("10.0.0.1"))
            .at(GateName::BehindProxy)
            .from("203.0.113.9:4711"),
        behind(denied("an address left of the proxy's", 403, "no_rule", inside("10.0.0.1, 203.0.113.7"))),
        behind(denied("an address in a line before the proxy's", 403, "no_rule", {
            inside("10.0.0.1").header("X-Forwarded-For: 203.0.113.7")
        })),
        behind(denied("a proxy that names nobody", 400, "unknown_source", get("/table/proxy"))),
        behind(denied("a proxy that names something else", 400, "unknown_source", {
            get("/table/proxy").header("X-Forwarded-For: unknown")
        })),
        behind(passes("an address that the proxy names", inside("203.0.113.7, 10.0.0.1"))),
        inside_of(denied("a client's address where its rule asks for another", 403, "no_rule", {
            get("/table/inside").header("X-Forwarded-For: 203.0.113.7")
        }))
        .native_only(MACHINE),
    ]
}

fn throttled(forge: &Forge) -> Vec<Row> {
    let forged = |subject: &str| tampered(&forge.good(), "sub", json!(subject)).unwrap_or_default();
    let send = |token: &str, status| Step::Send { gate: GateName::Throttling, request: post(token), status };
    let expired = forge.claim("exp", json!(forge.after(-60)));
    let two_bad = || vec![send(&forged("a"), 401), send(&forged("b"), 401)];
    let throttled = |name: &str, token: &str| denied(name, 429, "throttled", post(token)).at(GateName::Throttling);
    let shared = "rows through Traefik come from one source, so one of them is enough";
    vec![
        bad_token("a bad token after tokens that had only expired", "token_signature", forged("c"))
            .at(GateName::Throttling)
            .after(vec![send(&expired, 401), send(&expired, 401), send(&expired, 401)])
            .native_only(shared),
        throttled("a third bad token within a minute", &forged("c")).after(two_bad()),
        throttled("a good token that nobody knows, after two bad ones", &forge.scope("events:write"))
            .after(two_bad())
            .native_only(shared),
        throttled("a new instance after bad tokens", &forged("c"))
            .after([two_bad(), vec![Step::NewInstances]].concat())
            .native_only(shared),
        bad_token("a bad token two minutes later", "token_signature", forged("c"))
            .at(GateName::Throttling)
            .after([two_bad(), vec![Step::Clock(121)]].concat())
            .native_only("Traefik's clock is everybody's"),
        passes("a token that is known, after bad ones", post(&forge.good()))
            .at(GateName::Throttling)
            .after([vec![send(&forge.good(), 200)], two_bad()].concat())
            .native_only(shared),
    ]
}
