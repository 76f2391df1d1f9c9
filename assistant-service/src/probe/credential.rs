//! A token as a client has one: out of a file that somebody renews, or from the identity provider by client credentials.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use trust_core::Mistake;
use trust_core::principal::Principal;
use zeroize::Zeroizing;

use super::settings::reach;
use crate::exchange::client_authentication::ClientMethod;
use crate::exchange::settings::read_authentication;
use crate::outbound::{Outbound, OutboundSettings};
use crate::section::Section;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_TOKEN_BYTES: usize = 64 * 1024;
const DOCUMENT: &str = "/.well-known/openid-configuration";

/// Where a token comes from.
#[derive(Debug)]
pub(super) enum CredentialSettings {
    /// Read again each time.
    File(PathBuf),
    /// Asked for each time (RFC 6749, section 4.4).
    Client(Box<ClientCredentials>),
}

#[derive(Debug)]
pub(super) struct ClientCredentials {
    issuer: String,
    /// Found by discovery where it is missing.
    token_endpoint: Option<Url>,
    client_id: String,
    method: ClientMethod,
    /// `scope`, `resource` and `audience`, where they are said.
    asked: Vec<(&'static str, String)>,
    reach: OutboundSettings,
}

/// A token; its claims are what it says of itself, and nobody has verified them: it is our own.
pub(super) struct Token {
    pub(super) text: Zeroizing<String>,
    pub(super) header: Option<Value>,
    pub(super) unverified_claims: Option<Value>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    token_endpoint: String,
}

impl CredentialSettings {
    pub(super) fn read(item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Self> {
        if item.at("file").is_there() {
            item.only_keys(&["file"], mistakes);
            return item.path("file", mistakes).map(Self::File);
        }
        let keys = ["issuer", "tokenEndpoint", "auth", "scope", "resource", "audience", "caFile", "allowedNetworks"];
        item.only_keys(&keys, mistakes);
        let issuer = item.required("issuer", mistakes);
        let token_endpoint = item.url("tokenEndpoint", mistakes);
        let authentication = read_authentication(&item.at("auth"), mistakes);
        let asked = ["scope", "resource", "audience"];
        let asked = asked.into_iter().filter_map(|key| Some((key, item.text(key, mistakes)?))).collect();
        let reach = reach(item, TIMEOUT, mistakes);
        let (client_id, method) = authentication?;
        let client = ClientCredentials { issuer: issuer?, token_endpoint, client_id, method, asked, reach };
        Some(Self::Client(Box::new(client)))
    }

    /// Whether each token that it gives is a new one.
    pub(super) const fn gives_new_ones(&self) -> bool {
        matches!(self, Self::Client(_))
    }

    /// A token, at `now` in Unix seconds.
    pub(super) async fn obtain(&self, now: i64) -> anyhow::Result<Token> {
        let text = match self {
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path).await;
                Zeroizing::new(text.with_context(|| format!("{} cannot be read", path.display()))?.trim().to_owned())
            }
            Self::Client(client) => client.ask(now).await.context("the identity provider gives no token")?,
        };
        ensure!(!text.is_empty() && text.len() <= MAX_TOKEN_BYTES, "what should be a token is none");
        Ok(Token::of(text))
    }
}

impl ClientCredentials {
    async fn ask(&self, now: i64) -> anyhow::Result<Zeroizing<String>> {
        let settings = OutboundSettings { client_identity: self.method.identity()?, ..self.reach.clone() };
        let outbound = Outbound::new(&settings)?;
        let endpoint = match &self.token_endpoint {
            Some(url) => url.clone(),
            None => self.discovered(&outbound).await?,
        };
        let proof = self.method.proof(&self.client_id, &self.issuer, now)?;
        let mut fields = vec![("grant_type", "client_credentials")];
        fields.extend(proof.fields.iter().map(|(name, value)| (*name, value.as_str())));
        fields.extend(self.asked.iter().map(|(name, value)| (*name, value.as_str())));
        let answer = outbound.post_form(&endpoint, &fields, &proof.authentication).await?;
        ensure!(answer.status == StatusCode::OK, "it answered with {}", answer.status);
        let granted: Granted = serde_json::from_slice(&answer.body).context("its answer holds no access token")?;
        Ok(granted.access_token)
    }

    async fn discovered(&self, outbound: &Outbound) -> anyhow::Result<Url> {
        let url = Url::parse(&format!("{}{DOCUMENT}", self.issuer.trim_end_matches('/')))?;
        let answer = outbound.get(&url).await.context("no discovery document")?;
        ensure!(answer.status == StatusCode::OK, "its discovery document was answered with {}", answer.status);
        let document: Document = serde_json::from_slice(&answer.body).context("its discovery document is none")?;
        // Whoever answers for another issuer must not choose where our secret is sent.
        ensure!(document.issuer == self.issuer, "its discovery document is another issuer's");
        let endpoint = Url::parse(&document.token_endpoint).context("its token endpoint is no URL")?;
        let is_secure = endpoint.scheme() == "https" || self.issuer.starts_with("http://");
        ensure!(is_secure, "its token endpoint is one without TLS");
        Ok(endpoint)
    }
}

impl Token {
    pub(super) fn of(text: Zeroizing<String>) -> Self {
        let part = |number| {
            let part = text.split('.').nth(number)?;
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        let (header, unverified_claims) = (part(0), part(1));
        Self { text, header, unverified_claims }
    }

    fn claim(&self, name: &str) -> Option<&Value> {
        self.unverified_claims.as_ref()?.get(name)
    }

    /// When it ends, in Unix seconds, if it says so.
    pub(super) fn expires_at(&self) -> Option<i64> {
        self.claim("exp")?.as_i64()
    }

    /// Whose it is, if it says so.
    pub(super) fn principal(&self) -> Option<String> {
        let text = |name| self.claim(name).and_then(Value::as_str).map(str::to_owned);
        Some(Principal::new(text("iss")?, text("sub")?).uri())
    }

    /// Whether it has this scope; nothing where it does not say.
    pub(super) fn has_scope(&self, scope: &str) -> Option<bool> {
        let said = self.claim("scope").or_else(|| self.claim("scp"))?;
        Some(match said {
            Value::String(text) => text.split(' ').any(|one| one == scope),
            Value::Array(list) => list.iter().any(|one| one.as_str() == Some(scope)),
            _ => false,
        })
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}
