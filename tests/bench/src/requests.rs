//! The bytes that are sent, made before any clock runs.

use std::sync::Arc;

use measuring::random::Random;

/// The name by which every request calls the gateway; the gate's configuration says the same.
pub(crate) const HOST: &str = "gateway.example.com";

/// A request of the shipped rules that needs the scope `runbooks:read`.
pub(crate) const TARGET: &str = "/v1/runbooks/restart-web";

/// Requests with a token each.
#[derive(Clone)]
pub(crate) struct Requests {
    all: Arc<[Box<[u8]>]>,
}

impl Requests {
    pub(crate) fn with_tokens(tokens: &[String]) -> Requests {
        Requests { all: tokens.iter().map(|token| request(Some(token)).into_boxed_slice()).collect() }
    }

    pub(crate) fn get(&self, index: usize) -> Option<&[u8]> {
        self.all.get(index).map(|request| &**request)
    }

    pub(crate) fn any(&self, random: &mut Random) -> &[u8] {
        &self.all[random.below(self.all.len())]
    }
}

/// A request as a program sends it.
pub(crate) fn request(token: Option<&str>) -> Vec<u8> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!(
        "GET {TARGET} HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: bench/1\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\
         {authorization}\r\n"
    )
    .into_bytes()
}
