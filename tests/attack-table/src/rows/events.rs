//! Events in somebody else's name, and events that are no events.

use serde_json::json;

use super::{denied, passes, post};
use crate::{Forge, Request, Row, Seen};

const OWN: &str = "https://issuer.watchgate.test#console-7";
const TYPE: &str = "com.example.telemetry.a";

fn event(forge: &Forge, kind: &str, source: &str) -> Request {
    post(&forge.good()).headers([
        "ce-specversion: 1.0".to_owned(),
        "ce-id: 1".to_owned(),
        format!("ce-type: {kind}"),
        format!("ce-source: {source}"),
    ])
}

pub(super) fn rows(forge: &Forge) -> Vec<Row> {
    let of = |source: &str| event(forge, TYPE, source);
    let below = |segment: &str| event(forge, TYPE, &format!("{OWN}{segment}"));
    let kind = |kind: &str| event(forge, kind, OWN);
    let foreign = |name: &str, request| denied(name, 403, "foreign_event_source", request);
    let wrong_type = |name: &str, request| denied(name, 403, "foreign_event_type", request);
    vec![
        foreign("an event in another's name", of("https://issuer.watchgate.test#console-8")),
        foreign("an event in the name of one that begins like ours", below("0")),
        foreign("an event in another issuer's name", of("https://other.example#console-7")),
        foreign("an event in the service's name", of("urn:watchgate:assistant-service")),
        foreign("an event of a source above the caller's", below("/../console-8")),
        foreign("an event of a source with a dot segment", below("/./a")),
        foreign("an event of a source with an empty segment", below("//a")),
        foreign("an event of a source that ends with a slash", below("/")),
        foreign("an event of a source with a backslash", below("/a\\b")),
        foreign("an event of a source with a hash", below("/a#b")),
        foreign("an event of a source with a space", below("/a%20b")),
        foreign("an event of a source with an encoded slash", below("/a%252Fb")),
        foreign("an event of a source with an encoded backslash", below("/a%255Cb")),
        foreign("an event of a source with an encoded NUL", below("/a%2500")),
        foreign("an event of a source with an encoded hash", below("/a%2523b")),
        foreign("an event of a caller whose name holds a slash, in the name of what lies below another", {
            let of_unit = forge.claim("sub", json!("console-7/unit-a"));
            let mut request = below("/unit-a");
            request.headers.retain(|line| !line.starts_with("Authorization"));
            request.token(&of_unit)
        }),
        foreign("an event of a source with encoded dots", below("/%252e%252e/console-8")),
        foreign("an event of a source with dots that the header encodes", below("/%2e%2e/console-8")),
        wrong_type("an event of a type that is not the client's", kind("dev.watchgate.command.succeeded")),
        wrong_type("an event of a type that begins like the client's", kind("com.example.telemetryx.a")),
        wrong_type("an event of the type above the client's", kind("com.example.telemetry")),
        wrong_type("an event of a type that ends too early", kind("com.example.telemetry.")),
        denied("an event of a type that is badly encoded", 400, "malformed_header", kind("com.example.telemetry.%zz")),
        denied("an event whose source is badly encoded", 400, "malformed_header", below("/%ff")),
        denied("an event of two types", 400, "repeated_header", kind(TYPE).header("ce-type: com.example.telemetry.b")),
        denied("an event of two sources", 400, "repeated_header", {
            of(OWN).header("ce-source: https://issuer.watchgate.test#console-8")
        }),
        denied("an event with an attribute twice", 400, "repeated_header", of(OWN).header("ce-a: 1").header("ce-a: 2")),
        denied("an event with an attribute that is no ASCII", 400, "malformed_header", of(OWN).header("ce-a: \u{e9}")),
        passes("an event of the client's own", below("/unit-a")).sees(vec![
            Seen::Only("ce-source", format!("{OWN}/unit-a")),
            Seen::Only("ce-type", TYPE.to_owned()),
            Seen::Only("ce-authid", OWN.to_owned()),
        ]),
        passes("an event of a caller whose name the header encodes", of(&OWN.replace("console", "%63onsole"))),
    ]
}
