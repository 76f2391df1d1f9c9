//! A gateway as the command line calls it: with a token from a file, a time for every call, and a bound on every answer.

mod optional;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::problem::FieldError;

pub(super) use optional::OptionalGatewayArguments;

/// Longer than the service takes for any answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(40);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A page of a thousand large events is larger; then a smaller page must be asked for.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

const MAX_TOKEN_BYTES: u64 = 64 * 1024;

/// Where the gateway is and how to get through it.
#[derive(Debug, Args)]
pub(super) struct GatewayArguments {
    /// The gateway's address, such as https://gw.example.com.
    #[arg(long, env = "WATCHGATE_GATEWAY", value_name = "URL")]
    gateway: Url,
    /// The file that holds a token; read for each call. A token on the command line could be seen by everybody here.
    #[arg(long, env = "WATCHGATE_TOKEN_FILE", value_name = "FILE")]
    token_file: PathBuf,
    /// Trust this authority, in PEM, and no other; without it those of the system.
    #[arg(long, env = "WATCHGATE_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// A gateway that can be called.
pub(super) struct Gateway {
    client: Client,
    address: Url,
    token_file: PathBuf,
}

/// The parts of a problem that a person wants to read.
#[derive(Deserialize)]
struct Said {
    title: String,
    #[serde(default)]
    status: u16,
    detail: String,
    #[serde(default)]
    errors: Vec<FieldError>,
}

impl GatewayArguments {
    #[cfg(test)]
    pub(super) fn of(gateway: &str, token_file: &std::path::Path) -> Self {
        Self { gateway: gateway.parse().unwrap(), token_file: token_file.to_owned(), ca: None }
    }

    /// The address, the token's file and the authority's, for a client of another kind.
    pub(super) fn parts(self) -> anyhow::Result<(Url, PathBuf, Option<PathBuf>)> {
        self.check_address()?;
        Ok((self.gateway, self.token_file, self.ca))
    }

    fn check_address(&self) -> anyhow::Result<()> {
        let is_loopback = matches!(self.gateway.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let is_private = self.gateway.scheme() == "https" || (self.gateway.scheme() == "http" && is_loopback);
        if !is_private || !self.gateway.has_host() {
            bail!("--gateway must be an https address: the token would pass in the clear");
        }
        Ok(())
    }

    pub(super) fn connect(&self) -> anyhow::Result<Gateway> {
        self.check_address()?;
        // Only the first choice in a process counts, and all of us choose the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(CALL_TIMEOUT).connect_timeout(CONNECT_TIMEOUT);
        let mut client = client.redirect(Policy::none()).user_agent(concat!("watchgate/", env!("CARGO_PKG_VERSION")));
        if let Some(ca) = &self.ca {
            let pem = std::fs::read(ca).with_context(|| format!("{} cannot be read", ca.display()))?;
            let authority =
                Certificate::from_pem(&pem).with_context(|| format!("{} is no certificate", ca.display()))?;
            client = client.tls_certs_only([authority]);
        }
        let client = client.build().context("the gateway cannot be called as given")?;
        Ok(Gateway { client, address: self.gateway.clone(), token_file: self.token_file.clone() })
    }
}

impl Gateway {
    /// A call of a path, segment by segment, so that none of them can become more than one.
    pub(super) fn call(&self, method: Method, path: &[&str]) -> anyhow::Result<RequestBuilder> {
        let mut url = self.address.clone();
        let mut segments = url.path_segments_mut().map_err(|()| anyhow::anyhow!("--gateway must have a path"))?;
        segments.pop_if_empty().extend(path);
        drop(segments);
        let token = self.token()?;
        let mut bearer = HeaderValue::from_str(&Zeroizing::new(format!("Bearer {}", *token)))
            .with_context(|| format!("{} holds no token", self.token_file.display()))?;
        bearer.set_sensitive(true);
        Ok(self.client.request(method, url).header(reqwest::header::AUTHORIZATION, bearer))
    }

    fn token(&self) -> anyhow::Result<Zeroizing<String>> {
        use std::io::Read as _;
        let mut text = Zeroizing::new(String::new());
        let file = std::fs::File::open(&self.token_file);
        let read = file.and_then(|file| file.take(MAX_TOKEN_BYTES).read_to_string(&mut text));
        read.with_context(|| format!("the token file {} cannot be read", self.token_file.display()))?;
        let token = Zeroizing::new(text.trim().to_owned());
        if token.is_empty() {
            bail!("the token file {} is empty", self.token_file.display());
        }
        Ok(token)
    }
}

/// Sends a call and reads what it is answered with.
pub(super) async fn answer<T: DeserializeOwned>(call: RequestBuilder) -> anyhow::Result<T> {
    understood(&send(call).await?)
}

/// What an answer's body says.
pub(super) fn understood<T: DeserializeOwned>(body: &[u8]) -> anyhow::Result<T> {
    serde_json::from_slice(body)
        .context("the answer is not what this program understands; is it as new as the service?")
}

/// Sends a call and gives the answer's body, which a problem does not count as.
pub(super) async fn send(call: RequestBuilder) -> anyhow::Result<Vec<u8>> {
    read(open(call).await?).await
}

/// Sends a call and gives the answer with its body unread, unless it is a problem.
pub(super) async fn open(call: RequestBuilder) -> anyhow::Result<Response> {
    taken(call.send().await.context("the gateway does not answer")?).await
}

/// An answer with its body unread, unless it is a problem.
pub(super) async fn taken(response: Response) -> anyhow::Result<Response> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let is_problem = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    let body = read(response).await?;
    match serde_json::from_slice::<Said>(&body) {
        Ok(said) if is_problem => bail!("{}", sentence(status.as_u16(), &said)),
        _ => bail!("the gateway answered {status}"),
    }
}

/// An answer's body.
pub(super) async fn read(mut response: Response) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.context("the answer broke off")? {
        if body.len().saturating_add(piece.len()) > MAX_ANSWER_BYTES {
            bail!("the answer has more than 64 MiB; ask for less at once");
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// A problem that came within an answer.
pub(super) fn problem(document: &str) -> anyhow::Result<String> {
    let said: Said = serde_json::from_str(document)?;
    Ok(sentence(said.status, &said))
}

fn sentence(status: u16, said: &Said) -> String {
    let mut text = format!("{}: {} ({status})", said.title, said.detail);
    for FieldError { field, detail } in &said.errors {
        // Writing to a string has no way to fail.
        let _ = write!(text, "\n  {field}: {detail}");
    }
    text
}

/// Runs calls to their end.
pub(super) fn block_on<T>(calls: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(calls)
}

#[cfg(test)]
mod tests;
