//! Where a provider answers questions about tokens: as configured, or as its own document says (OpenID Connect Discovery 1.0,
//! section 4).

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use reqwest::Url;
use serde::Deserialize;
use thiserror::Error;
use tokio::sync::Mutex;

use crate::outbound::{Outbound, OutboundError};

const DOCUMENT: &str = "/.well-known/openid-configuration";

/// How long a provider's document is believed.
const BELIEVED_FOR: Duration = Duration::from_secs(3600);

/// How soon a provider whose document was of no use is asked for it again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A provider's introspection endpoint.
pub(crate) enum Endpoint {
    /// As configured.
    Known(Url),
    /// To be found.
    Discovered { issuer: String, last: Mutex<Option<Looked>> },
}

/// What the last look has brought.
pub(crate) struct Looked {
    at: Instant,
    found: Option<Url>,
}

/// Why it is not known where to ask.
#[derive(Debug, Error)]
pub(crate) enum NotDiscovered {
    #[error("the issuer is no URL")]
    Issuer,
    #[error("no discovery document")]
    NoAnswer(#[from] OutboundError),
    #[error("the discovery document was answered with status {0}")]
    Status(StatusCode),
    #[error("the discovery document is not what it must be")]
    Invalid(#[from] serde_json::Error),
    #[error("the discovery document is another issuer's")]
    OtherIssuer,
    #[error("the introspection endpoint is no URL")]
    Url,
    #[error("the introspection endpoint of an issuer with https has none")]
    InTheClear,
    #[error("there was no discovery document a moment ago")]
    AMomentAgo,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    introspection_endpoint: String,
}

impl Endpoint {
    pub(crate) fn new(configured: Option<Url>, issuer: &str) -> Self {
        match configured {
            Some(url) => Self::Known(url),
            None => Self::Discovered { issuer: issuer.to_owned(), last: Mutex::default() },
        }
    }

    /// Where to ask. Whoever comes while somebody looks waits for what that one finds; how long, the caller bounds.
    pub(crate) async fn url(&self, outbound: &Outbound) -> Result<Url, NotDiscovered> {
        let (issuer, last) = match self {
            Self::Known(url) => return Ok(url.clone()),
            Self::Discovered { issuer, last } => (issuer, last),
        };
        let mut last = last.lock().await;
        match &*last {
            Some(Looked { at, found: Some(url) }) if at.elapsed() < BELIEVED_FOR => return Ok(url.clone()),
            Some(Looked { at, found: None }) if at.elapsed() < AGAIN_AFTER => return Err(NotDiscovered::AMomentAgo),
            _ => {}
        }
        // Written before the answer: whoever gives up on it leaves a failure behind.
        *last = Some(Looked { at: Instant::now(), found: None });
        let url = discover(outbound, issuer).await?;
        *last = Some(Looked { at: Instant::now(), found: Some(url.clone()) });
        Ok(url)
    }
}

async fn discover(outbound: &Outbound, issuer: &str) -> Result<Url, NotDiscovered> {
    let document =
        Url::parse(&format!("{}{DOCUMENT}", issuer.trim_end_matches('/'))).map_err(|_| NotDiscovered::Issuer)?;
    let answer = outbound.get(&document).await?;
    if answer.status != StatusCode::OK {
        return Err(NotDiscovered::Status(answer.status));
    }
    endpoint(&answer.body, issuer)
}

/// What an issuer's document says of its endpoint.
fn endpoint(document: &[u8], issuer: &str) -> Result<Url, NotDiscovered> {
    let document: Document = serde_json::from_slice(document)?;
    // Whoever answers for another issuer's document must not choose where this one's tokens are sent (section 4.3).
    if document.issuer != issuer {
        return Err(NotDiscovered::OtherIssuer);
    }
    let endpoint = Url::parse(&document.introspection_endpoint).map_err(|_| NotDiscovered::Url)?;
    // Tokens and our own secret go there. Without TLS only where the issuer is on this host without it as well.
    if endpoint.scheme() == "https" || issuer.starts_with("http://") {
        Ok(endpoint)
    } else {
        Err(NotDiscovered::InTheClear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(issuer: &str, introspection_endpoint: &str) -> Result<String, NotDiscovered> {
        let document = serde_json::json!({"issuer": issuer, "introspection_endpoint": introspection_endpoint});
        endpoint(document.to_string().as_bytes(), issuer).map(String::from)
    }

    #[test]
    fn an_issuer_with_tls_has_tokens_sent_nowhere_without() {
        let (https, http) = ("https://idp.example.com/introspect", "http://127.0.0.1:8090/introspect");
        assert_eq!(found("https://idp.example.com", https).unwrap(), https);
        assert_eq!(found("http://127.0.0.1:8090", http).unwrap(), http);
        assert_eq!(found("http://127.0.0.1:8090", https).unwrap(), https);
        for other in [http, "HTTP://127.0.0.1/", "ftp://idp.example.com/", "data:,x"] {
            assert!(matches!(found("https://idp.example.com", other), Err(NotDiscovered::InTheClear)), "{other}");
        }
        assert!(matches!(found("https://idp.example.com", "/introspect"), Err(NotDiscovered::Url)));
    }
}
