//! Tokens bound to a client certificate (RFC 8705), with mutual TLS at Traefik's entry point and the shipped chain.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use reqwest::{Identity, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::{Caller, builder, expect_json, status};
use watchgate_tests::wait::until;
use watchgate_tests::{BackEnd, Stage, StageOptions, artifacts, shipped_gate};

const HEADER: &str = "X-Forwarded-Tls-Client-Cert";

/// Somebody with a certificate.
struct Holder {
    der: Vec<u8>,
    /// The certificate, that of its signer, and the key.
    pem: String,
}

impl Holder {
    fn signed_by(authority: &CertifiedIssuer<'_, KeyPair>, name: &str) -> Result<Holder> {
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = parameters.signed_by(&key, authority)?;
        let pem = format!("{}{}{}", certificate.pem(), authority.pem(), key.serialize_pem());
        Ok(Holder { der: certificate.der().to_vec(), pem })
    }

    fn caller(&self, stage: &Stage, token: &str) -> Result<Caller> {
        let client = builder(&stage.ca())?.identity(Identity::from_pem(self.pem.as_bytes())?).build()?;
        Ok(Caller::new(client, &stage.base_url(), Some(token.to_owned())))
    }

    fn bound_token(&self, stage: &Stage) -> Result<String> {
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&self.der));
        let confirmation = json!({"x5t#S256": thumbprint}).to_string();
        stage.token("console-7").scope("events:write").claim("cnf", &confirmation).mint()
    }
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, "Consoles");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    Ok(CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?)
}

async fn stage(trust: Value) -> Result<Stage> {
    let mut gate = shipped_gate()?;
    gate["trustClientCertificate"] = trust.clone();
    if trust == json!(true) {
        gate["rules"][1]["require"] = json!("Scope(`events:write`) && BoundToClient()");
    }
    let back_end = BackEnd::DropIn(EchoBackEnd::start("echo")?.url());
    Stage::start(StageOptions { back_end, gate: Some(gate), ..StageOptions::default() }).await
}

/// Puts the shipped file into place, with the test's authority.
async fn take_client_certificates(
    stage: &Stage,
    authority: &CertifiedIssuer<'_, KeyPair>,
    holder: &Holder,
) -> Result<()> {
    let clients = stage.folder().join("clients.pem");
    std::fs::write(&clients, authority.pem())?;
    let shipped = std::fs::read_to_string(artifacts::root().join("traefik-config/client-certificate.yml"))?;
    let named = "/etc/traefik/tls/clients.pem";
    ensure!(shipped.matches(named).count() == 1, "the shipped file names {named} not once");
    stage.write_dynamic("client-certificate.yml", &shipped.replace(named, &clients.display().to_string()))?;
    let token = stage.mint("console-7", "")?;
    until("Traefik asks for certificates", std::time::Duration::from_secs(10), async || {
        // While Traefik takes the new options over, a new connection may still get an answer for the old ones.
        let answer = holder.caller(stage, &token)?.get("/healthz").send().await?;
        let echo: Value = if answer.status() == 200 { answer.json().await? } else { Value::Null };
        Ok(has_header(&echo, &HEADER.to_lowercase()).then_some(()))
    })
    .await
}

fn has_header(echo: &Value, name: &str) -> bool {
    echo["headers"].as_array().is_some_and(|headers| headers.iter().any(|header| header[0] == name))
}

fn post(caller: &Caller) -> RequestBuilder {
    caller.post("/v1/events", &json!({}))
}

/// Traefik counts the length of a rule where no number stands, so a file without one may hide the others.
#[test]
fn each_shipped_router_stands_above_those_that_it_takes_requests_from() -> Result<()> {
    let mut below = 0;
    for name in ["dynamic/routes.yml", "mutual-tls.yml", "client-certificate.yml", "opaque-tokens.yml"] {
        let shipped = std::fs::read_to_string(artifacts::root().join("traefik-config").join(name))?;
        let values = |key: &str| shipped.lines().filter_map(|line| line.trim().strip_prefix(key)).collect::<Vec<_>>();
        ensure!(values("rule: ").len() == 1, "{name} has other than one router");
        let [priority] = values("priority: ")[..] else { bail!("{name} has no single priority") };
        let priority: u32 = priority.parse().context(name)?;
        ensure!(priority > below, "{name} has {priority}, which is not above {below}");
        below = priority;
    }
    Ok(())
}

#[tokio::test]
async fn a_bound_token_passes_with_its_certificate_and_with_nothing_else() -> Result<()> {
    let stage = stage(json!(true)).await?;
    stage
        .play(async |stage| {
            let authority = authority()?;
            let (mine, other) = (Holder::signed_by(&authority, "mine")?, Holder::signed_by(&authority, "other")?);
            take_client_certificates(stage, &authority, &mine).await?;
            let token = mine.bound_token(stage)?;

            // Twice, so that a token that is known already is held against the connection as well.
            for _ in 0..2 {
                let received = expect_json(200, post(&mine.caller(stage, &token)?)).await?;
                let headers = received["headers"].as_array().context("no headers")?;
                let shown =
                    headers.iter().find(|header| header[0] == HEADER.to_lowercase()).context("not passed on")?;
                let shown: Vec<_> = shown[1].as_str().context("no text")?.split(',').collect();
                ensure!(shown.len() == 2, "the chain has {} certificates", shown.len());
                ensure!(shown.first() == Some(&STANDARD.encode(&mine.der).as_str()), "the first one is not the leaf");

                for caller in [other.caller(stage, &token)?, stage.stranger()?.with_token(&token)] {
                    let answer = post(&caller).send().await?;
                    let challenge =
                        answer.headers().get("www-authenticate").context("no challenge")?.to_str()?.to_owned();
                    ensure!(answer.status() == 401 && challenge.contains("invalid_token"), "{answer:?}");
                    for name in [HEADER, "x_forwarded_tls_client_cert"] {
                        let forged = post(&caller).header(name, STANDARD.encode(&mine.der));
                        ensure!(status(forged).await? == 401, "a forged {name} was believed");
                    }
                }
            }
            let unbound = mine.caller(stage, &stage.mint("console-7", "events:write")?)?;
            ensure!(status(post(&unbound)).await? == 403, "the rule asks for a bound token");
            let sender_constrained = json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}).to_string();
            let unknown = stage.token("console-7").scope("events:write").claim("cnf", &sender_constrained).mint()?;
            ensure!(status(post(&mine.caller(stage, &unknown)?)).await? == 401, "a binding that nobody can check");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn where_nobody_vouches_for_the_header_it_is_never_believed_and_never_arrives() -> Result<()> {
    let stage = stage(json!(false)).await?;
    stage
        .play(async |stage| {
            let authority = authority()?;
            let mine = Holder::signed_by(&authority, "mine")?;
            let bound = stage.stranger()?.with_token(&mine.bound_token(stage)?);
            ensure!(status(post(&bound).header(HEADER, STANDARD.encode(&mine.der))).await? == 401);
            let unbound = stage.caller("console-7", "events:write")?;
            let received = expect_json(200, post(&unbound).header(HEADER, STANDARD.encode(&mine.der))).await?;
            ensure!(!has_header(&received, &HEADER.to_lowercase()), "the back end saw {received}");
            Ok(())
        })
        .await
}
