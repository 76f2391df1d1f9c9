//! Asking for tokens: as a machine with its secret, or for a person who logs in.

use anyhow::{Context, Result};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use super::{CLIENT_SECRET, IdentityProvider, browser, endpoint};
use crate::client::expect_json;
use crate::dpop::DpopKey;

/// What the token is for (RFC 8707), and with it what the token is.
#[derive(Clone, Debug)]
pub struct Resource(String);

impl Resource {
    /// A JWT (RFC 9068), signed with ES256 unless told otherwise.
    pub fn jwt() -> Resource {
        Resource("https://resource.watchgate.test/jwt?".to_owned())
    }

    /// A token that only the provider can read.
    pub fn opaque() -> Resource {
        Resource("https://resource.watchgate.test/opaque?".to_owned())
    }

    /// `RS256`, `ES256` or `EdDSA`.
    #[must_use]
    pub fn algorithm(self, algorithm: &str) -> Resource {
        Resource(format!("{}&alg={algorithm}", self.0))
    }

    /// Seconds until it expires, in place of 600.
    #[must_use]
    pub fn ttl_seconds(self, seconds: u32) -> Resource {
        Resource(format!("{}&ttl={seconds}", self.0))
    }

    /// Another audience than `watchgate`.
    #[must_use]
    pub fn audience(self, audience: &str) -> Resource {
        Resource(format!("{}&aud={audience}", self.0))
    }
}

/// What the provider has given.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// `Bearer` or `DPoP`.
    pub token_type: String,
    /// For new ones; a machine gets none.
    pub refresh: Option<String>,
}

/// A token that is about to be asked for.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    provider: &'a IdentityProvider,
    resource: Resource,
    scope: String,
    key: Option<&'a DpopKey>,
    certified: Option<&'a Client>,
}

impl<'a> Grant<'a> {
    pub(super) fn new(provider: &'a IdentityProvider, resource: Resource) -> Grant<'a> {
        Grant { provider, resource, scope: String::new(), key: None, certified: None }
    }

    /// Space-separated scopes.
    #[must_use]
    pub fn scope(self, scope: &str) -> Grant<'a> {
        Grant { scope: scope.to_owned(), ..self }
    }

    /// Binds it to a key (RFC 9449).
    #[must_use]
    pub fn bound_to_key(self, key: &'a DpopKey) -> Grant<'a> {
        Grant { key: Some(key), ..self }
    }

    /// Binds a machine's token to the certificate of this client (RFC 8705 section 3), which must trust the provider.
    #[must_use]
    pub fn bound_to_certificate(self, client: &'a Client) -> Grant<'a> {
        Grant { certified: Some(client), ..self }
    }

    /// Asks as a machine (RFC 6749 section 4.4): its subject is `machine`, or `machine-with-certificate`.
    pub async fn machine(self) -> Result<Tokens> {
        let client_id = if self.certified.is_some() { "machine-with-certificate" } else { "machine" };
        let form = [("grant_type", "client_credentials"), ("scope", &self.scope), ("resource", &self.resource.0)];
        self.ask(self.request().basic_auth(client_id, Some(CLIENT_SECRET)).form(&form)).await
    }

    /// Logs somebody in with a browser, by code and PKCE (RFC 6749 section 4.1, RFC 7636), and agrees to everything.
    pub async fn login(self, subject: &str) -> Result<Tokens> {
        let code = browser::authorize(self.provider, subject, &self.scope, &self.resource.0).await?;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", browser::CLIENT_ID),
            ("redirect_uri", browser::REDIRECT_URI),
            ("code", &code.code),
            ("code_verifier", &code.verifier),
            ("resource", &self.resource.0),
        ];
        self.ask(self.request().form(&form)).await
    }

    /// Gets new tokens for those of a login; the refresh token is used up.
    pub async fn refresh(self, tokens: &Tokens) -> Result<Tokens> {
        let refresh = tokens.refresh.as_deref().context("these tokens came without a refresh token")?;
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", browser::CLIENT_ID),
            ("refresh_token", refresh),
            ("resource", &self.resource.0),
        ];
        self.ask(self.request().form(&form)).await
    }

    fn request(&self) -> RequestBuilder {
        let url = self.provider.url(endpoint::TOKEN);
        let request = self.certified.unwrap_or(self.provider.client()).post(&url);
        match self.key {
            Some(key) => request.header("DPoP", key.proof("POST", &url).sign()),
            None => request,
        }
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Tokens> {
        let answer = expect_json(200, request).await?;
        let member = |name| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Tokens {
            access: member("access_token").context("no access token")?,
            token_type: member("token_type").context("no token type")?,
            refresh: member("refresh_token"),
        })
    }
}
