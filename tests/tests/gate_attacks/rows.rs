//! The table: each row is a request and the status that it must get.

use anyhow::Result;
use serde_json::{Value, json};
use watchgate_tests::forgery::{Parts, set};
use watchgate_tests::raw::RawRequest;
use watchgate_tests::{Stage, forgery};

use crate::forge::{Forge, SECOND_ISSUER, second_public_key};

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) expected: &'static [u16],
    pub(crate) request: RawRequest,
}

fn row(name: &str, expected: &'static [u16], request: RawRequest) -> Row {
    Row { name: name.into(), expected, request }
}

pub(crate) fn post(token: &str) -> RawRequest {
    RawRequest::new("POST", "/v1/events").header(format!("Authorization: Bearer {token}"))
}

fn with_token(name: &str, token: &str) -> Row {
    row(name, &[401], post(token))
}

/// All rows.
pub(crate) fn all(stage: &Stage, forge: &Forge) -> Result<Vec<Row>> {
    let mut rows = forged_tokens(stage, forge)?;
    rows.extend(wrong_claims(stage, forge)?);
    rows.extend(malformed_tokens(forge));
    rows.extend(ways_around_the_rules(forge));
    rows.extend(paths_with_two_readings());
    rows.extend(other_names_for_the_same(stage, forge));
    rows.extend(events_of_others(forge));
    rows.extend(must_pass(forge)?);
    Ok(rows)
}

fn forged_tokens(stage: &Stage, forge: &Forge) -> Result<Vec<Row>> {
    let good = &forge.good;
    let foreign_with_our_kid = {
        let mut header = forge.parts.header.clone();
        set(&mut header, "kid", json!(forge.signer.kid()));
        forge.second.sign(&header, &forge.parts.claims)?
    };
    let foreign_with_its_kid = {
        let mut header = forge.parts.header.clone();
        set(&mut header, "kid", json!(forge.second.kid()));
        forge.second.sign(&header, &forge.parts.claims)?
    };
    let ours_for_the_second = forge.claim("iss", json!(SECOND_ISSUER))?;
    let mut rows = vec![
        with_token("a tampered subject", &forgery::tampered(good, "sub", json!("root"))?),
        with_token("a tampered scope", &forgery::tampered(good, "scope", json!("events:write admin"))?),
        with_token("a prolonged expiry", &forgery::tampered(good, "exp", json!(4_102_444_800_u64))?),
        with_token("alg none", &forgery::unsigned(good, "none")?),
        with_token("alg None", &forgery::unsigned(good, "None")?),
        with_token("alg NONE", &forgery::unsigned(good, "NONE")?),
        with_token("no alg at all", &forge.header("alg", Value::Null)?),
        with_token("an empty alg", &forge.header("alg", json!(""))?),
        with_token("a number as alg", &forge.header("alg", json!(0))?),
        with_token("alg none with the real signature", &forge.header("alg", json!("none"))?),
        with_token("RS256 announced, Ed25519 signed", &forge.header("alg", json!("RS256"))?),
        with_token("an algorithm that the issuer may not use", &forge.header("alg", json!("ES256"))?),
        with_token("another issuer's key under our key id", &foreign_with_our_kid),
        with_token("another trusted issuer's key for our issuer", &foreign_with_its_kid),
        with_token("our key for another trusted issuer", &ours_for_the_second),
        with_token("an unknown key id", &forge.header("kid", json!("nobody"))?),
        with_token("a number as key id", &forge.header("kid", json!(7))?),
        with_token("an object as key id", &forge.header("kid", json!({"a": 1}))?),
        with_token("a path as key id", &forge.header("kid", json!("../../gate.key"))?),
        with_token("a critical extension", &forge.header("crit", json!(["exp"]))?),
        with_token(
            "an unencoded payload",
            &forge.header("b64", json!(false)).and_then(|token| {
                let mut parts = Parts::of(&token)?;
                set(&mut parts.header, "crit", json!(["b64"]));
                forge.signer.sign(&parts.header, &parts.claims)
            })?,
        ),
    ];
    let mut embedded = forge.parts.header.clone();
    set(&mut embedded, "jwk", second_public_key()?);
    rows.push(with_token("a key brought along in the header", &forge.second.sign(&embedded, &forge.parts.claims)?));
    set(&mut embedded, "jwk", Value::Null);
    set(&mut embedded, "jku", json!("https://attacker.example/jwks.json"));
    rows.push(with_token("a link to a key in the header", &forge.second.sign(&embedded, &forge.parts.claims)?));
    for (number, secret) in forgery::public_key_secrets(&stage.keys().join("trust/jwks/dev.json"))?.iter().enumerate() {
        let name = format!("an HMAC made from the public key, form {number}");
        rows.push(with_token(&name, &forgery::hmac_signed(good, secret)?));
    }
    Ok(rows)
}

fn wrong_claims(stage: &Stage, forge: &Forge) -> Result<Vec<Row>> {
    let claim =
        |name: &str, claim: &str, value: Value| Ok::<_, anyhow::Error>(with_token(name, &forge.claim(claim, value)?));
    let typ = |name: &str, value: Value| Ok::<_, anyhow::Error>(with_token(name, &forge.header("typ", value)?));
    Ok(vec![
        with_token("an expired token", &stage.token("console-7").scope("events:write").ttl_seconds(-60).mint()?),
        claim("no expiry", "exp", Value::Null)?,
        claim("text as expiry", "exp", json!("4102444800"))?,
        claim("a list as expiry", "exp", json!([4_102_444_800_u64]))?,
        claim("a negative expiry", "exp", json!(-1))?,
        claim("not valid before 2100", "nbf", json!(4_102_444_800_u64))?,
        claim("text as not-before", "nbf", json!("0"))?,
        claim("no issuer", "iss", Value::Null)?,
        claim("an unknown issuer", "iss", json!("https://issuer.example"))?,
        claim("our issuer with a slash behind it", "iss", json!("https://issuer.watchgate.test/"))?,
        claim("a list as issuer", "iss", json!(["https://issuer.watchgate.test"]))?,
        claim("a number as issuer", "iss", json!(1))?,
        claim("no audience", "aud", Value::Null)?,
        claim("another audience", "aud", json!("billing"))?,
        claim("an audience that begins like ours", "aud", json!("watchgate-staging"))?,
        claim("other audiences", "aud", json!(["billing", "mail"]))?,
        claim("an empty list of audiences", "aud", json!([]))?,
        claim("a number as audience", "aud", json!(7))?,
        claim("an object as audience", "aud", json!({"watchgate": true}))?,
        claim("no subject", "sub", Value::Null)?,
        claim("a number as subject", "sub", json!(7))?,
        claim(
            "a token bound to a key that nobody showed",
            "cnf",
            json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        )?,
        typ("no type", Value::Null)?,
        typ("an ID token", json!("JWT"))?,
        typ("one of our own transaction tokens' type", json!("txntoken+jwt"))?,
        typ("a number as type", json!(7))?,
        with_token("claims that are a list", &forge.signer.sign(&forge.parts.header, &json!(["sub", "console-7"]))?),
    ])
}

fn malformed_tokens(forge: &Forge) -> Vec<Row> {
    let good = &forge.good;
    let plain = || RawRequest::new("POST", "/v1/events");
    let two_parts = good.rsplit_once('.').map_or("", |(two, _)| two);
    vec![
        row("no token", &[401], plain()),
        row("an empty header", &[401], plain().header("Authorization:")),
        row("a scheme and no token", &[401], plain().header("Authorization: Bearer")),
        row("a scheme and a space", &[401], plain().header("Authorization: Bearer ")),
        row("a token without a scheme", &[401], plain().header(format!("Authorization: {good}"))),
        row("another scheme", &[401], plain().header(format!("Authorization: Basic {good}"))),
        row("a scheme that begins like ours", &[401], plain().header(format!("Authorization: BearerX {good}"))),
        row("two tokens in one header", &[401], post(&format!("{good} {good}"))),
        row("two tokens with a comma", &[401], post(&format!("{good}, Bearer {good}"))),
        row("two Authorization headers", &[400], post(good).header(format!("Authorization: Bearer {good}"))),
        row("two Authorization headers, the first one empty", &[400, 401], {
            plain().header("Authorization:").header(format!("Authorization: Bearer {good}"))
        }),
        with_token("no JWT", "let-me-in"),
        with_token("two parts", two_parts),
        with_token("four parts", &format!("{good}.x")),
        with_token("five parts", &format!("{good}.x.y")),
        with_token("padding behind the signature", &format!("{good}=")),
        with_token("an empty signature", &format!("{two_parts}.")),
        with_token("a token of 20 KiB", &format!("{good}{}", "A".repeat(20_000))),
        row("the token in the query", &[401], RawRequest::new("POST", &format!("/v1/events?access_token={good}"))),
        row("the token in a cookie", &[401], plain().header(format!("Cookie: access_token={good}"))),
        row(
            "the token under an alias of the header",
            &[401],
            plain().header(format!("X-Authorization: Bearer {good}")),
        ),
    ]
}

fn ways_around_the_rules(forge: &Forge) -> Vec<Row> {
    let good = &forge.good;
    let get = |target: &str| RawRequest::new("GET", target).header(format!("Authorization: Bearer {good}"));
    let anonymous = |target: &str| RawRequest::new("GET", target);
    vec![
        row("an event stream without a token", &[401], anonymous("/v1/events").header("Accept: text/event-stream")),
        row("a WebSocket without a token", &[401], {
            anonymous("/v1/events").header("Upgrade: websocket").header("Sec-WebSocket-Version: 13")
        }),
        row(
            "a preflight without a token",
            &[401, 403],
            RawRequest::new("OPTIONS", "/v1/events").header("Origin: https://a.example"),
        ),
        row("a method override", &[400], anonymous("/healthz").header("X-HTTP-Method-Override: DELETE")),
        row("a method override, with a good token", &[400], post(good).header("X-HTTP-Method: DELETE")),
        row("a method override under a third name", &[400], anonymous("/healthz").header("X-Method-Override: POST")),
        row(
            "a method override in another spelling",
            &[400],
            anonymous("/healthz").header("x_http_method_override: PUT"),
        ),
        row("two method overrides, the first one harmless", &[400], {
            anonymous("/healthz").header("X-HTTP-Method: GET").header("X-HTTP-Method: DELETE")
        }),
        row("early data", &[425], anonymous("/healthz").header("Early-Data: 1")),
        row("early data, with a good token", &[425], post(good).header("Early-Data: 1")),
        row("early data that says it is none", &[425], post(good).header("Early-Data: 0")),
        row("another path in X-Original-URL", &[401], anonymous("/v1/events").header("X-Original-URL: /healthz")),
        row("another path in X-Forwarded-Uri", &[401], anonymous("/v1/events").header("X-Forwarded-Uri: /healthz")),
        row("another path in X-Rewrite-URL", &[401], anonymous("/v1/events").header("X-Rewrite-URL: /healthz")),
        row("a scope that is not in the token", &[403], get("/v1/events")),
        row(
            "a method without a rule",
            &[403],
            RawRequest::new("DELETE", "/v1/events").header(format!("Authorization: Bearer {good}")),
        ),
        row(
            "a method in lower case",
            &[400, 403],
            RawRequest::new("post", "/v1/events").header(format!("Authorization: Bearer {good}")),
        ),
        row("a path without a rule", &[403], get("/")),
        row("a path that begins like a public one", &[403], anonymous("/healthzz")),
        row("a path below a public one", &[403], anonymous("/healthz/v1/events")),
        row("a path in capitals", &[403], get("/V1/EVENTS")),
        row(
            "a slash at the end",
            &[400, 403],
            RawRequest::new("POST", "/v1/events/").header(format!("Authorization: Bearer {good}")),
        ),
        row("another host", &[403], get("/healthz").host("gateway.example")),
        row("our host as a part of another", &[403], get("/healthz").host("localhost.example")),
        row("our host on another port", &[403], get("/healthz").host("localhost:1")),
        row("another host in the request line", &[403], get("https://gateway.example/healthz")),
    ]
}

/// Each is a public path to one reader of URLs and something else to another; none may be held against a rule.
fn paths_with_two_readings() -> Vec<Row> {
    let anonymous = |target: &str| RawRequest::new("GET", target);
    vec![
        row("a doubled slash", &[400], anonymous("//v1/events")),
        row("a doubled slash inside", &[400], anonymous("/v1//events")),
        row("dot segments", &[400], anonymous("/healthz/../v1/events")),
        row("a single dot", &[400], anonymous("/healthz/./x")),
        row("encoded dot segments", &[400], anonymous("/healthz/%2e%2e/v1/events")),
        row("half-encoded dot segments", &[400], anonymous("/healthz/.%2E/v1/events")),
        row("an encoded slash", &[400], anonymous("/healthz%2fv1%2fevents")),
        row("an encoded backslash", &[400], anonymous("/healthz%5cv1")),
        row("an encoded NUL", &[400], anonymous("/healthz%00")),
        row("an encoded percent sign", &[400], anonymous("/healthz%252f..")),
        row("an encoded question mark", &[400], anonymous("/healthz%3fa")),
        row("an encoded hash", &[400], anonymous("/healthz%23a")),
        row("an encoded semicolon", &[400], anonymous("/healthz%3ba")),
        row("a path parameter", &[400, 403], anonymous("/healthz;a=b/../v1/events")),
        row("an encoding that is none", &[400], anonymous("/healthz%zz")),
        row("a semicolon behind dot segments", &[400], anonymous("/healthz/..;/v1/events")),
        row("a parameter alone in a segment", &[400], anonymous("/healthz/;a")),
        row("a raw backslash", &[400], anonymous("/healthz\\..\\v1")),
        row("a raw hash", &[400], anonymous("/healthz#/v1/events")),
        row("an encoded slash in capitals", &[400], anonymous("/healthz%2Fv1%2Fevents")),
        row("an encoded backslash in capitals", &[400], anonymous("/healthz%5Cv1")),
        row("an encoded semicolon in capitals", &[400], anonymous("/healthz%3Ba=b")),
        row("an encoded line break", &[400], anonymous("/healthz%0d%0a")),
        row("an encoded tab", &[400], anonymous("/healthz%09")),
        row("an encoded delete", &[400], anonymous("/healthz%7f")),
        row("a slash in two bytes too many", &[400], anonymous("/healthz%c0%afv1")),
        row("bytes that are no text", &[400], anonymous("/healthz%ff")),
        row("an encoding cut off", &[400], anonymous("/healthz%2")),
        row("a slash of full width", &[403], anonymous("/healthz%EF%BC%8Fv1")),
    ]
}

/// A method, host or path that only a header or another spelling speaks of.
fn other_names_for_the_same(stage: &Stage, forge: &Forge) -> Vec<Row> {
    let port = stage.https_port();
    let health = || RawRequest::new("GET", "/healthz");
    let delete_as = |line: &str| {
        let token = format!("Authorization: Bearer {}", forge.good);
        row(&format!("{line} on a method without a rule"), &[400], {
            RawRequest::new("DELETE", "/v1/events").header(token).header(line)
        })
    };
    vec![
        delete_as("X-HTTP-Method-Override: POST"),
        delete_as("X-HTTP-Method: POST"),
        delete_as("X-Method-Override: POST"),
        row("a method in the query", &[401], RawRequest::new("POST", "/v1/events?_method=GET")),
        row("our host in X-Forwarded-Host", &[403], {
            health().host("gateway.example").header(format!("X-Forwarded-Host: localhost:{port}"))
        }),
        row("our host with a dot at its end", &[400, 403], health().host(&format!("localhost.:{port}"))),
        row("our host with a letter encoded", &[400, 403], health().host(&format!("%6cocalhost:{port}"))),
        row("a user before our host", &[400, 403], health().host(&format!("localhost@gateway.example:{port}"))),
        row("our host in capitals", &[200], health().host(&format!("LOCALHOST:{port}"))),
        row("a public path with a letter encoded", &[200], RawRequest::new("GET", "/%68ealthz")),
        row("a query that looks like a path", &[200], RawRequest::new("GET", "/healthz?next=/../%2F%00//")),
    ]
}

fn events_of_others(forge: &Forge) -> Vec<Row> {
    let event = |kind: &str, source: &str| {
        post(&forge.good)
            .header("ce-specversion: 1.0")
            .header("ce-id: 1")
            .header(format!("ce-type: {kind}"))
            .header(format!("ce-source: {source}"))
    };
    let own = "https://issuer.watchgate.test#console-7";
    vec![
        row(
            "an event in another's name",
            &[403],
            event("com.example.telemetry.a", "https://issuer.watchgate.test#console-8"),
        ),
        row(
            "an event in the name of one that begins like ours",
            &[403],
            event("com.example.telemetry.a", &format!("{own}0")),
        ),
        row(
            "an event in another issuer's name",
            &[403],
            event("com.example.telemetry.a", "https://other.example#console-7"),
        ),
        row(
            "an event in the service's name",
            &[403],
            event("com.example.telemetry.a", "urn:watchgate:assistant-service"),
        ),
        row("an event of a type that is not the client's", &[403], event("dev.watchgate.command.succeeded", own)),
        row("an event of a type that begins like the client's", &[403], event("com.example.telemetryx.a", own)),
    ]
}

fn must_pass(forge: &Forge) -> Result<Vec<Row>> {
    let good = &forge.good;
    let of_the_second = forge.of_the_second(forge.parts.claims["exp"].clone())?;
    Ok(vec![
        row("a good token", &[200], post(good)),
        row(
            "a good token, the scheme in lower case",
            &[200],
            RawRequest::new("POST", "/v1/events").header(format!("authorization: bearer {good}")),
        ),
        row("a good token of the second issuer", &[200], post(&of_the_second)),
        row("several audiences, ours among them", &[200], post(&forge.claim("aud", json!(["billing", "watchgate"]))?)),
        row("a public path without a token", &[200], RawRequest::new("GET", "/healthz")),
        row("a public path with a query", &[200], RawRequest::new("GET", "/healthz?verbose=1")),
        row("an event of the client's own", &[200], {
            post(good)
                .header("ce-specversion: 1.0")
                .header("ce-id: 1")
                .header("ce-type: com.example.telemetry.a")
                .header("ce-source: https://issuer.watchgate.test#console-7/unit-a")
        }),
    ])
}
