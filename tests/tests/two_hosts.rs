//! Two hosts, each with a Traefik, a keeper and folders of its own: keys that one of them has fetched, the gate's own key and
//! what is revoked reach the other through the service.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use watchgate_tests::Stage;
use watchgate_tests::client::{Caller, status};
use watchgate_tests::identity_provider::{IdentityProvider, Resource};
use watchgate_tests::revocation::{beside_an_echo, kept_gate};
use watchgate_tests::wait::until;

const FILE: &str = "jwks/idp.json";
const PATIENCE: Duration = Duration::from_secs(20);

/// The stage with a gate that trusts the provider beside the shipped issuer.
async fn stage(provider: &IdentityProvider) -> Result<Stage> {
    let mut gate = kept_gate()?;
    let settings = gate.as_object_mut().context("the gate is no object")?;
    // Each Traefik has a port of its own here, and they shall have one configuration.
    settings.remove("publicOrigins");
    let issuers = settings.get_mut("issuers").and_then(Value::as_array_mut).context("no issuers are shipped")?;
    issuers.push(provider.gate_issuer(FILE));
    Stage::start(beside_an_echo(gate)?).await
}

async fn becomes(caller: &Caller, expected: u16) -> Result<()> {
    until("the answer changes", PATIENCE, async || Ok((status(caller.get("/echo")).await? == expected).then_some(())))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_revocations_reach_the_other_host_through_the_service() -> Result<()> {
    let provider = IdentityProvider::start().await?;
    let stage = stage(&provider).await?;
    let second = stage.second_host().await?;
    let service = json!({"url": stage.service_url(), "audience": "assistant-service"});
    let fetched =
        json!({"issuer": provider.issuer(), "file": FILE, "caFile": provider.ca(), "allowedNetworks": ["127.0.0.0/8"]});
    // The other host's keeper may not ask addresses of this machine, so it gets no keys from the provider itself.
    let only_told = json!({"issuer": provider.issuer(), "file": FILE, "caFile": provider.ca()});
    let config = |host: &str, trust: &std::path::Path, gate: &std::path::Path, issuer: Value| json!({"trust": trust, "gate": gate, "host": host, "severalHosts": true, "service": service, "issuers": [issuer]});
    let _keepers = [
        stage.watchgate("keeper", &config("gw-1", &stage.trust_folder(), &stage.gate_folder(), fetched))?,
        stage.watchgate_named(
            "keeper-2",
            "keeper",
            &config("gw-2", second.trust_folder(), second.gate_folder(), only_told),
        )?,
    ];
    let token = provider.grant(Resource::jwt()).scope("events:read").machine().await?.access;
    let here = Caller::new(stage.client()?, &stage.base_url(), Some(token.clone()));
    let there = Caller::new(stage.client()?, &second.base_url(), Some(token.clone()));
    becomes(&here, 200).await?;
    becomes(&there, 200).await?;
    // The shipped issuer's keys were put into the first host's folder by hand, and no keeper keeps them.
    let operator = stage.caller("operator", "revocations:write")?;
    let revoked = operator.request(reqwest::Method::POST, "/v1/revocations").form(&[("token", &token)]);
    anyhow::ensure!(status(revoked).await? == 200, "the revocation was refused");
    becomes(&here, 401).await?;
    becomes(&there, 401).await
}
