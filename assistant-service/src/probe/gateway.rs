//! The gateway as a client calls it: from outside, over TLS, with a bound on the time and the size of each answer.

use anyhow::Context;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;
use zeroize::Zeroizing;

use super::settings::Settings;
use crate::outbound::{Outbound, OutboundAnswer};

const MOST_SAID_CHARACTERS: usize = 200;

/// Made anew for each round, so that each begins with a handshake, as a client that comes along does.
pub(super) struct Gateway {
    outbound: Outbound,
    address: Url,
}

/// A request before it is sent.
pub(super) struct Call<'a> {
    gateway: &'a Gateway,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// What came back.
pub(super) struct Answer(OutboundAnswer);

impl Gateway {
    pub(super) fn open(settings: &Settings) -> anyhow::Result<Self> {
        let outbound = Outbound::new(&settings.reach).context("the gateway cannot be called as given")?;
        Ok(Self { outbound, address: settings.gateway.clone() })
    }

    /// The address of a path, which is not tidied up.
    pub(super) fn url(&self, path: &str) -> anyhow::Result<Url> {
        self.address.join(path).context("no path")
    }

    pub(super) fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call { gateway: self, method, path: path.into(), headers: HeaderMap::new(), body: Vec::new() }
    }

    pub(super) fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(super) fn post(&self, path: impl Into<String>, body: &Value) -> Call<'_> {
        self.call(Method::POST, path).body("application/json", body.to_string().into_bytes())
    }
}

impl Call<'_> {
    pub(super) fn bearer(self, token: &str) -> Self {
        self.authorization("Bearer", token)
    }

    /// What no header can carry is left out: then the gate says that there is no token.
    pub(super) fn authorization(mut self, scheme: &str, token: &str) -> Self {
        let text = Zeroizing::new(format!("{scheme} {token}"));
        if let Ok(mut value) = HeaderValue::from_str(&text) {
            value.set_sensitive(true);
            self.headers.insert(AUTHORIZATION, value);
        }
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    pub(super) fn body(mut self, content_type: &'static str, body: Vec<u8>) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body;
        self
    }

    /// A form, encoded as a query is.
    pub(super) fn form(self, fields: &[(&str, &str)]) -> Self {
        let mut url = self.gateway.address.clone();
        url.query_pairs_mut().clear().extend_pairs(fields);
        let form = url.query().unwrap_or_default().as_bytes().to_vec();
        self.body("application/x-www-form-urlencoded", form)
    }

    pub(super) async fn send(self) -> anyhow::Result<Answer> {
        let Self { gateway, method, path, headers, body } = self;
        let url = gateway.url(&path)?;
        let answer = gateway.outbound.call(method.clone(), &url, headers, body).await;
        answer.map(Answer).with_context(|| format!("{method} {}", url.path()))
    }

    /// The answer, which must have this status.
    pub(super) async fn expect(self, status: u16) -> anyhow::Result<Answer> {
        let what = format!("{} {}", self.method, self.path.split('?').next().unwrap_or_default());
        let answer = self.send().await?;
        anyhow::ensure!(answer.status() == status, "{what} was answered {}, not {status}", answer.said());
        Ok(answer)
    }
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.0.body
    }

    pub(super) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.0.body).context("the answer is no JSON")
    }

    /// The status, and what a problem says of it.
    pub(super) fn said(&self) -> String {
        let problem: Option<Value> = serde_json::from_slice(&self.0.body).ok();
        let text = |name: &str| problem.as_ref()?.get(name)?.as_str().map(plain);
        let said = text("detail").or_else(|| text("title")).or_else(|| text("error"));
        let status = self.0.status;
        said.map_or_else(|| status.to_string(), |said| format!("{status} ({said})"))
    }
}

/// Somebody else's words as they may stand in a log, a table and an alert: short, and with nothing that a terminal obeys.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MOST_SAID_CHARACTERS).collect()
}

/// A text of the answer, at this JSON pointer.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> anyhow::Result<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("the answer has no text at {pointer}"))
}
