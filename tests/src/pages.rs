//! A stage with the pages on it, where people sign in at a real identity provider; and walks over them in a real browser, each a program
//! of `tests/browser/`.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::identity_provider::IdentityProvider;
use crate::{Companion, Stage, StageOptions, artifacts, shipped_gate_with_sessions};

const CLIENT_ID: &str = "console";
const KEY_SET: &str = "jwks/provider.json";
/// Longer than any walk takes, also where a browser has half a core.
const PATIENCE: Duration = Duration::from_secs(420);

/// The stage and the provider.
#[derive(Debug)]
pub struct Pages {
    /// Traefik with the gate, and the service with its pages.
    pub stage: Stage,
    /// Where people sign in.
    pub provider: IdentityProvider,
}

impl Pages {
    /// What such a stage is, whatever it is besides: sessions, and a console for the people of this provider.
    pub async fn options(provider: &IdentityProvider) -> Result<StageOptions> {
        let mut gate = shipped_gate_with_sessions(&[provider.issuer()])?;
        let issuers = gate.get_mut("issuers").and_then(Value::as_array_mut).context("no issuers are shipped")?;
        issuers.push(provider.gate_issuer(KEY_SET));
        Ok(StageOptions {
            gate: Some(gate),
            trust_files: vec![(KEY_SET.to_owned(), provider.key_set().await?.to_string())],
            more_documents: vec![artifacts::root().join("examples/company/lab")],
            sessions: true,
            console: Some(json!({"issuer": provider.issuer(), "clientId": CLIENT_ID})),
            ..StageOptions::default()
        })
    }

    /// Tells the provider of the console, whose address is known only now.
    pub async fn open(stage: Stage, provider: IdentityProvider) -> Result<Pages> {
        let console = json!({
            "client_id": CLIENT_ID, "token_endpoint_auth_method": "none", "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token"], "redirect_uris": [format!("{}/console", stage.base_url())],
        });
        provider.register(&console).await?;
        Ok(Pages { stage, provider })
    }

    /// Starts it on one file.
    pub async fn start() -> Result<Pages> {
        let provider = IdentityProvider::start().await?;
        let stage = Stage::start(Pages::options(&provider).await?).await?;
        Pages::open(stage, provider).await
    }

    /// The microservice that carries commands out.
    pub fn sample_service(&self) -> Result<Companion> {
        let mut program = std::process::Command::new(artifacts::sample_service()?);
        program
            .env("WATCHGATE_URL", self.stage.base_url())
            .env("WATCHGATE_CA", self.stage.ca())
            .env("WATCHGATE_TOKEN", self.stage.mint("sample-service", "commands:lease events:write")?);
        self.stage.companion("sample-service", &mut program)
    }

    /// Has a browser walk, and gives what it has measured. `told` is what this walk asks for besides.
    pub async fn walk(&self, name: &str, told: Value) -> Result<Value> {
        let root = artifacts::root();
        let mut world = json!({
            "gateway": self.stage.base_url(), "issuer": self.provider.issuer(),
            "certificates": [self.stage.keys().join("tls/server.pem"), self.provider.folder().join("server.pem")],
            "screenshots": root.join("target/screenshots"),
        });
        if let (Some(world), Value::Object(told)) = (world.as_object_mut(), told) {
            world.extend(told);
        }
        let mut node = Command::new(artifacts::node()?)
            .arg(root.join("tests/browser/run.mjs"))
            .arg(name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node could not be started")?;
        let mut input = node.stdin.take().context("no standard input")?;
        input.write_all(world.to_string().as_bytes()).await?;
        drop(input);
        let walked =
            timeout(PATIENCE, node.wait_with_output()).await.context("the browser does not come to an end")??;
        ensure!(walked.status.success(), "the walk `{name}` failed, see above");
        let said = String::from_utf8(walked.stdout)?;
        serde_json::from_str(&said).with_context(|| format!("the walk says no JSON: {said}"))
    }
}
