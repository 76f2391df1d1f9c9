//! Each is a public path to one reader of URLs and something else to another; none may be held against a rule.

use super::{denied, get, passes, refused_by_server};
use crate::{Forge, Request, Row};

pub(super) fn rows(forge: &Forge) -> Vec<Row> {
    let ambiguous = |name: &str, target: &str| denied(name, 400, "ambiguous_path", get(target));
    let good = &forge.good();
    vec![
        ambiguous("a doubled slash", "//v1/events"),
        ambiguous("a doubled slash inside", "/v1//events"),
        ambiguous("dot segments", "/healthz/../v1/events"),
        ambiguous("dot segments at the end", "/v1/events/.."),
        ambiguous("a single dot", "/healthz/./x"),
        ambiguous("encoded dot segments", "/healthz/%2e%2e/v1/events"),
        ambiguous("half-encoded dot segments", "/healthz/.%2E/v1/events"),
        ambiguous("a doubled slash beside an encoded letter", "/%76%31//events"),
        ambiguous("an encoded slash", "/healthz%2fv1%2fevents"),
        ambiguous("an encoded backslash", "/healthz%5cv1"),
        ambiguous("an encoded NUL", "/healthz%00"),
        ambiguous("an encoded percent sign", "/healthz%252f.."),
        ambiguous("an encoded question mark", "/healthz%3fa"),
        ambiguous("an encoded hash", "/healthz%23a"),
        ambiguous("an encoded semicolon", "/healthz%3ba"),
        ambiguous("a path parameter", "/healthz;a=b/../v1/events"),
        refused_by_server("an encoding that is none", get("/healthz%zz")),
        ambiguous("a semicolon behind dot segments", "/healthz/..;/v1/events"),
        ambiguous("a parameter alone in a segment", "/healthz/;a"),
        ambiguous("a raw backslash", "/healthz\\..\\v1"),
        refused_by_server("a raw hash", get("/healthz#/v1/events")),
        ambiguous("an encoded slash in capitals", "/healthz%2Fv1%2Fevents"),
        ambiguous("an encoded backslash in capitals", "/healthz%5Cv1"),
        ambiguous("an encoded semicolon in capitals", "/healthz%3Ba=b"),
        ambiguous("an encoded line break", "/healthz%0d%0a"),
        ambiguous("an encoded tab", "/healthz%09"),
        ambiguous("an encoded delete", "/healthz%7f"),
        ambiguous("an encoded control character of two bytes", "/healthz%c2%85"),
        ambiguous("a slash in two bytes too many", "/healthz%c0%afv1"),
        ambiguous("bytes that are no text", "/healthz%ff"),
        refused_by_server("an encoding cut off", get("/healthz%2")),
        denied("a slash of full width", 403, "no_rule", get("/healthz%EF%BC%8Fv1")),
        denied("a query that is no text", 400, "malformed_target", get("/healthz?\u{ff}")),
        denied("a target of 9,000 bytes", 400, "malformed_target", get(&format!("/healthz?{}", "a".repeat(9_000)))),
        denied("a target that is no path", 400, "malformed_target", get("*"))
            .native_only("Traefik finds no route for it"),
        denied("a path without a rule", 403, "no_rule", get("/").token(good)),
        denied("a path that begins like a public one", 403, "no_rule", get("/healthzz")),
        denied("a path below a public one", 403, "no_rule", get("/healthz/v1/events")),
        denied("a path in capitals", 403, "no_rule", get("/V1/EVENTS").token(good)),
        denied("a slash at the end", 403, "no_rule", Request::new("POST", "/v1/events/").token(good)),
        passes("a public path without a token", get("/healthz")),
        passes("a public path with a query", get("/healthz?verbose=1")),
        passes("a public path with a letter encoded", get("/%68ealthz")),
        passes("a query that looks like a path", get("/healthz?next=/../%2F%00//")),
    ]
}
