//! A stage with everything of identity on it: a real provider, a keeper that fetches its keys and follows the service's
//! revocations, and an exchange for its opaque tokens.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::client::Caller;
use crate::dpop::DpopKey;
use crate::identity_provider::{CLIENT_SECRET, IdentityProvider, Resource};
use crate::process::tail;
use crate::wait::until;
use crate::{Companion, Stage, StageOptions, artifacts, ports, shipped_gate};

/// Longer than any part takes to start or to follow another.
const PATIENCE: Duration = Duration::from_secs(20);

/// An instance looks every 250 ms.
const INSTANCES_HAVE_LOOKED: Duration = Duration::from_millis(300);

const KEY_SET: &str = "jwks/idp.json";
const EXCHANGE: &str = "urn:watchgate:exchange";

/// The stage and its processes.
#[derive(Debug)]
pub struct IdentityStage {
    /// Traefik with the gate, and the service.
    pub stage: Stage,
    /// Whose tokens the gate takes, and nobody else's.
    pub provider: IdentityProvider,
    keeper: Mutex<Companion>,
    /// The exchange.
    pub exchange: Companion,
}

impl IdentityStage {
    /// Starts all of it, and waits until a token of the provider passes.
    pub async fn start() -> Result<IdentityStage> {
        IdentityStage::start_with(&json!({})).await
    }

    /// The same with these members in the gate's configuration.
    pub async fn start_with(members: &Value) -> Result<IdentityStage> {
        let provider = IdentityProvider::start().await?;
        let exchange_port = ports::free()?;
        let mut gate = gate(&provider)?;
        for (name, value) in members.as_object().context("no members of an object")? {
            gate.as_object_mut().context("the gate is no object")?.insert(name.clone(), value.clone());
        }
        let options = StageOptions {
            gate: Some(gate),
            dynamic: Some(opaque_tokens(exchange_port)?),
            mutual_tls: true,
            ..StageOptions::default()
        };
        let stage = Stage::start(options).await?;
        make_exchange_key(&stage)?;
        write_secret(&stage.folder().join("provider.secret"))?;
        let exchange = stage.watchgate("exchange", &exchange_config(&stage, &provider, exchange_port))?;
        let keeper = Mutex::new(stage.watchgate("keeper", &keeper_config(&stage, &provider))?);
        let staged = IdentityStage { stage, provider, keeper, exchange };
        staged.wait(exchange_port).await?;
        Ok(staged)
    }

    async fn wait(&self, exchange_port: u16) -> Result<()> {
        until("the exchange listens", PATIENCE, async || {
            Ok(TcpStream::connect(("127.0.0.1", exchange_port)).is_ok().then_some(()))
        })
        .await
        .with_context(|| self.logs())?;
        let token = self.provider.grant(Resource::jwt()).scope("events:read").machine().await?.access;
        self.until_passes(&token).await.map(drop).with_context(|| self.logs())
    }

    /// Somebody with this token.
    pub fn caller(&self, token: &str) -> Result<Caller> {
        Ok(self.stage.stranger()?.with_token(token))
    }

    /// A request with a bound token and a new proof of its key.
    pub fn proven(&self, method: &Method, path: &str, token: &str, key: &DpopKey) -> Result<RequestBuilder> {
        let proof = key.proof(method.as_str(), &format!("{}{path}", self.stage.base_url())).token(token).sign();
        self.with_proof(method, path, token, &proof)
    }

    /// The same with this proof.
    pub fn with_proof(&self, method: &Method, path: &str, token: &str, proof: &str) -> Result<RequestBuilder> {
        let request = self.stage.stranger()?.request(method.clone(), path);
        Ok(request.header("Authorization", format!("DPoP {token}")).header("DPoP", proof))
    }

    /// Revokes at the service, as a machine that may (RFC 7009's form, or one of ours); returns when the service has
    /// said yes.
    pub async fn revoke(&self, form: &[(&str, &str)]) -> Result<()> {
        let token = self.provider.grant(Resource::jwt()).scope("revocations:write").machine().await?.access;
        let request = self.caller(&token)?.request(Method::POST, "/v1/revocations").form(form);
        let answer = request.send().await?;
        ensure!(answer.status() == 200, "answered {}: {}", answer.status(), answer.text().await?);
        Ok(())
    }

    /// Waits until a token passes at every instance of the gate, and gives the time until it passed at one. Each looks for
    /// itself, and one that has looked just before the keeper wrote answers 503 still; nothing else may be answered.
    pub async fn until_passes(&self, token: &str) -> Result<Duration> {
        let caller = self.caller(token)?;
        let begun = Instant::now();
        let (mut first, mut since) = (None, None);
        until("the token passes", PATIENCE, async || {
            let answered = caller.get("/v1/events").send().await?.status();
            ensure!(answered == 200 || answered == 503, "a good token was answered {answered}");
            let is_good = answered == 200;
            since = since.or(Some(Instant::now())).filter(|_| is_good);
            first = first.or(since);
            Ok(since.is_some_and(|since: Instant| since.elapsed() > INSTANCES_HAVE_LOOKED).then_some(()))
        })
        .await?;
        Ok(first.context("it never passed")?.duration_since(begun))
    }

    /// Waits until a token is refused: the answer must go from 200 to 401 without anything between.
    pub async fn until_refused(&self, token: &str) -> Result<()> {
        let caller = self.caller(token)?;
        until("the token is refused", PATIENCE, async || {
            let answered = caller.get("/v1/events").send().await?.status();
            ensure!(answered == 200 || answered == 401, "answered {answered}");
            Ok((answered == 401).then_some(()))
        })
        .await
    }

    /// Ends the keeper with SIGKILL and starts another one, which asks for keys at once.
    pub fn restart_keeper(&self) -> Result<()> {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        keeper.kill();
        *keeper = self.stage.watchgate("keeper", &keeper_config(&self.stage, &self.provider))?;
        Ok(())
    }

    /// The keys of the provider that the gate has now.
    pub fn kept_keys(&self) -> Result<String> {
        fs::read_to_string(self.stage.trust_folder().join(KEY_SET)).context("no keys are kept")
    }

    /// What keeper and exchange have written.
    pub fn logs(&self) -> String {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).log();
        format!("--- keeper.log\n{}\n--- exchange.log\n{}", tail(&keeper), tail(&self.exchange.log()))
    }
}

/// The shipped gate with the provider and the exchange as its issuers. To write events a token must be bound.
fn gate(provider: &IdentityProvider) -> Result<Value> {
    let mut gate = shipped_gate()?;
    let settings = gate.as_object_mut().context("the shipped gate is no object")?;
    settings.insert("keeper".to_owned(), json!(true));
    let exchange = json!({
        "issuer": EXCHANGE, "speaksFor": [provider.issuer()], "audiences": ["watchgate"],
        "jwksFile": "jwks/exchange.json", "algorithms": ["EdDSA"],
    });
    settings.insert("issuers".to_owned(), json!([provider.gate_issuer(KEY_SET), exchange]));
    let rules = settings.get_mut("rules").and_then(Value::as_array_mut).context("no rules are shipped")?;
    for rule in rules.iter_mut().filter(|rule| rule.get("name").is_some_and(|name| name == "events-write")) {
        if let Some(rule) = rule.as_object_mut() {
            rule.insert("require".to_owned(), json!("Scope(`events:write`) && BoundToClient()"));
        }
    }
    let is_there = rules.iter().any(|rule| rule.get("name").is_some_and(|name| name == "revocations"));
    if !is_there {
        rules.push(json!({
            "name": "revocations", "match": "Path(`/v1/revocations`) && Method(`POST`)",
            "require": "Scope(`revocations:write`)",
        }));
    }
    Ok(gate)
}

/// The shipped route of tokens that are no JWTs, to this exchange and on by mutual TLS.
fn opaque_tokens(exchange_port: u16) -> Result<Value> {
    let mut text = fs::read_to_string(artifacts::root().join("traefik-config/opaque-tokens.yml"))?;
    for (shipped, ours) in [
        ("127.0.0.1:8087", &*format!("127.0.0.1:{exchange_port}")),
        ("service: assistant-service\n", "service: assistant-service-mutual-tls\n"),
    ] {
        ensure!(text.matches(shipped).count() == 1, "opaque-tokens.yml holds {shipped:?} not once");
        text = text.replace(shipped, ours);
    }
    serde_saphyr::from_str(&text).context("opaque-tokens.yml is no YAML")
}

fn exchange_config(stage: &Stage, provider: &IdentityProvider, port: u16) -> Value {
    json!({
        "listen": format!("127.0.0.1:{port}"), "issuer": EXCHANGE, "audience": "watchgate",
        "keyFile": stage.folder().join("exchange/phantom.pem"),
        "providers": [{
            // Its machines have tokens without `sub`.
            "subjectFromClientId": true,
            "name": "idp", "issuer": provider.issuer(), "audiences": ["watchgate"],
            "auth": {
                "method": "client_secret_basic", "clientId": "resource-server",
                "secretFile": stage.folder().join("provider.secret"),
            },
            "caFile": provider.ca(), "allowedNetworks": ["127.0.0.0/8"],
        }],
    })
}

fn keeper_config(stage: &Stage, provider: &IdentityProvider) -> Value {
    // Whoever stands on this host shows the same certificate.
    let tls = stage.service_tls();
    json!({
        "trust": stage.trust_folder(), "gate": stage.gate_folder(),
        "service": {
            "url": stage.service_url(), "audience": "assistant-service", "caFile": tls.join("ca.pem"),
            "clientCert": tls.join("traefik.pem"), "clientKey": tls.join("traefik.key"),
        },
        "issuers": [{
            "issuer": provider.issuer(), "file": KEY_SET, "caFile": provider.ca(),
            "allowedNetworks": ["127.0.0.0/8"],
        }],
    })
}

fn make_exchange_key(stage: &Stage) -> Result<()> {
    let made = Command::new(artifacts::watchgate()?)
        .args(["keys", "exchange", "--dir"])
        .arg(stage.folder().join("exchange"))
        .arg("--trust")
        .arg(stage.trust_folder())
        .output()
        .context("`watchgate keys exchange` could not be started")?;
    ensure!(made.status.success(), "`watchgate keys exchange` failed: {}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}

fn write_secret(path: &Path) -> Result<()> {
    let mut file = fs::File::options().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(CLIENT_SECRET.as_bytes()).with_context(|| format!("{} cannot be written", path.display()))
}
