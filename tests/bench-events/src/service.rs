//! The services that are compared: this program as one on a chosen store, or the real one.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use measuring::gate_word::Caller;
use measuring::service::{Ground, Service};
use programs::artifacts;
use programs::nats::NatsServer;

use crate::event::{ISSUER, SENDER};
use crate::server::SERVE;

pub(crate) const SENDING: Caller = Caller {
    issuer: ISSUER,
    subject: SENDER,
    scope: "events:read events:write",
    rule: "events-write",
    event_types: &["com.example.telemetry.*"],
};

/// This program as a service on a store below a folder of that name.
pub(crate) fn on(ground: &Ground, store: &str, name: &str, nats: Option<&NatsServer>) -> Result<Service> {
    let mut command = Command::new(env::current_exe()?);
    command.args([SERVE, "--store", store]);
    Service::start(command, ground, &ground.folder.join(name), nats)
}

/// `watchgate serve` on a store below `data`.
pub(crate) fn real(ground: &Ground, data: &Path, nats: Option<&NatsServer>) -> Result<Service> {
    let company = artifacts::root().join("examples/company");
    Service::real(ground, &company.join("documents"), &company.join("runbooks"), data, nats)
}

/// The connection that a service would have to this server.
pub(crate) fn settings(server: &NatsServer) -> Result<assistant_service::backbone::jetstream::StreamSettings> {
    use assistant_service::backbone::jetstream::{ConnectionSettings, StreamSettings, User};
    let connection = ConnectionSettings {
        servers: vec![server.url().parse().context("the server's address")?],
        ca: Some(server.ca()),
        certificate: Some((server.certificate(), server.key())),
        user: Some(User { name: server.user().to_owned(), password_file: server.password_file() }),
    };
    Ok(StreamSettings { connection, audit: None, stream: "WATCHGATE".to_owned(), replicas: 1 })
}
