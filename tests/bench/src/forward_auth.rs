//! The server that `forwardAuth` asks: natively the same gate that Traefik runs in its sandbox. A process of its own, so
//! that what it costs can be told from what Traefik costs.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tokio::net::TcpListener;
use trust_core::gate::Gate;
use trust_core::request::RawRequest;
use trust_core::shared_files::{SharedFile, SharedFiles};

use crate::gate::{self, GateSetting};

struct Decider {
    gate: Mutex<(Gate, u64)>,
    files: MemoryFiles,
}

/// The shared files of a process that shares with nobody.
struct MemoryFiles {
    claims: Mutex<Vec<u8>>,
}

/// Serves until it is killed.
pub(crate) fn serve(port: u16, trust: &Path) -> Result<()> {
    let gate = gate::native(&GateSetting::Shipped.config()?, trust)?;
    let claims = vec![0; usize::try_from(gate.claims_cache_bytes())?];
    let decider = Arc::new(Decider { gate: Mutex::new((gate, 0)), files: MemoryFiles { claims: Mutex::new(claims) } });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        axum::serve(listener, Router::new().fallback(decide).with_state(decider)).await?;
        Ok(())
    })
}

/// The request that is asked about stands in `X-Forwarded-*`, the rest of its headers is copied.
async fn decide(State(decider): State<Arc<Decider>>, headers: HeaderMap) -> Response<Body> {
    let text = |name: &str| headers.get(name).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    let mut source_address = text("x-forwarded-for");
    source_address.extend_from_slice(b":0");
    let asked_about = headers.keys().filter(|name| !name.as_str().starts_with("x-forwarded-"));
    let raw = RawRequest {
        method: text("x-forwarded-method"),
        target: text("x-forwarded-uri"),
        host: text("x-forwarded-host"),
        source_address,
        headers: asked_about
            .map(|name| {
                let values = headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect();
                (name.as_str().to_owned(), values)
            })
            .collect(),
    };
    let decision = {
        let mut locked = decider.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let (gate, sequence) = &mut *locked;
        *sequence += 1;
        let moment = gate::moment(*sequence);
        gate.decide(&raw, moment, &decider.files)
    };
    match decision {
        Ok(forwarding) => answer(200, forwarding.set.iter().map(|(name, value)| (&**name, value)), String::new()),
        Err(denial) => {
            let denied = denial.answer();
            answer(denied.status, denied.headers.iter().map(|(name, value)| (*name, value)), denied.body)
        }
    }
}

fn answer<'a>(status: u16, headers: impl Iterator<Item = (&'a str, &'a String)>, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

impl SharedFiles for MemoryFiles {
    fn read_at(&self, file: SharedFile, offset: u64, buffer: &mut [u8]) -> bool {
        if file != SharedFile::Claims {
            return false;
        }
        let claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let stored = claims.get(start..).and_then(|rest| rest.get(..buffer.len()));
        stored.map(|stored| buffer.copy_from_slice(stored)).is_some()
    }

    fn write_at(&self, file: SharedFile, offset: u64, bytes: &[u8]) -> bool {
        if file != SharedFile::Claims {
            return false;
        }
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let stored = claims.get_mut(start..).and_then(|rest| rest.get_mut(..bytes.len()));
        stored.map(|stored| stored.copy_from_slice(bytes)).is_some()
    }

    fn append_denial(&self, _line: &str) {}
}
