//! What the client is asked to do and what it tells, a line of JSON each.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How to talk to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protocol {
    Http1,
    Http2,
    Http3,
}

impl Protocol {
    pub(crate) const ALL: [Protocol; 3] = [Self::Http1, Self::Http2, Self::Http3];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
            Self::Http3 => "HTTP/3",
        }
    }
}

/// What to do, each time from a new connection on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Connect, and ask for something small.
    FirstByte,
    /// Connect, and fetch [`OBJECTS`] of [`OBJECT_BYTES`], as a page does.
    Page,
    /// Listen to a stream, and get another address in the middle.
    Move,
}

/// What a page has.
pub(crate) const OBJECTS: usize = 30;
/// How large each of them is.
pub(crate) const OBJECT_BYTES: usize = 20_000;
/// So many connections at once a browser opens to one host over HTTP/1.1.
pub(crate) const HTTP1_CONNECTIONS: usize = 6;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) protocol: Protocol,
    pub(crate) work: Work,
    pub(crate) times: usize,
}

/// Whom the client talks to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    /// The authority of its certificate, which is for `localhost`.
    pub(crate) ca: PathBuf,
    pub(crate) token: String,
}

/// Milliseconds, one for each time.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Taken {
    /// Until the connection was set up: TCP and TLS, or QUIC.
    pub(crate) connected: Vec<f64>,
    /// From the beginning until the first byte of the answer, until the page was there, or from the change of address until the stream went on.
    pub(crate) done: Vec<f64>,
    /// What went wrong, where something did.
    pub(crate) failures: Vec<String>,
}
