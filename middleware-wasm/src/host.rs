//! Everything that crosses the border to Traefik, in one place.

use http_wasm_guest::host::{Bytes, Request, Response, log};
use trust_core::denial::Answer;
use trust_core::gate::Forwarding;
use trust_core::request::{MAX_HEADERS, RawRequest};

use crate::instance::Instance;

/// Levels of the http-wasm ABI's `log` function.
const LEVEL_WARN: i32 = 1;
const LEVEL_ERROR: i32 = 2;

/// Reads a request, with the values of those headers that matter to a decision.
pub(crate) fn read(instance: &Instance, request: &Request) -> RawRequest {
    // One more than allowed, so that the gate sees that there are too many.
    read_headers(instance, request, MAX_HEADERS.saturating_add(1))
}

/// Reads a request with all its headers, however many.
pub(crate) fn read_whole(instance: &Instance, request: &Request) -> RawRequest {
    read_headers(instance, request, usize::MAX)
}

fn read_headers(instance: &Instance, request: &Request, most: usize) -> RawRequest {
    let header = |name: &[u8]| request.header.values_iter(name).map(Vec::from).collect::<Vec<_>>();
    let headers = request
        .header
        .names_iter()
        .take(most)
        .map(|name| {
            let spelled = text(name);
            let values = if instance.reads_header(&spelled) { header(spelled.as_bytes()) } else { Vec::new() };
            (spelled, values)
        })
        .collect();
    RawRequest {
        method: request.method().into(),
        target: request.uri().into(),
        host: header(b"Host").into_iter().next().unwrap_or_default(),
        source_address: request.source_addr().into(),
        headers,
    }
}

fn text(name: Bytes) -> String {
    String::from_utf8(name.into()).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Puts a permitted request's headers in order.
pub(crate) fn forward(forwarding: &Forwarding, request: &Request) {
    for name in &forwarding.remove {
        request.header.remove(name.as_bytes());
    }
    for (name, value) in &forwarding.set {
        request.header.set(name.as_bytes(), value.as_bytes());
    }
}

/// Answers in the upstream's place.
pub(crate) fn answer(answer: &Answer, response: &Response) {
    // The host takes headers first, then the status, then the body.
    for (name, value) in &answer.headers {
        response.header.set(name.as_bytes(), value.as_bytes());
    }
    response.set_status(i32::from(answer.status));
    response.body.write(answer.body.as_bytes());
}

/// Says in the log what became of a denied request.
pub(crate) fn log_denial(line: &str) {
    if log::enabled(LEVEL_WARN) {
        log::write(LEVEL_WARN, line.as_bytes());
    }
}

/// Writes an error to Traefik's log.
pub(crate) fn log_error(line: &str) {
    log::write(LEVEL_ERROR, line.as_bytes());
}
