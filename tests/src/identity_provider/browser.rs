//! The part of a browser in a login: follows redirects, keeps cookies, fills in forms.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, Response, Url};
use sha2::{Digest as _, Sha256};

use super::IdentityProvider;
use crate::random;

/// The application that people log in to, a public client.
pub(super) const CLIENT_ID: &str = "browser";
/// Where it waits for its codes. Nobody listens there: the browser reads the code off the redirect.
pub(super) const REDIRECT_URI: &str = "https://app.watchgate.test/callback";

/// A code, and what redeems it.
pub(super) struct AuthorizationCode {
    pub(super) code: String,
    pub(super) verifier: String,
}

/// Goes from the application's link to the application's callback.
pub(super) async fn authorize(
    provider: &IdentityProvider,
    subject: &str,
    scope: &str,
    resource: &str,
) -> Result<AuthorizationCode> {
    let (verifier, state) = (random::text(), random::text());
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let scope = ["openid offline_access", scope].join(" ");
    let asked = [
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope", scope.trim_end()),
        ("resource", resource),
        ("state", &state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        // Without it there is no offline access (OpenID Connect Core section 11).
        ("prompt", "consent"),
    ];
    let link = Url::parse_with_params(&provider.url("/auth"), asked)?;
    let callback = Browser { provider, cookies: BTreeMap::new() }.walk(link, subject).await?;
    let answered: BTreeMap<_, _> = callback.query_pairs().into_owned().collect();
    let is = |name: &str, expected: &str| answered.get(name).is_some_and(|value| value == expected);
    ensure!(is("state", &state) && is("iss", provider.issuer()), "not the answer to our request: {callback}");
    let code = answered.get("code").with_context(|| format!("the login failed: {callback}"))?.clone();
    Ok(AuthorizationCode { code, verifier })
}

struct Browser<'a> {
    provider: &'a IdentityProvider,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    /// Walks on until it is sent to the application.
    async fn walk(mut self, link: Url, subject: &str) -> Result<Url> {
        // A login, a consent, and the redirects around them.
        const STEPS: usize = 12;
        let mut answer = self.send(Method::GET, link, &[]).await?;
        for _ in 0..STEPS {
            let url = answer.url().clone();
            if answer.status().is_redirection() {
                let next = answer.headers().get(LOCATION).context("a redirect to nowhere")?.to_str()?;
                let next = url.join(next)?;
                if next.as_str().starts_with(REDIRECT_URI) {
                    return Ok(next);
                }
                answer = self.send(Method::GET, next, &[]).await?;
            } else {
                ensure!(answer.status().is_success(), "{url} answered {}: {}", answer.status(), answer.text().await?);
                let page = answer.text().await?;
                let action = attribute(&page, "<form", "action").context("a page without a form")?;
                let prompt = attribute(&page, "name=\"prompt\"", "value").context("a form that asks for nothing")?;
                let form = [("prompt", &*prompt), ("login", subject), ("password", "any")];
                answer = self.send(Method::POST, url.join(&action)?, &form).await?;
            }
        }
        bail!("the login did not come to an end at {}", answer.url())
    }

    async fn send(&mut self, method: Method, url: Url, form: &[(&str, &str)]) -> Result<Response> {
        let mut request = self.provider.client().request(method.clone(), url);
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, cookies.join("; "));
        }
        if method == Method::POST {
            request = request.form(form);
        }
        let answer = request.send().await?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let (name, value) = cookie.to_str()?.split_once('=').context("a cookie without a value")?;
            self.cookies.insert(name.to_owned(), value.split(';').next().unwrap_or_default().to_owned());
        }
        Ok(answer)
    }
}

/// An attribute's value in the first element that holds `marker`, from there on.
fn attribute(page: &str, marker: &str, name: &str) -> Option<String> {
    let (_, element) = page.split_once(marker)?;
    let (element, _) = element.split_once('>')?;
    let (_, value) = element.split_once(&format!("{name}=\""))?;
    let (value, _) = value.split_once('"')?;
    Some(value.replace("&amp;", "&"))
}
