//! Callers who are known and may not, by each condition that rules can set.

use serde_json::{Value, json};

use super::{denied, get, passes, post};
use crate::{Forge, GateName, Request, Row};

pub(super) fn rows(forge: &Forge) -> Vec<Row> {
    let mut rows = requests(forge);
    rows.extend(scopes(forge));
    rows.extend(other_claims(forge));
    rows.extend(logins(forge));
    rows
}

fn requests(forge: &Forge) -> Vec<Row> {
    let good = &forge.good();
    let cancel = |target: &str| Request::new("POST", target).token(&forge.scope("commands:request"));
    vec![
        denied("a method without a rule", 403, "no_rule", Request::new("DELETE", "/v1/events").token(good)),
        denied(
            "a method in lower case",
            400,
            "malformed_method_or_host",
            Request::new("post", "/v1/events").token(good),
        ),
        denied("a path that begins like a prefix", 403, "no_rule", {
            get("/v1/runbooksx").token(&forge.scope("runbooks:read"))
        }),
        passes("a path below a prefix", get("/v1/runbooks/x").token(&forge.scope("runbooks:read"))),
        denied("a path that a pattern fits in part", 403, "no_rule", cancel("/x/v1/commands/7/cancel")),
        denied("a path that begins as a pattern does", 403, "no_rule", cancel("/v1/commands/7/cancel/x")),
        passes("a path that a pattern fits", cancel("/v1/commands/7/cancel")),
        passes("a call off by whoever approves", {
            Request::new("POST", "/v1/commands/7/cancel").token(&forge.scope("commands:approve"))
        }),
        denied("a call off by a service", 403, "insufficient_claims", {
            Request::new("POST", "/v1/commands/7/cancel").token(&forge.scope("commands:lease"))
        }),
        denied("a host that its rule does not name", 403, "no_rule", get("/table/host")).at(GateName::Anywhere),
        passes("a host that its rule names", get("/table/host").host("other.localhost"))
            .at(GateName::Anywhere)
            .native_only("Traefik finds this gate by its host"),
        denied(
            "an address that its rule does not name",
            403,
            "no_rule",
            get("/table/inside").header("X-Real-Ip: 10.0.0.1"),
        )
        .at(GateName::BehindProxy)
        .from("203.0.113.9:4711"),
    ]
}

fn scopes(forge: &Forge) -> Vec<Row> {
    let with = |scope: &str, target: &str| get(target).token(&forge.scope(scope));
    let insufficient = |name: &str, request| denied(name, 403, "insufficient_claims", request);
    vec![
        insufficient("a scope that is not in the token", get("/v1/events").token(&forge.good())),
        insufficient("a scope that begins like the right one", with("events:reader", "/v1/events")),
        insufficient("a scope that the right one begins like", with("events", "/v1/events")),
        insufficient("a scope with a comma behind it", with("events:read,x", "/v1/events")),
        insufficient("no scope at all", get("/v1/events").token(&forge.claim("scope", Value::Null))),
        insufficient(
            "a list of lists as scopes",
            get("/v1/events").token(&{
                let draft = forge.draft().claim("scope", Value::Null).claim("scp", json!([["events:read"]]));
                forge.sign(&draft)
            }),
        ),
        insufficient("one of two scopes", with("one", "/table/both")),
        insufficient("none of two scopes", with("three", "/table/either")),
        passes("both scopes", with("two one", "/table/both")),
        passes("one scope of two", with("two", "/table/either")),
        passes(
            "scopes as a list",
            get("/v1/events").token(&{
                let draft = forge.draft().claim("scope", Value::Null).claim("scp", json!(["events:read"]));
                forge.sign(&draft)
            }),
        ),
    ]
}

fn other_claims(forge: &Forge) -> Vec<Row> {
    let with = |claim: &str, value: Value, target: &str| get(target).token(&forge.claim(claim, value));
    let insufficient = |name: &str, request| denied(name, 403, "insufficient_claims", request);
    vec![
        insufficient("another role", with("roles", json!(["administrator", "adm"]), "/table/role")),
        insufficient("a role in a text of several", with("roles", json!("admin guest"), "/table/role")),
        passes("the right role, alone and no list", with("roles", json!("admin"), "/table/role")),
        insufficient("a role as a group", with("groups", json!(["admin"]), "/table/role")),
        passes("the right role", with("roles", json!(["guest", "admin"]), "/table/role")),
        insufficient("another group", with("groups", json!(["staffers"]), "/table/group")),
        insufficient("a group as a role", with("roles", json!(["staff"]), "/table/group")),
        passes("the right group", with("groups", json!(["staff"]), "/table/group")),
        insufficient("a claim with another value", with("team", json!("reds"), "/table/claim")),
        insufficient("a claim that is a list", with("team", json!(["red"]), "/table/claim")),
        passes("a claim with the right value", with("team", json!("red"), "/table/claim")),
        insufficient("a list that holds another value", with("teams", json!(["blue", "reddish"]), "/table/contains")),
        insufficient("text that holds the value", with("teams", json!("red, blue"), "/table/contains")),
        passes("text that is the value", with("teams", json!("red"), "/table/contains")),
        passes("a list that holds the value", with("teams", json!(["blue", "red"]), "/table/contains")),
        insufficient("a token of another issuer than the rule's", get("/table/issuer").token(&forge.good())),
        passes("a token of the rule's issuer", {
            get("/table/issuer").token(&forge.of_the_second(json!(forge.after(600))))
        }),
        insufficient("what a rule forbids", with("suspended", json!(true), "/table/not")),
        passes("nothing that a rule forbids", with("suspended", json!(false), "/table/not")),
    ]
}

fn logins(forge: &Forge) -> Vec<Row> {
    let login = |acr: &str, at: Value| {
        let draft = forge.draft().claim("acr", json!(acr)).claim("auth_time", at);
        get("/table/login").token(&forge.sign(&draft))
    };
    let strong = "urn:table:strong";
    let step_up = |name: &str, request| denied(name, 401, "insufficient_login", request);
    vec![
        step_up("a login that is too weak", login("urn:table:weak", json!(forge.now))),
        step_up("a login that is too old", login(strong, json!(forge.after(-400)))),
        step_up("a login of the future", login(strong, json!(forge.after(600)))),
        step_up("a login at a time that is text", login(strong, json!(forge.now.to_string()))),
        step_up("no login that is told of", get("/table/login").token(&forge.good())),
        passes("a fresh and strong login", login(strong, json!(forge.after(-60)))),
        denied("a good token without the scope", 403, "insufficient_claims", post(&forge.scope("assistant:ask"))),
    ]
}
