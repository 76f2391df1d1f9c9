//! The pages: the console, the watch client and what both are made of. They are the same for everybody and hold nobody's data, so the
//! gate's rule for them is public; what they show, they fetch through the gate with the token of whoever looks at them.

mod headers;
mod settings;

use std::path::Path;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use browser_pages::Page;

use crate::config_file;
use crate::parameters::PathName;
use crate::problem::Problem;
use crate::state::AppState;
use headers::{NO_PERMISSIONS, WATCH_PERMISSIONS, around_document};
use settings::Settings;

/// What the console is told in its file.
#[derive(Debug)]
pub struct Console(Settings);

impl Console {
    /// Reads its file. Nothing when it has mistakes, which are printed.
    pub fn open(file: &Path) -> anyhow::Result<Option<Self>> {
        Ok(config_file::load(file, Settings::read)?.map(Self))
    }
}

/// `GET /watch`: opened by the link of a session's code.
pub(crate) async fn watch(headers: HeaderMap) -> Result<Response, Problem> {
    Ok((around_document(&[], WATCH_PERMISSIONS), file("watch/index.html", &headers)?).into_response())
}

/// `GET /watch/worker.js`: keeps the watch's own files for when the line is away. It stands here since a worker may only serve what
/// is below it, or what the server allows.
pub(crate) async fn worker(headers: HeaderMap) -> Result<Response, Problem> {
    let allowed = [("service-worker-allowed", "/watch")];
    Ok((around_document(&[], NO_PERMISSIONS), allowed, file("watch/worker.js", &headers)?).into_response())
}

/// `GET /console`.
pub(crate) async fn console(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, Problem> {
    let settings = &state.console()?.0;
    let page = file("console/index.html", &headers)?;
    Ok((around_document(&settings.connect, NO_PERMISSIONS), page).into_response())
}

/// `GET /console/config.json`: where one signs in.
pub(crate) async fn config(State(state): State<AppState>) -> Result<Response, Problem> {
    let settings = &state.console()?.0;
    Ok(([(CACHE_CONTROL, "no-store")], Json(settings.sign_in.clone())).into_response())
}

/// `GET /assets/{name}`.
pub(crate) async fn asset(PathName(name): PathName, headers: HeaderMap) -> Result<Response, Problem> {
    Ok((around_document(&[], NO_PERMISSIONS), file(&name, &headers)?).into_response())
}

/// A file in the coding that the client takes, or that it has the same one already. Browsers ask each time: what they kept of one
/// version must not run beside files of another. The watch's worker keeps a set of its own, of one version (`watch/worker.js`).
fn file(name: &str, asked: &HeaderMap) -> Result<Response, Problem> {
    let page = browser_pages::find(name).ok_or(Problem::NotFound)?;
    let headers = [
        // Weak, since it is the same in both codings (RFC 9110, section 8.8.3.3).
        (ETAG, page.entity_tag),
        (CACHE_CONTROL, "no-cache"),
        (VARY, ACCEPT_ENCODING.as_str()),
        (CONTENT_TYPE, page.media_type),
    ];
    if asked.get_all(IF_NONE_MATCH).iter().any(|known| names(known, page)) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    if asked.get_all(ACCEPT_ENCODING).iter().any(takes_brotli) {
        return Ok((headers, [(CONTENT_ENCODING, "br")], page.brotli).into_response());
    }
    Ok((headers, page.bytes).into_response())
}

/// RFC 9110, section 13.1.2: compared weakly.
fn names(known: &HeaderValue, page: &Page) -> bool {
    let mut tags = known.to_str().unwrap_or_default().split(',').map(str::trim);
    tags.any(|tag| tag == "*" || opaque(tag) == opaque(page.entity_tag))
}

/// An entity tag without what says that it is weak.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// RFC 9110, section 12.5.3: `br` without a weight of nothing.
fn takes_brotli(codings: &HeaderValue) -> bool {
    codings.to_str().unwrap_or_default().split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim();
        let weight = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q=")).unwrap_or("1");
        name.trim().eq_ignore_ascii_case("br") && weight.parse::<f32>().is_ok_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests;
