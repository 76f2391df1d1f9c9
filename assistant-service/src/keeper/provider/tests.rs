//! Against a real provider on this host, in all its moods.

use std::io::Write;

use serde_json::json;

use super::*;
use crate::testing::provider::{Answer, Provider as Server, http};

pub(crate) const KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn keys() -> String {
    format!("{{\"keys\":[{KEY}]}}")
}

fn provider_of(server: &Server, issuer: &str, jwks_uri: Option<String>) -> (Provider, tempfile::NamedTempFile) {
    let mut ca = tempfile::NamedTempFile::new().unwrap();
    ca.write_all(server.ca_pem.as_bytes()).unwrap();
    let config = IssuerConfig {
        issuer: issuer.to_owned(),
        file: "jwks/idp.json".to_owned(),
        jwks_uri: jwks_uri.map(|place| Url::parse(&place).unwrap()),
        max_age: Duration::from_secs(60),
        ca_file: Some(ca.path().to_owned()),
        allowed_networks: vec![trust_core::network::Network::parse("127.0.0.0/8").unwrap()],
    };
    (Provider::new(&config).unwrap(), ca)
}

fn base(server: &Server) -> String {
    format!("https://localhost:{}", server.address.port())
}

/// Answers discovery for `issuer` at the OpenID place and with the keys anywhere else.
fn answers(issuer: &str, jwks_uri: &str) -> impl Fn(&str, &str) -> Answer + Send + Sync + use<> {
    let metadata = json!({"issuer": issuer, "jwks_uri": jwks_uri, "and": "more"}).to_string();
    move |path, _| match path {
        "/t/.well-known/openid-configuration" => http("200 OK", &[], metadata.as_bytes()),
        "/keys" => http("200 OK", &["Cache-Control: public, max-age=600"], keys().as_bytes()),
        _ => http("404 Not Found", &[], b""),
    }
}

#[tokio::test]
async fn keys_are_found_by_discovery_once_and_fetched_again_with_one_request() {
    let server = Server::https(|_, _| http("404 Not Found", &[], b""));
    let issuer = format!("{}/t", base(&server));
    server.answer(answers(&issuer, &format!("{}/keys", base(&server))));
    let (mut provider, _ca) = provider_of(&server, &issuer, None);
    for _ in 0..2 {
        let fetched = provider.fetch().await.unwrap();
        assert_eq!((fetched.jwks, fetched.fresh_for.as_secs()), (keys().into_bytes(), 600));
    }
    let places: Vec<_> = server.seen().iter().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(places, ["/t/.well-known/openid-configuration", "/keys", "/keys"]);
}

#[tokio::test]
async fn where_keys_are_is_looked_up_again_after_a_while_whatever_was_fetched_meanwhile() {
    let server = Server::https(|_, _| http("404 Not Found", &[], b""));
    let issuer = format!("{}/t", base(&server));
    server.answer(answers(&issuer, &format!("{}/keys", base(&server))));
    let (mut provider, _ca) = provider_of(&server, &issuer, None);
    for _ in 0..3 {
        provider.fetch().await.unwrap();
        tokio::time::pause();
        tokio::time::advance(PLACE_KEPT_FOR / 2).await;
        tokio::time::resume();
    }
    let lookups = server.seen().iter().filter(|line| line.contains("/.well-known/")).count();
    assert_eq!((lookups, server.seen().len()), (2, 5));
}

#[tokio::test]
async fn a_provider_of_rfc_8414_is_found_too() {
    let server = Server::https(|_, _| http("404 Not Found", &[], b""));
    let issuer = format!("{}/t", base(&server));
    let metadata = json!({"issuer": issuer, "jwks_uri": format!("{}/keys", base(&server))}).to_string();
    server.answer(move |path, _| match path {
        "/.well-known/oauth-authorization-server/t" => http("200 OK", &[], metadata.as_bytes()),
        "/keys" => http("200 OK", &[], keys().as_bytes()),
        _ => http("404 Not Found", &[], b""),
    });
    let (mut provider, _ca) = provider_of(&server, &issuer, None);
    assert_eq!(provider.fetch().await.unwrap().fresh_for, USUAL);
}

#[tokio::test]
async fn a_provider_that_speaks_for_another_is_not_believed() {
    let server = Server::https(|_, _| http("404 Not Found", &[], b""));
    let issuer = format!("{}/t", base(&server));
    for other in [format!("{issuer}/"), "https://evil.example".to_owned(), issuer.to_uppercase()] {
        server.answer(answers(&other, &format!("{}/keys", base(&server))));
        let (mut provider, _ca) = provider_of(&server, &issuer, None);
        assert!(matches!(provider.fetch().await, Err(CannotFetch::OtherIssuer(found)) if found == other));
    }
    assert!(server.seen().iter().all(|line| !line.contains("/keys")));
}

#[tokio::test]
async fn keys_are_not_fetched_without_tls_or_from_where_they_may_not_be() {
    let server = Server::https(|_, _| http("404 Not Found", &[], b""));
    let issuer = format!("{}/t", base(&server));
    for place in ["http://127.0.0.1:1/keys", "file:///etc/passwd", "https://169.254.169.254/keys", "keys", ""] {
        server.answer(answers(&issuer, place));
        let (mut provider, _ca) = provider_of(&server, &issuer, None);
        let outcome = provider.fetch().await;
        let is_refused =
            matches!(outcome, Err(CannotFetch::JwksUri | CannotFetch::Outbound(OutboundError::Address, _)));
        assert!(is_refused, "{place} {outcome:?}");
    }
}

#[tokio::test]
async fn answers_that_are_no_keys_are_failures() {
    let symmetric = r#"{"keys":[{"kty":"oct","kid":"x","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U"}]}"#;
    let server = Server::https(|_, _| http("404 Not Found", &[], b""));
    let place = format!("{}/keys", base(&server));
    let (mut provider, _ca) = provider_of(&server, "urn:any", Some(place));
    let large = vec![b' '; 5 * 1024 * 1024];
    for answer in [
        http("200 OK", &[], b"<html>"),
        http("200 OK", &[], b"{\"keys\":[]}"),
        http("200 OK", &[], KEY.as_bytes()),
        http("200 OK", &[], symmetric.as_bytes()),
        http("200 OK", &[], &large),
        http("500 Internal Server Error", &[], keys().as_bytes()),
        http("206 Partial Content", &[], keys().as_bytes()),
        http("304 Not Modified", &[], b""),
        http("302 Found", &["Location: /elsewhere"], b""),
        Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"keys\"".to_vec()),
        Answer::Bytes(b"garbage\r\n\r\n".to_vec()),
    ] {
        server.answer(move |_, _| answer.clone());
        assert!(provider.fetch().await.is_err());
    }
}

#[tokio::test]
async fn keys_that_have_not_changed_are_not_sent_again() {
    let server = Server::https(|_, head| {
        if head.contains("if-none-match: \"7\"") {
            http("304 Not Modified", &["Cache-Control: max-age=1200"], b"")
        } else {
            http("200 OK", &["ETag: \"7\""], keys().as_bytes())
        }
    });
    let (mut provider, _ca) = provider_of(&server, "urn:any", Some(format!("{}/keys", base(&server))));
    assert_eq!(provider.fetch().await.unwrap().fresh_for, USUAL);
    let again = provider.fetch().await.unwrap();
    assert_eq!((again.jwks, again.fresh_for.as_secs()), (keys().into_bytes(), 1200));
}

#[test]
fn how_long_keys_are_fresh_lies_between_five_minutes_and_twelve_hours() {
    for (value, expected) in [
        ("", 3600),
        ("public", 3600),
        ("max-age=0", 300),
        ("max-age=60", 300),
        ("public, MAX-AGE=900, must-revalidate", 900),
        ("max-age=\"900\"", 900),
        ("max-age=99999999", 43_200),
        ("max-age=99999999999999999999999", 300),
        ("max-age=-1", 300),
        ("no-store, max-age=900", 300),
        ("s-maxage=900", 3600),
    ] {
        let headers = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_str(value).unwrap())]);
        assert_eq!(fresh_for(&headers).as_secs(), expected, "{value}");
    }
    assert_eq!(fresh_for(&HeaderMap::new()), USUAL);
}

#[test]
fn metadata_lies_behind_the_issuers_path_or_before_it() {
    for (issuer, openid, oauth) in [
        ("https://a.example", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
        ("https://a.example/", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
        (
            "https://a.example/t/1",
            "/t/1/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/t/1",
        ),
    ] {
        let places = metadata_places(issuer).unwrap();
        assert_eq!([places[0].path(), places[1].path()], [openid, oauth]);
    }
}
