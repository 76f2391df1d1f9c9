//! The service that is measured, its runbooks, and who calls it.

use std::fs;

use anyhow::{Context, Result};
use measuring::client::Client;
use measuring::gate_word::{Caller, GateWord};
use measuring::service::{Ground, Service};
use programs::artifacts;
use programs::nats::{NatsOptions, NatsServer};
use serde_json::{Value, json};

/// Services that take commands, each with a runbook of its own name.
pub(crate) const SERVICES: [&str; 8] = ["alder", "birch", "cedar", "elm", "fir", "larch", "maple", "oak"];

pub(crate) const REQUESTING: Caller = caller("people", "commands:request");

/// What a service says of itself.
const fn caller(subject: &'static str, scope: &'static str) -> Caller {
    Caller { issuer: "https://issuer.watchgate.test", subject, scope, rule: "commands", event_types: &[] }
}

/// What the service stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Nats,
}

impl Store {
    /// One of two names.
    pub(crate) fn or_nats(self, sqlite: &'static str, nats: &'static str) -> &'static str {
        match self {
            Self::Sqlite => sqlite,
            Self::Nats => nats,
        }
    }
}

/// A running service.
pub(crate) struct Stand<'a> {
    pub(crate) ground: &'a Ground,
    pub(crate) store: Store,
    pub(crate) service: Service,
    /// Ended after the service.
    _nats: Option<NatsServer>,
}

impl<'a> Stand<'a> {
    pub(crate) fn start(ground: &'a Ground, store: Store) -> Result<Stand<'a>> {
        let runbooks = ground.folder.join("runbooks");
        if !runbooks.exists() {
            write_runbooks(&runbooks)?;
        }
        let nats = match store {
            Store::Sqlite => None,
            Store::Nats => {
                let folder = Some(ground.folder.join("nats"));
                Some(NatsServer::start(&NatsOptions { folder, ..NatsOptions::default() })?)
            }
        };
        let data = ground.folder.join(store.or_nats("sqlite", "replica"));
        let documents = artifacts::root().join("examples/company/documents");
        let service = Service::real(ground, &documents, &runbooks, &data, nats.as_ref())?;
        service.wait_until_ready()?;
        Ok(Stand { ground, store, service, _nats: nats })
    }

    /// The gate's word on one of the services.
    pub(crate) fn word_on(&self, service: &'static str) -> GateWord {
        self.ground.word.on(caller(service, "commands:lease"))
    }

    pub(crate) fn end(self) {
        self.service.end();
    }
}

/// Asks for a command of `service`; gives its identifier.
pub(crate) async fn request(client: &mut Client<'_>, service: &str) -> Result<String> {
    let body = json!({"runbook": service, "parameters": {"number": 7}, "reason": "a measurement"});
    let command = client.expect(201, "/v1/commands", &body).await?;
    command["id"].as_str().map(str::to_owned).context("a command without an identifier")
}

/// Leases what there is for `service`, or waits so long for it.
pub(crate) async fn lease(client: &mut Client<'_>, service: &str, wait_seconds: u64) -> Result<Option<Value>> {
    let target = format!("/v1/services/{service}/commands:lease");
    let answer = client.call(&target, &json!({"wait_seconds": wait_seconds})).await?;
    match answer.status {
        200 => Ok(Some(answer.json)),
        204 => Ok(None),
        // Another agent of the service was faster.
        409 => Ok(None),
        status => anyhow::bail!("a lease was answered {status}: {}", answer.json),
    }
}

/// Begins and ends what was leased.
pub(crate) async fn carry_out(client: &mut Client<'_>, leased: &Value) -> Result<()> {
    let id = leased["command"]["id"].as_str().context("a lease without a command")?;
    let fence = &leased["fence"];
    client.expect(200, &format!("/v1/commands/{id}/heartbeat"), &json!({"fence": fence})).await?;
    let result = json!({"fence": fence, "outcome": "succeeded", "result": {"number": 8}});
    client.expect(200, &format!("/v1/commands/{id}/result"), &result).await?;
    Ok(())
}

fn write_runbooks(folder: &std::path::Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for service in SERVICES {
        let text = format!(
            "name: {service}\ntitle: Count\ndescription: Counts one further.\ntarget: {{service: {service}}}\nrisk: change\n\
             approval: {{needed: false, not_requester: false}}\ntimeout_seconds: 60\nparameters:\n  type: object\n  \
             properties: {{number: {{type: integer}}}}\n"
        );
        fs::write(folder.join(format!("{service}.yaml")), text)?;
    }
    let rights = "rules:\n  - name: everybody\n    allow: [run, cancel]\n";
    fs::write(folder.join("rights.yaml"), rights)?;
    Ok(())
}
