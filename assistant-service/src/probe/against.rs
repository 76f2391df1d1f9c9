//! Plays against a gateway that is a router of the test.

use std::sync::Mutex;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use zeroize::Zeroizing;

use super::attacks::Forger;
use super::credential::Token;
use super::gateway::Gateway;
use super::settings::Settings;
use super::walk::{Identity, Tokens, Walk};
use crate::clock::SystemClock;

pub(super) const NOW: i64 = 1_800_000_000;

/// A token such as the probe has, signed by nobody.
pub(super) fn own(algorithm: &str) -> Token {
    let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({"alg": algorithm, "typ": "at+jwt", "kid": "k1"}));
    let claims = part(
        json!({"iss": "https://idp", "sub": "probe", "aud": ["watchgate"], "exp": NOW + 600, "iat": NOW, "scope": "events:read mediations"}),
    );
    Token::of(Zeroizing::new(format!("{header}.{claims}.c2lnbmF0dXJl")))
}

/// A round's way to this router, with `more` in the file.
pub(super) async fn against<T>(app: axum::Router, more: &str, play: impl AsyncFnOnce(&Walk<'_>, &Identity) -> T) -> T {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let text = format!(
        "stateFile: /s\ngateway: {{url: '{url}', allowedNetworks: [127.0.0.0/8]}}\ntoken: {{file: /t}}\n{more}"
    );
    let settings = Settings::read(&text).unwrap();
    let (gateway, tokens, clock) = (Gateway::open(&settings).unwrap(), Tokens::default(), SystemClock);
    let identity = Identity { principal: "https://idp#probe".to_owned(), token: tokens.add(own("EdDSA")) };
    let (forger, sessions) = (Forger::default(), Mutex::new(None));
    let (settings, gateway, tokens, forger, sessions) = (&settings, &gateway, &tokens, &forger, &sessions);
    play(&Walk { settings, clock: &clock, gateway, tokens, forger, sessions }, &identity).await
}
