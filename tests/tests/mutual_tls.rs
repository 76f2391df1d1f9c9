//! Certificates on the whole way: a client shows its own to Traefik, Traefik its own to the service, and all of them can be
//! replaced while requests run.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;
use watchgate_tests::client::{self, Caller, expect_json, status};
use watchgate_tests::wait::until;
use watchgate_tests::{Stage, StageOptions, artifacts, revocation, shipped_gate};

const PATIENCE: Duration = Duration::from_secs(15);

/// Puts a file in the place of another one, as an operator should.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let fresh = path.with_extension("fresh");
    fs::write(&fresh, content)?;
    fs::rename(&fresh, path).with_context(|| format!("{} cannot be replaced", path.display()))
}

fn both(one: &Path, other: &Path) -> Result<Vec<u8>> {
    Ok([fs::read(one)?, fs::read(other)?].concat())
}

#[tokio::test]
async fn a_clients_certificate_and_traefiks_own_carry_a_bound_token_to_the_service_and_nothing_less_does() -> Result<()>
{
    let mut gate = shipped_gate()?;
    gate["trustClientCertificate"] = json!(true);
    gate["rules"][1]["require"] = json!("Scope(`events:write`) && BoundToClient()");
    let stage = Stage::start(StageOptions { mutual_tls: true, gate: Some(gate), ..StageOptions::default() }).await?;
    stage
        .play(async |stage| {
            // The consoles' authority is one of its own.
            let consoles = stage.folder().join("consoles");
            stage.make_certificates(&consoles)?;
            let shipped = fs::read_to_string(artifacts::root().join("traefik-config/client-certificate.yml"))?;
            let shipped = shipped
                .replace("/etc/traefik/tls/clients.pem", &consoles.join("ca.pem").display().to_string())
                .replace("service: assistant-service\n", "service: assistant-service-mutual-tls\n");
            stage.write_dynamic("client-certificate.yml", &shipped)?;

            let der = CertificateDer::from_pem_file(consoles.join("traefik.pem"))?;
            let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&der));
            let bound = stage.token("console-7").scope("events:write");
            let bound = bound.claim("cnf", &json!({"x5t#S256": thumbprint}).to_string()).mint()?;
            let holder = || -> Result<Caller> {
                let client = client::builder(&stage.ca())?.identity(client::identity(&consoles, "traefik")?).build()?;
                Ok(Caller::new(client, &stage.base_url(), Some(bound.clone())))
            };
            until("a bound event is kept", PATIENCE, async || {
                let answered = status(holder()?.post("/v1/events", &json!({}))).await?;
                Ok((answered == 202).then_some(()))
            })
            .await?;
            let stolen = stage.stranger()?.with_token(&bound);
            ensure!(status(stolen.post("/v1/events", &json!({}))).await? == 401, "a bound token passed unbound");

            // Past Traefik: whoever has no certificate of the service's authority does not get as far as an answer.
            let (service, tls) = (stage.service_url(), stage.service_tls());
            let healthz = format!("{service}/healthz");
            ensure!(client::with_certificate(&tls, "traefik")?.get(&healthz).send().await?.status() == 200);
            let foreign = client::builder(&tls.join("ca.pem"))?.identity(client::identity(&consoles, "traefik")?);
            for (who, client) in [
                ("no certificate", client::https(&tls.join("ca.pem"))?),
                ("a certificate of another authority", foreign.build()?),
            ] {
                ensure!(client.get(&healthz).send().await.is_err(), "{who} was answered");
            }
            let in_the_clear = healthz.replace("https://", "http://");
            ensure!(client::plain()?.get(in_the_clear).send().await.is_err(), "plain HTTP was answered");
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_certificates_between_traefik_and_the_service_are_replaced_while_requests_run_and_none_fails() -> Result<()>
{
    let stage = Stage::start(StageOptions { mutual_tls: true, ..StageOptions::default() }).await?;
    stage
        .play(async |stage| {
            let load = Load::begin(stage, 8)?;
            let (old, next) = (stage.service_tls(), stage.folder().join("next"));
            stage.make_certificates(&next)?;
            let before = stage.folder().join("before");
            fs::create_dir(&before)?;
            fs::copy(old.join("ca.pem"), before.join("ca.pem"))?;

            // 1. The service takes clients of both authorities.
            replace(&old.join("ca.pem"), &both(&before.join("ca.pem"), &next.join("ca.pem"))?)?;
            let mixed =
                client::builder(&before.join("ca.pem"))?.identity(client::identity(&next, "traefik")?).build()?;
            let healthz = format!("{}/healthz", stage.service_url());
            until("the service takes the new authority", PATIENCE, async || {
                Ok(mixed.get(&healthz).send().await.is_ok().then_some(()))
            })
            .await?;

            // 2. Traefik believes both authorities, and shows its new certificate.
            let traefik = stage.dynamic().parent().context("no folder")?.to_owned();
            replace(&traefik.join("service-ca.pem"), &both(&before.join("ca.pem"), &next.join("ca.pem"))?)?;
            rewrite(stage, &next, &traefik, "both").await?;

            // 3. The service shows its new certificate.
            for name in ["server.pem", "server.key"] {
                replace(&old.join(name), &fs::read(next.join(name))?)?;
            }
            let renewed = || client::with_certificate(&next, "traefik");
            until("the service shows its new certificate", PATIENCE, async || {
                Ok(renewed()?.get(&healthz).send().await.is_ok().then_some(()))
            })
            .await?;

            // 4. Nobody believes the old authority any more.
            replace(&traefik.join("service-ca.pem"), &fs::read(next.join("ca.pem"))?)?;
            rewrite(stage, &next, &traefik, "new").await?;
            replace(&old.join("ca.pem"), &fs::read(next.join("ca.pem"))?)?;
            until("the old authority counts no more", PATIENCE, async || {
                // A client of its own each time: connections that were taken stay.
                let outdated = client::builder(&next.join("ca.pem"))?.identity(client::identity(&old, "traefik")?);
                Ok(outdated.build()?.get(&healthz).send().await.is_err().then_some(()))
            })
            .await?;
            let answered = load.end().await?;
            println!("{answered} requests were answered while everything was replaced");

            // New connections alone, so that nothing of before is left in them.
            for name in ["traefik.pem", "traefik.key"] {
                replace(&old.join(name), &fs::read(next.join(name))?)?;
            }
            stage.restart_service().await?;
            let caller = stage.caller("console-7", "events:read")?;
            ensure!(status(caller.get("/v1/events")).await? == 200, "new connections fail");
            until_the_same_file_is_enough(stage, &caller).await
        })
        .await
}

/// A dynamic file that is renamed into place without a change makes Traefik read the certificates that it names again.
async fn until_the_same_file_is_enough(stage: &Stage, caller: &Caller) -> Result<()> {
    let (served, third) = (stage.service_tls(), stage.folder().join("third"));
    stage.make_certificates(&third)?;
    for name in ["ca.pem", "server.pem", "server.key", "traefik.pem", "traefik.key"] {
        replace(&served.join(name), &fs::read(third.join(name))?)?;
    }
    stage.restart_service().await?;
    ensure!(status(caller.get("/v1/events")).await? >= 500, "Traefik believed an authority that it does not know");
    let traefik = stage.dynamic().parent().context("no folder")?.to_owned();
    for (name, ours) in [("service-ca.pem", "ca.pem"), ("traefik.pem", "traefik.pem"), ("traefik.key", "traefik.key")] {
        replace(&traefik.join(name), &fs::read(third.join(ours))?)?;
    }
    let text = fs::read_to_string(stage.dynamic().join("mutual-tls.yml"))?;
    stage.write_dynamic("mutual-tls.yml", &text)?;
    until("Traefik shows its third certificate", PATIENCE, async || {
        Ok((status(caller.get("/v1/events")).await? == 200).then_some(()))
    })
    .await
}

/// Gives Traefik its new certificate and has it read its file again; returns when it has.
async fn rewrite(stage: &Stage, next: &Path, traefik: &Path, mark: &str) -> Result<()> {
    for name in ["traefik.pem", "traefik.key"] {
        replace(&traefik.join(name), &fs::read(next.join(name))?)?;
    }
    let file = stage.dynamic().join("mutual-tls.yml");
    // A route that goes nowhere: by its answer the test sees that the file has been read.
    let route = format!(
        "    {mark}:\n      entryPoints: [websecure]\n      rule: Path(`/{mark}`)\n      service: noop@internal\n"
    );
    let text = fs::read_to_string(&file)?.replace("  routers:\n", &format!("  routers:\n{route}"));
    stage.write_dynamic("mutual-tls.yml", &text)?;
    let stranger = stage.stranger()?;
    until("Traefik has read its file again", PATIENCE, async || {
        Ok((status(stranger.get(&format!("/{mark}"))).await? == 418).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keeper_shows_its_certificate_and_hears_over_mutual_tls_what_is_revoked() -> Result<()> {
    let options = StageOptions { mutual_tls: true, ..revocation::beside_an_echo(revocation::kept_gate()?)? };
    let stage = Stage::start(options).await?;
    stage
        .play(async |stage| {
            let tls = stage.service_tls();
            let mut config = revocation::keeper_config(stage);
            let service = config.get_mut("service").and_then(serde_json::Value::as_object_mut).context("no service")?;
            for (key, file) in [("caFile", "ca.pem"), ("clientCert", "keeper.pem"), ("clientKey", "keeper.key")] {
                service.insert(key.into(), json!(tls.join(file)));
            }
            let _keeper = stage.watchgate("keeper", &config)?;
            // The back end behind this route believes everything: who refuses here is the gate.
            let caller = stage.caller("ana", "events:read")?;
            until("the keeper has spoken", PATIENCE, async || {
                Ok((status(caller.get("/echo")).await? == 200).then_some(()))
            })
            .await?;
            let operator = stage.caller("operator", "revocations:write")?;
            let form = [("iss", "https://issuer.watchgate.test"), ("sub", "ana")];
            let revoking = operator.request(reqwest::Method::POST, "/v1/revocations").form(&form);
            ensure!(status(revoking).await? == 200, "nothing was revoked");
            until("the gate has heard of it", PATIENCE, async || {
                Ok((status(caller.get("/echo")).await? == 401).then_some(()))
            })
            .await
        })
        .await
}

/// Requests that never pause.
struct Load {
    goes_on: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    connections: JoinSet<Result<()>>,
}

impl Load {
    fn begin(stage: &Stage, connections: usize) -> Result<Load> {
        let (goes_on, answered) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let mut load = Load { goes_on, answered, connections: JoinSet::new() };
        for _ in 0..connections {
            let caller = stage.caller("console-7", "events:read")?;
            let (goes_on, answered) = (Arc::clone(&load.goes_on), Arc::clone(&load.answered));
            load.connections.spawn(async move {
                while goes_on.load(Ordering::Relaxed) {
                    expect_json(200, caller.get("/v1/events?limit=1")).await?;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
        }
        Ok(load)
    }

    /// How many were answered; fails when one was not.
    async fn end(mut self) -> Result<usize> {
        self.goes_on.store(false, Ordering::Relaxed);
        while let Some(ended) = self.connections.join_next().await {
            ended??;
        }
        let answered = self.answered.load(Ordering::Relaxed);
        ensure!(answered > 0, "no request was made");
        Ok(answered)
    }
}
