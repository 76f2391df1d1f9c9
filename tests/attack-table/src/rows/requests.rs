//! Requests that are wrong before any token is looked at, and ways around the rules.

use super::{denied, get, passes, post, refused_by_server, row};
use crate::{Expected, Forge, GateName, Request, Row, Step};

pub(super) fn rows(forge: &Forge, authority: &str) -> Vec<Row> {
    let mut rows = ways_around_the_rules(forge);
    rows.extend(methods(forge));
    rows.extend(hosts(authority));
    rows.extend(headers(forge));
    rows.extend(without_keys_or_configuration(forge));
    rows
}

fn ways_around_the_rules(forge: &Forge) -> Vec<Row> {
    let good = &forge.good();
    let health = || get("/healthz");
    vec![
        denied("an event stream without a token", 401, "no_token", {
            get("/v1/events").header("Accept: text/event-stream")
        }),
        denied("a WebSocket without a token", 401, "no_token", {
            get("/v1/events").header("Upgrade: websocket").header("Sec-WebSocket-Version: 13")
        }),
        denied("an upgrade to HTTP/2 in clear text", 400, "upgrade", {
            health().headers([
                "Upgrade: h2c",
                "Connection: Upgrade, HTTP2-Settings",
                "HTTP2-Settings: AAMAAABkAAQAAP__",
            ])
        }),
        denied("an upgrade to a WebSocket and to HTTP/2", 400, "upgrade", health().header("Upgrade: websocket, h2c")),
        denied("two upgrades, the first one harmless", 400, "upgrade", {
            health().header("Upgrade: websocket").header("Upgrade: h2c")
        }),
        denied("a preflight without a token", 403, "no_rule", {
            Request::new("OPTIONS", "/v1/events").header("Origin: https://a.example")
        }),
        denied("early data", 425, "too_early", health().header("Early-Data: 1")),
        denied("early data, with a good token", 425, "too_early", post(good).header("Early-Data: 1")),
        denied("early data that says it is none", 425, "too_early", post(good).header("Early-Data: 0")),
        denied("early data in another spelling", 425, "too_early", health().header("Early_Data: 1")),
        denied("another path in X-Original-URL", 400, "target_override", {
            get("/v1/events").header("X-Original-URL: /healthz")
        }),
        denied("a protected path in X-Original-URL", 400, "target_override", {
            health().header("X-Original-URL: /v1/events")
        }),
        denied("a protected path in x_original_url", 400, "target_override", {
            health().header("x_original_url: /v1/events")
        }),
        denied("a protected path in the second X-Rewrite-URL", 400, "target_override", {
            health().header("X-Rewrite-URL: /healthz").header("X-Rewrite-URL: /v1/events")
        }),
        passes("its own path in X-Original-URL", health().header("X-Original-URL: /healthz")),
        denied(
            "another path in X-Forwarded-Uri",
            401,
            "no_token",
            get("/v1/events").header("X-Forwarded-Uri: /healthz"),
        ),
    ]
}

fn methods(forge: &Forge) -> Vec<Row> {
    let good = &forge.good();
    let health = || get("/healthz");
    let delete = || Request::new("DELETE", "/v1/events").token(good);
    vec![
        denied("a method override", 400, "method_override", health().header("X-HTTP-Method-Override: DELETE")),
        denied(
            "a method override, with a good token",
            400,
            "method_override",
            post(good).header("X-HTTP-Method: DELETE"),
        ),
        denied(
            "a method override under a third name",
            400,
            "method_override",
            health().header("X-Method-Override: POST"),
        ),
        denied("a method override in another spelling", 400, "method_override", {
            health().header("x_http_method_override: PUT")
        }),
        denied("two method overrides, the first one harmless", 400, "method_override", {
            health().header("X-HTTP-Method: GET").header("X-HTTP-Method: DELETE")
        }),
        denied("X-HTTP-Method-Override: POST on a method without a rule", 400, "method_override", {
            delete().header("X-HTTP-Method-Override: POST")
        }),
        denied("X-HTTP-Method: POST on a method without a rule", 400, "method_override", {
            delete().header("X-HTTP-Method: POST")
        }),
        denied("X-Method-Override: POST on a method without a rule", 400, "method_override", {
            delete().header("X-Method-Override: POST")
        }),
        passes("a method override that overrides nothing", health().header("X-HTTP-Method: GET")),
        denied("a method in the query", 401, "no_token", Request::new("POST", "/v1/events?_method=GET")),
        denied("a method of 65 letters", 400, "malformed_method_or_host", Request::new(&"A".repeat(65), "/healthz")),
        denied("a method that is no token", 400, "malformed_method_or_host", Request::new("GET/", "/healthz"))
            .native_only("Go's server refuses it first"),
        denied("an empty method", 400, "malformed_method_or_host", Request::new("", "/healthz"))
            .native_only("Go's server refuses it first"),
    ]
}

fn hosts(authority: &str) -> Vec<Row> {
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    let health = || get("/healthz");
    let malformed = |name: &str, host: &str| denied(name, 400, "malformed_method_or_host", health().host(host));
    vec![
        denied("another host", 403, "foreign_host", health().host("gateway.example")),
        denied("our host as a part of another", 403, "foreign_host", health().host("localhost.example")),
        denied("our host on another port", 403, "foreign_host", health().host("localhost:1")),
        denied("another host in the request line", 403, "foreign_host", get("https://gateway.example/healthz")),
        denied("our host in X-Forwarded-Host", 403, "foreign_host", {
            health().host("gateway.example").header(format!("X-Forwarded-Host: {authority}"))
        }),
        malformed("our host with a dot at its end", &format!("localhost.:{port}")),
        malformed("our host with a letter encoded", &format!("%6cocalhost:{port}")),
        refused_by_server("a user before our host", health().host(&format!("localhost@gateway.example:{port}"))),
        malformed("a host that ends with a colon", "localhost:"),
        malformed("a port without a host", ":443"),
        malformed("no host", ""),
        malformed("a host of 300 letters", &"a".repeat(300)),
        refused_by_server("two hosts", health().header("Host: gateway.example")),
        passes("our host in capitals", health().host(&format!("LOCALHOST:{port}"))),
        denied("metadata for another host", 403, "foreign_host", {
            get("/.well-known/oauth-protected-resource").host("other.trusting.localhost")
        })
        .at(GateName::Trusting)
        .native_only("Traefik finds this gate by its host"),
        row("metadata for anybody", Expected::AnsweredByGate, get("/.well-known/oauth-protected-resource"))
            .at(GateName::Trusting),
        denied("another method on the metadata", 403, "no_rule", {
            Request::new("DELETE", "/.well-known/oauth-protected-resource")
        })
        .at(GateName::Trusting),
        denied("a path below the metadata", 403, "no_rule", get("/.well-known/oauth-protected-resource/x"))
            .at(GateName::Trusting),
    ]
}

fn headers(forge: &Forge) -> Vec<Row> {
    let good = &forge.good();
    let rule = || get("/table/header");
    let long = |bytes: usize| rule().header(format!("X-Role: {}", "a".repeat(bytes)));
    let mut rows = vec![
        passes("a header that its rule lets pass", rule().header("X-Role: guest")),
        denied("a header that its rule does not let pass", 403, "no_rule", rule().header("X-Role: admin")),
        denied("a rule's header twice", 400, "repeated_header", rule().header("X-Role: guest").header("X-Role: admin")),
        denied("a rule's header in another spelling", 400, "repeated_header", rule().header("X_Role: admin")),
        denied("a rule's header that is no text", 400, "malformed_header", rule().header("X-Role: \u{ff}admin")),
        denied("a rule's header of 17 KiB", 400, "malformed_header", long(17 * 1024)),
        denied("300 values of one header", 400, "too_many_headers", {
            get("/healthz").headers((0..300).map(|number| format!("Ce-A: {number}")))
        }),
        denied("300 headers", 400, "too_many_headers", {
            get("/healthz").headers((0..300).map(|number| format!("X-Header-{number}: a")))
        }),
    ];
    for header in [
        "Txn-Token",
        "ce-authid",
        "CE-ID",
        "X-Auth-Subject",
        "x_auth_subject",
        "Traceparent",
        "X-Forwarded-Tls-Client-Cert",
        "X-Forwarded-Tls-Client-Cert-Info",
    ] {
        let connection = format!("Connection: keep-alive,  {header}");
        rows.push(
            denied(format!("{header} named as hop-by-hop"), 400, "hop_by_hop", post(good).header(connection))
                .native_only("this Traefik takes away what `Connection` names before a plugin looks"),
        );
    }
    rows.push(
        denied("a rule's header named as hop-by-hop", 400, "hop_by_hop", {
            rule().header("X-Role: guest").header("Connection: close, X_Role")
        })
        .native_only("this Traefik takes away what `Connection` names before a plugin looks"),
    );
    rows
}

fn without_keys_or_configuration(forge: &Forge) -> Vec<Row> {
    let good = &forge.good();
    vec![
        denied("a configuration with a mistake", 503, "not_configured", get("/healthz")).at(GateName::Mistaken),
        denied("an issuer with public keys and secrets", 503, "not_configured", post(good)).at(GateName::Mixed),
        denied("a gate without keys of its own", 503, "keys_unavailable", post(good))
            .at(GateName::Caching)
            .after(vec![Step::File("gate.key", None)])
            .native_only("all gates of the stage share one key"),
        denied("keys that are gone", 503, "keys_unavailable", post(good))
            .at(GateName::Caching)
            .after(vec![
                Step::Send { gate: GateName::Caching, request: post(good), status: 200 },
                Step::File("jwks/dev.json", None),
            ])
            .native_only("all rows share one key set"),
    ]
}
