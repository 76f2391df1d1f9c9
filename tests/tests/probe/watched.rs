//! A stage that is watched by a probe, and how its parts are broken.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use programs::ports;
use serde_json::{Value, json};
use watchgate_tests::alert_receiver::AlertReceiver;
use watchgate_tests::client::{expect_json, plain};
use watchgate_tests::revocation::{every_service_token_passes, keeper_config};
use watchgate_tests::wait::until;
use watchgate_tests::{Companion, Stage, StageOptions, shipped_gate_with_sessions};

const ISSUER: &str = "https://issuer.watchgate.test";
const SCOPES: &str = "events:read events:write assistant:ask commands:request";
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Of a round, and of what a check may take: short ones, for a test.
pub(crate) const PERIOD: u64 = 2;
const TIMEOUT: u64 = 4;

pub(crate) const DOCUMENT: &str =
    "---\nowner: mail team\n---\n\n# Mailer\n\nThe mailer is restarted with the runbook restart-worker.\n";

const CANARY: &str = "
name: probe-canary
title: Let the canary sing
description: Does nothing; a live check asks for it.
target: {service: probe-canary}
risk: read
approval: {needed: false, not_requester: false}
timeout_seconds: 20
parameters: {type: object, additionalProperties: false}
";

pub(crate) fn rights(allowed: &str) -> String {
    format!("rules:\n  - name: whoever asks\n    who: {{scopes: [commands:request]}}\n    allow: [{allowed}]\n")
}

/// A stage, a keeper, folders of its own for documents and runbooks, and a receiver of alerts.
pub(crate) struct Watched {
    pub(crate) stage: Stage,
    pub(crate) keeper: Companion,
    folder: tempfile::TempDir,
    pub(crate) receiver: AlertReceiver,
    pub(crate) listen: u16,
}

impl Watched {
    pub(crate) async fn start(more_issuers: Vec<Value>, trust_files: Vec<(String, String)>) -> Result<Watched> {
        let folder = tempfile::tempdir()?;
        for name in ["documents", "runbooks"] {
            fs::create_dir(folder.path().join(name))?;
        }
        fs::write(folder.path().join("documents/mailer.md"), DOCUMENT)?;
        fs::write(folder.path().join("runbooks/probe-canary.yaml"), CANARY)?;
        fs::write(folder.path().join("runbooks/rights.yaml"), rights("run, cancel"))?;
        let mut gate = shipped_gate_with_sessions(&[ISSUER])?;
        let settings = gate.as_object_mut().context("no gate is shipped")?;
        settings.insert("keeper".into(), json!(true));
        // Rounds come every two seconds here, with five bad tokens each.
        settings.insert("throttle".into(), json!({"badTokensPerMinute": 10_000}));
        settings.get_mut("issuers").and_then(Value::as_array_mut).context("no issuers")?.extend(more_issuers);
        let stage = Stage::start(StageOptions {
            gate: Some(gate),
            sessions: true,
            trust_files,
            documents: Some(folder.path().join("documents")),
            runbooks: Some(folder.path().join("runbooks")),
            ..StageOptions::default()
        })
        .await?;
        let keeper = stage.watchgate("keeper", &keeper_config(&stage))?;
        every_service_token_passes(&stage).await.with_context(|| keeper.log())?;
        let watched = Watched { stage, keeper, folder, receiver: AlertReceiver::start()?, listen: ports::free()? };
        watched.token("own", "probe", SCOPES)?;
        watched.token("canary", "probe-canary", "commands:lease")?;
        watched.token("person", "ada", "sessions:write events:read")?;
        watched.token("operator", "operator", "revocations:write")?;
        Ok(watched)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn token(&self, name: &str, subject: &str, scopes: &str) -> Result<()> {
        Ok(fs::write(self.path(&format!("{name}.token")), self.stage.mint(subject, scopes)?)?)
    }

    pub(crate) fn file(&self, name: &str) -> Value {
        json!({"file": self.path(&format!("{name}.token"))})
    }

    /// What every probe here is told, and `more`.
    pub(crate) fn settings(&self, more: Value) -> Result<Value> {
        let loopback = ["127.0.0.0/8", "::1/128"];
        let receiver = |name: &str, form: &str, path: &str| json!({"name": name, "form": form, "url": self.receiver.url(path), "allowedNetworks": loopback});
        let mut settings = json!({
            "listen": format!("127.0.0.1:{}", self.listen),
            "stateFile": self.path("state.json"),
            "intervalSeconds": PERIOD,
            "timeoutSeconds": TIMEOUT,
            "gateway": {"url": self.stage.base_url(), "caFile": self.stage.ca(), "allowedNetworks": loopback},
            "token": self.file("own"),
            "gate": {"everySeconds": PERIOD},
            "labels": {"site": "test"},
            "receivers": [receiver("ops", "alertmanager", "webhook"), receiver("bus", "cloudevents", "events")],
        });
        let told = settings.as_object_mut().context("no object")?;
        for (name, value) in more.as_object().into_iter().flatten() {
            told.insert(name.clone(), value.clone());
        }
        Ok(settings)
    }

    pub(crate) async fn status(&self) -> Result<Value> {
        expect_json(200, plain()?.get(format!("http://127.0.0.1:{}/status.json", self.listen))).await
    }

    /// Waits until each of these checks has passed, and nothing is told of.
    pub(crate) async fn all_pass(&self, checks: &[&str]) -> Result<Value> {
        until("every check passes", PATIENCE, async || {
            let Ok(status) = self.status().await else { return Ok(None) };
            let passed = |name: &&str| {
                let found = status["checks"].as_array().into_iter().flatten().find(|found| found["check"] == **name);
                found.is_some_and(|found| found["outcome"] == "passed")
            };
            let is_quiet = status["alerts"].as_array().is_some_and(Vec::is_empty);
            Ok((is_quiet && checks.iter().all(passed)).then_some(status))
        })
        .await
    }

    /// What was told by webhook, in order: check and status.
    pub(crate) fn told(&self) -> Result<Vec<(String, &'static str)>> {
        let heard = self.receiver.heard()?;
        Ok(heard.into_iter().filter(|heard| heard.form == "webhook").map(|heard| (heard.check, heard.status)).collect())
    }

    pub(crate) async fn until_told(&self, check: &str, status: &str, times: usize) -> Result<()> {
        until(&format!("{check} is told as {status}"), PATIENCE, async || {
            let told = self.told()?.into_iter().filter(|told| told.0 == check && told.1 == status).count();
            Ok((told >= times).then_some(()))
        })
        .await
    }

    /// Breaks one part and mends it. Of that check, and of no other, an alert begins within two periods, and ends.
    pub(crate) async fn breaks(&self, check: &str, grace: Duration, part: Part<'_>, checks: &[&str]) -> Result<()> {
        let before = self.told()?.len();
        let began = Instant::now();
        (part.breaks)()?;
        self.until_told(check, "firing", 1).await.with_context(|| format!("broken: {check}"))?;
        let took = began.elapsed();
        // A failing check takes up to its own time, after which the next round comes with the next beat.
        let two_periods = Duration::from_secs(2 * (PERIOD + TIMEOUT)).saturating_add(grace);
        println!("{check}: told after {:.1} s", took.as_secs_f64());
        ensure!(took < two_periods, "{check} was told after {took:?}");
        (part.mends)().await?;
        self.until_told(check, "resolved", 1).await.with_context(|| format!("mended: {check}"))?;
        self.all_pass(checks).await?;
        let told = self.told()?.split_off(before);
        ensure!(told == [(check.to_owned(), "firing"), (check.to_owned(), "resolved")], "{check} broke; told {told:?}");
        Ok(())
    }

    /// Writes the gate's file anew, with one rule changed.
    pub(crate) fn with_rule(&self, name: &str, change: impl FnOnce(&mut Value)) -> Result<String> {
        let before = fs::read_to_string(self.stage.dynamic().join("gate.yml"))?;
        let mut gate: Value = serde_json::from_str(&before)?;
        let rules = gate.pointer_mut("/http/middlewares/gate/plugin/watchgate/rules").and_then(Value::as_array_mut);
        let rule = rules.context("no rules")?.iter_mut().find(|rule| rule["name"] == name).context("no such rule")?;
        change(rule);
        self.stage.write_dynamic("gate.yml", &format!("{gate:#}"))?;
        Ok(before)
    }
}

/// How a part is broken, and mended.
pub(crate) struct Part<'a> {
    pub(crate) breaks: &'a dyn Fn() -> Result<()>,
    pub(crate) mends: &'a dyn Fn() -> std::pin::Pin<Box<dyn Future<Output = Result<()>> + 'a>>,
}
