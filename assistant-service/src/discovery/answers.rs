//! The questions of Traefik's `docker` provider, each asked anew of Podman; all others are refused.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as PathParameters, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{Stream, StreamExt, stream};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde_json::{Value, json};

use super::shown;

/// Podman looks into its own files for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// One container's answer, or the list of thousands of them.
const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// A line about one event.
const MAX_EVENT_BYTES: usize = 256 * 1024;

const API_VERSION: HeaderName = HeaderName::from_static("api-version");

/// Podman's interface in Docker's form.
#[derive(Clone, Debug)]
pub(super) struct Podman {
    client: Client,
    base: Url,
}

/// Podman could not be asked, or what it said is not understood; Traefik tries again.
struct Unanswered(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Unanswered {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Unanswered {
    fn into_response(self) -> Response {
        tracing::warn!(error = format!("{:#}", self.0), "Podman could not be asked");
        refusal(StatusCode::BAD_GATEWAY, "Podman could not be asked")
    }
}

impl Podman {
    pub(super) fn at(socket: &Path) -> anyhow::Result<Self> {
        let socket = socket.canonicalize().with_context(|| {
            format!("{} is not there; start it with `systemctl --user start podman.socket`", socket.display())
        })?;
        // Only the first choice in a process counts, and all of us choose the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().unix_socket(socket).tls_certs_only([]).no_proxy().redirect(Policy::none());
        // Podman's service may end between two questions; a connection that it left open leads nowhere.
        let client = client.pool_max_idle_per_host(0).build()?;
        Ok(Self { client, base: Url::parse("http://podman/v1.40/")? })
    }

    async fn ask(&self, path: &str) -> anyhow::Result<reqwest::Response> {
        let answer = self.client.get(self.base.join(path)?).send();
        tokio::time::timeout(PATIENCE, answer).await.context("it took too long")?.context("it does not answer")
    }

    async fn json(&self, path: &str) -> anyhow::Result<Option<Value>> {
        let answer = self.ask(path).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let mut pieces = answer.error_for_status()?.bytes_stream();
        let mut whole = Vec::new();
        let reading = async {
            while let Some(piece) = pieces.next().await {
                whole.extend_from_slice(&piece?);
                anyhow::ensure!(whole.len() <= MAX_ANSWER_BYTES, "it says too much");
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, reading).await.context("it took too long")??;
        Ok(Some(serde_json::from_slice(&whole)?))
    }
}

/// With and without the version that Docker's clients put in front.
pub(super) fn routes(podman: Podman) -> Router {
    let questions = || {
        Router::new()
            .route("/_ping", get(ping))
            .route("/version", get(version))
            .route("/containers/json", get(list))
            .route("/containers/{id}/json", get(inspect))
            .route("/events", get(events))
    };
    questions().nest("/{version}", questions()).fallback(refuse).method_not_allowed_fallback(refuse).with_state(podman)
}

async fn refuse() -> Response {
    refusal(StatusCode::FORBIDDEN, "this socket only shows which containers serve")
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({"message": message}))).into_response()
}

async fn ping(State(podman): State<Podman>) -> Result<Response, Unanswered> {
    let answer = podman.ask("/_ping").await?.error_for_status()?;
    let version = answer.headers().get(API_VERSION).cloned();
    Ok((version.map(|version| [(API_VERSION, version)]), "OK").into_response())
}

async fn version(State(podman): State<Podman>) -> Result<Response, Unanswered> {
    let told = podman.json("version").await?.unwrap_or_default();
    let names = ["Version", "ApiVersion", "MinAPIVersion", "Os", "Arch"];
    let shown: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), told.get(name).cloned().unwrap_or_default())).collect();
    Ok(axum::Json(shown).into_response())
}

async fn list(State(podman): State<Podman>) -> Result<Response, Unanswered> {
    let all = podman.json("containers/json?all=true").await?.unwrap_or_default();
    let shown: Vec<_> = all.as_array().into_iter().flatten().filter_map(shown::listed).collect();
    Ok(axum::Json(shown).into_response())
}

async fn inspect(
    State(podman): State<Podman>,
    PathParameters(path): PathParameters<Vec<(String, String)>>,
) -> Result<Response, Unanswered> {
    let id = path.into_iter().find_map(|(name, value)| (name == "id").then_some(value)).unwrap_or_default();
    // As Podman writes it in the list; nothing that could be another path.
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(refuse().await);
    }
    let inspected = podman.json(&format!("containers/{id}/json")).await?;
    match inspected.as_ref().and_then(shown::container) {
        Some(shown) => Ok(axum::Json(shown).into_response()),
        None => Ok(refusal(StatusCode::NOT_FOUND, "no such container")),
    }
}

async fn events(State(podman): State<Podman>) -> Result<Response, Unanswered> {
    let mut url = podman.base.join("events")?;
    url.query_pairs_mut().append_pair("filters", r#"{"type":["container"]}"#);
    let answer = podman.client.get(url).send().await?.error_for_status()?;
    let shown = lines(answer.bytes_stream()).filter_map(async |line| match line {
        Ok(line) => shown::event(&serde_json::from_slice(&line).ok()?).map(|event| Ok(format!("{event}\n"))),
        Err(error) => Some(Err(error)),
    });
    Ok(([("content-type", "application/json")], Body::from_stream(shown)).into_response())
}

/// Whole lines, as they come. One without an end breaks the stream off, and Traefik asks again.
fn lines(
    pieces: impl Stream<Item = reqwest::Result<Bytes>> + Unpin + Send + 'static,
) -> impl Stream<Item = anyhow::Result<Vec<u8>>> + Send {
    stream::try_unfold((pieces, Vec::new()), async |(mut pieces, mut begun): (_, Vec<u8>)| {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &begun) {
                let rest = begun.split_off(end.saturating_add(1));
                return Ok(Some((begun, (pieces, rest))));
            }
            anyhow::ensure!(begun.len() <= MAX_EVENT_BYTES, "an event is too long");
            match pieces.next().await {
                Some(piece) => begun.extend_from_slice(&piece?),
                None => return Ok(None),
            }
        }
    })
}
