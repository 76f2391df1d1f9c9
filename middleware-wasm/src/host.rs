//! Everything that crosses the border to Traefik, in one place.

use std::borrow::Cow;

use http_wasm_guest::host::{Request, Response, log};
use trust_core::denial::Answer;
use trust_core::gate::Forwarding;
use trust_core::request::{MAX_HEADERS, RawRequest};

use crate::abi;
use crate::instance::Instance;

/// Levels of the http-wasm ABI's `log` function.
const LEVEL_WARN: i32 = 1;
const LEVEL_ERROR: i32 = 2;

/// Where requests are read to. An instance serves one request at a time, and keeps the memory for the next one.
#[derive(Default)]
pub(crate) struct RequestBuffer {
    raw: RawRequest,
    /// Texts as the host writes them.
    texts: Vec<u8>,
}

impl RequestBuffer {
    /// Reads the request, with the values of those headers that matter to a decision.
    pub(crate) fn read(&mut self, instance: &Instance) -> &RawRequest {
        // One more than allowed, so that the gate sees that there are too many.
        self.read_headers(instance, MAX_HEADERS.saturating_add(1))
    }

    /// Reads the request with all its headers, however many: it passes though it is denied, and each that speaks for the gate
    /// has to go.
    pub(crate) fn read_whole(&mut self, instance: &Instance) -> &RawRequest {
        self.read_headers(instance, usize::MAX)
    }

    /// Over everything that the last request has left here.
    fn read_headers(&mut self, instance: &Instance, most: usize) -> &RawRequest {
        self.give_back_what_is_unusual();
        let Self { raw, texts } = self;
        abi::read_method(&mut raw.method);
        abi::read_target(&mut raw.target);
        abi::read_source_address(&mut raw.source_address);
        let hosts = abi::read_header_values(b"host", texts);
        raw.host.clear();
        raw.host.extend_from_slice(split(texts, hosts).next().unwrap_or_default());

        let names = abi::read_header_names(texts);
        let mut headers = 0_usize;
        for name in split(texts, names).take(most) {
            // Names are tokens; what is none is refused for how it looks.
            let lossy = std::str::from_utf8(name).map_or_else(|_| String::from_utf8_lossy(name), Cow::Borrowed);
            match raw.headers.get_mut(headers) {
                Some((spelled, values)) => {
                    spelled.clear();
                    spelled.push_str(&lossy);
                    values.clear();
                }
                None => raw.headers.push((lossy.into_owned(), Vec::new())),
            }
            headers = headers.saturating_add(1);
        }
        raw.headers.truncate(headers);
        for (spelled, values) in &mut raw.headers {
            if instance.reads_header(spelled) {
                let count = abi::read_header_values(spelled.as_bytes(), texts);
                values.extend(split(texts, count).take(MAX_HEADERS.saturating_add(1)).map(<[u8]>::to_vec));
            }
        }
        raw
    }

    /// Memory of the sandbox never shrinks, and an instance lives long: what one request has made large does not stay with
    /// it, or clients could add up what many of them leave.
    fn give_back_what_is_unusual(&mut self) {
        let headers = &self.raw.headers;
        let kept = headers.iter().fold(headers.capacity(), |kept, (spelled, values)| {
            kept.saturating_add(spelled.capacity()).saturating_add(values.capacity())
        });
        if kept > abi::KEPT_BYTES {
            self.raw.headers = Vec::new();
        }
    }
}

/// So many texts that each end with a NUL. The last one's end is known without looking for it.
fn split(texts: &[u8], count: usize) -> impl Iterator<Item = &[u8]> {
    texts.strip_suffix(b"\0").unwrap_or(texts).splitn(count, |byte| *byte == 0)
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
