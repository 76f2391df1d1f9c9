//! The rows, by what they attack.

mod cache;
mod certificates;
mod claims;
mod deputies;
mod dpop;
mod events;
mod exchanged;
pub mod forwarding;
mod kept;
mod paths;
mod requests;
mod rules;
mod signatures;
mod sources;
mod tokens;
pub(crate) mod unfit;

use anyhow::Result;

use crate::{Expected, Forge, GateName, Played, Request, Row, Seen, Step};

/// All rows; `authority` is where clients reach the main gate.
pub fn all(forge: &Forge, authority: &str) -> Result<Vec<Row>> {
    let mut rows = tokens::forged(forge)?;
    rows.extend(tokens::malformed(forge)?);
    rows.extend(signatures::rows(forge)?);
    rows.extend(unfit::rows(forge));
    rows.extend(claims::rows(forge));
    rows.extend(requests::rows(forge, authority));
    rows.extend(paths::rows(forge));
    rows.extend(rules::rows(forge));
    rows.extend(events::rows(forge));
    rows.extend(forwarding::rows(forge));
    rows.extend(certificates::rows(forge));
    rows.extend(dpop::rows(forge, authority)?);
    rows.extend(sources::rows(forge));
    rows.extend(cache::rows(forge));
    rows.extend(kept::rows(forge)?);
    rows.extend(exchanged::rows(forge));
    rows.extend(deputies::rows(forge)?);
    Ok(rows)
}

fn row(name: impl Into<String>, expected: Expected, request: Request) -> Row {
    Row {
        name: name.into(),
        gate: GateName::Main,
        before: Vec::new(),
        request,
        peer: None,
        expected,
        played: Played::Everywhere,
    }
}

fn denied(name: impl Into<String>, status: u16, reason: &'static str, request: Request) -> Row {
    row(name, Expected::Denied { status, reason }, request)
}

fn refused_by_server(name: impl Into<String>, request: Request) -> Row {
    row(name, Expected::RefusedByServer { status: 400 }, request)
}

fn passes(name: impl Into<String>, request: Request) -> Row {
    row(name, Expected::Passes(Vec::new()), request)
}

/// A bad token where a good one would do.
fn bad_token(name: impl Into<String>, reason: &'static str, token: impl AsRef<str>) -> Row {
    denied(name, 401, reason, post(token.as_ref()))
}

fn post(token: &str) -> Request {
    Request::new("POST", "/v1/events").token(token)
}

fn get(target: &str) -> Request {
    Request::new("GET", target)
}

impl Row {
    fn at(self, gate: GateName) -> Row {
        Row { gate, ..self }
    }

    fn from(self, peer: &'static str) -> Row {
        Row {
            peer: Some(peer),
            played: Played::NativeOnly("through Traefik every request comes from this machine"),
            ..self
        }
    }

    fn after(self, before: Vec<Step>) -> Row {
        Row { before, ..self }
    }

    fn native_only(self, reason: &'static str) -> Row {
        Row { played: Played::NativeOnly(reason), ..self }
    }

    fn sees(self, seen: Vec<Seen>) -> Row {
        Row { expected: Expected::Passes(seen), ..self }
    }
}
