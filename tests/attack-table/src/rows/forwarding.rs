//! Requests that pass, with headers that must not.

use super::{get, passes, post};
use crate::forgery::tampered;
use crate::{Forge, GateName, Request, Row, Seen};

/// What the gate says of a caller, and nobody else may.
const IDENTITY_HEADERS: [&str; 6] =
    ["x-auth-subject", "txn-token", "ce-authid", "ce-authtype", "ce-correlationid", "ce-subject"];

/// Traefik's word on the client's certificate.
const CERTIFICATE_HEADERS: [&str; 2] = ["x-forwarded-tls-client-cert", "x-forwarded-tls-client-cert-info"];

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A name in every spelling that some back end takes for the same.
pub fn spellings(name: &str) -> [String; 7] {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str())).unwrap_or_default()
    };
    [
        name.to_owned(),
        name.replace('-', "_"),
        name.replacen('-', "_", 1),
        name.replace('-', "."),
        name.to_uppercase(),
        name.to_uppercase().replace('-', "_"),
        name.split('-').map(capital).collect::<Vec<_>>().join("-"),
    ]
}

/// Each spelling twice: who removes only the first leaves the second.
pub fn spoofed(name: &str) -> Vec<(String, String)> {
    spellings(name)
        .into_iter()
        .flat_map(|name| [(name.clone(), "root".to_owned()), (name, "also-root".to_owned())])
        .collect()
}

fn lines(name: &str) -> Vec<String> {
    spoofed(name).into_iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

/// The caller, once, and nobody else.
fn only_the_caller() -> Vec<Seen> {
    vec![
        Seen::Nowhere("root"),
        Seen::Only("x-auth-subject", "console-7".to_owned()),
        Seen::Only("ce-authid", "https://issuer.watchgate.test#console-7".to_owned()),
        Seen::Once("txn-token"),
        Seen::Once("traceparent"),
        Seen::No("authorization"),
    ]
}

fn nobody() -> Vec<Seen> {
    vec![Seen::Nowhere("root"), Seen::No("x-auth-subject"), Seen::No("ce-authid")]
}

pub(super) fn rows(forge: &Forge) -> Vec<Row> {
    let good = &forge.good();
    let mut rows = Vec::new();
    for name in IDENTITY_HEADERS.into_iter().chain(CERTIFICATE_HEADERS) {
        rows.push(passes(format!("{name} of a client's own"), post(good).headers(lines(name))).sees(only_the_caller()));
        let anonymous = get("/healthz").headers(lines(name));
        rows.push(passes(format!("{name} of somebody unknown"), anonymous).sees(nobody()));
    }
    rows.extend(attributes(forge));
    rows.extend(traces(forge));
    rows.extend(observed(forge));
    rows.push(
        passes("certificates in other spellings where Traefik vouches for its own", {
            post(good).headers(["X_Forwarded_Tls_Client_Cert: root", "X.Forwarded.Tls.Client.Cert.Info: root"])
        })
        .at(GateName::Trusting)
        .sees(only_the_caller()),
    );
    rows
}

/// What stands beside an event of the client's own, and beside none.
fn attributes(forge: &Forge) -> Vec<Row> {
    let good = &forge.good();
    let own = || {
        post(good).headers([
            "ce-specversion: 1.0",
            "ce-id: 1",
            "ce-type: com.example.telemetry.a",
            "ce-source: https://issuer.watchgate.test#console-7",
        ])
    };
    vec![
        passes("an attribute that is no event", post(good).header("ce-a: root")).sees(only_the_caller()),
        passes("an event for a rule that takes none", {
            Request::new("POST", "/v1/ask").token(good).headers([
                "ce-type: dev.watchgate.command.root",
                "ce-source: https://root.example",
                "ce-id: root",
            ])
        })
        .sees(vec![
            Seen::Nowhere("root"),
            Seen::Only("ce-type", "dev.watchgate.question".to_owned()),
            Seen::Once("ce-source"),
            Seen::Once("ce-id"),
        ]),
        passes("a word on the caller beside an event", own().header("ce-authlevel: root")).sees(only_the_caller()),
        passes("another spelling beside an event", own().header("ce_type: root")).sees(only_the_caller()),
        passes("an attribute beside an event", own().header("ce-a: mine"))
            .sees(vec![Seen::Only("ce-a", "mine".to_owned())]),
        passes("a correlation beside an event", own().header("ce-correlationid: mine"))
            .sees(vec![Seen::Only("ce-correlationid", "mine".to_owned())]),
        passes("a correlation of 200 letters beside an event", {
            own().header(format!("ce-correlationid: root{}", "a".repeat(200)))
        })
        .sees(only_the_caller()),
        passes("a correlation without an event", post(good).header("ce-correlationid: root")).sees(only_the_caller()),
    ]
}

fn traces(forge: &Forge) -> Vec<Row> {
    let good = &forge.good();
    let with = |trace: &str| post(good).header(format!("traceparent: {trace}"));
    let mut rows = vec![
        passes("a trace of the client's own", with(&format!("00-{TRACE}-{PARENT}-01")))
            .sees(vec![Seen::Only("traceparent", format!("00-{TRACE}-{PARENT}-01"))]),
        passes("the state of a trace of the client's own", {
            with(&format!("00-{TRACE}-{PARENT}-01")).header("tracestate: vendor=1")
        })
        .sees(vec![Seen::Only("tracestate", "vendor=1".to_owned())]),
    ];
    let (zero_trace, zero_parent, capitals) = ("0".repeat(32), "0".repeat(16), TRACE.to_uppercase());
    for (name, trace, never) in [
        ("a trace of another version", format!("01-{TRACE}-{PARENT}-01"), TRACE),
        ("a trace of zeros", format!("00-{zero_trace}-{PARENT}-01"), PARENT),
        ("a trace below zeros", format!("00-{TRACE}-{zero_parent}-01"), TRACE),
        ("a trace with a part too many", format!("00-{TRACE}-{PARENT}-01-00"), TRACE),
        ("a trace that is too short", format!("00-{TRACE}-b7ad-01"), TRACE),
        ("a trace in capitals", format!("00-{capitals}-{PARENT}-01"), PARENT),
        ("a trace without flags", format!("00-{TRACE}-{PARENT}"), TRACE),
    ] {
        let request = with(&trace).header("tracestate: root=1");
        let seen = vec![Seen::Nowhere(never), Seen::Once("traceparent"), Seen::No("tracestate")];
        rows.push(passes(name, request).sees(seen));
    }
    let two = with(&format!("00-{TRACE}-{PARENT}-01")).header(format!("traceparent: 00-{PARENT}{PARENT}-{PARENT}-01"));
    rows.push(passes("two traces", two).sees(vec![Seen::Once("traceparent")]));
    rows
}

/// A gate that only observes lets everything pass, but nobody's identity.
fn observed(forge: &Forge) -> Vec<Row> {
    let forged = tampered(&forge.good(), "sub", serde_json::json!("other")).unwrap_or_default();
    let mut rows = Vec::new();
    for name in IDENTITY_HEADERS.into_iter().chain(CERTIFICATE_HEADERS) {
        let request = post(&forged).headers(lines(name));
        let mut seen = nobody();
        seen.extend([Seen::No("txn-token"), Seen::No("authorization")]);
        rows.push(
            passes(format!("{name} beside a bad token before a gate that observes"), request)
                .at(GateName::Observing)
                .sees(seen),
        );
    }
    let upgrade = super::get("/healthz").header("Upgrade: h2c").header("HTTP2-Settings: AAMAAABkAAQAAP__");
    rows.push(
        passes("an upgrade to HTTP/2 before a gate that observes", upgrade)
            .at(GateName::Observing)
            .sees(vec![Seen::No("upgrade"), Seen::No("http2-settings")]),
    );
    rows
}
