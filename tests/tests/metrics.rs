//! The files of `deploy/observability` against what the real processes print: a rule about a metric that nobody writes is silent for ever.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use watchgate_tests::client::{expect_json, plain};
use watchgate_tests::revocation::{keeper_config, kept_gate};
use watchgate_tests::wait::until;
use watchgate_tests::{Companion, Stage, StageOptions, artifacts};

/// Consumers are measured every 30 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// What Prometheus itself writes down.
const PROMETHEUS_OWN: [&str; 1] = ["up"];

/// Every expression of the rules and of the dashboard.
fn expressions() -> Result<Vec<String>> {
    let folder = artifacts::root().join("deploy/observability");
    let rules: Value = serde_saphyr::from_str(&fs::read_to_string(folder.join("alerts.yml"))?)?;
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(folder.join("dashboard.json"))?)?;
    let mut found = Vec::new();
    gather(&rules, &mut found);
    let of_rules = found.len();
    gather(&dashboard, &mut found);
    ensure!(
        of_rules >= 20 && found.len().saturating_sub(of_rules) >= 20,
        "only {of_rules} rules and {} expressions",
        found.len()
    );
    Ok(found)
}

fn gather(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(expression) if key == "expr" => found.push(expression.clone()),
                    deeper => gather(deeper, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| gather(value, found)),
        _ => {}
    }
}

/// The metrics that an expression names: with the prefixes of ours and of Traefik's, whatever stands in quotes left out.
fn names(expression: &str) -> BTreeSet<String> {
    let outside = expression.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let words = outside.split(|letter: char| !(letter.is_ascii_alphanumeric() || "_:".contains(letter)));
    let is_metric = |word: &&str| word.starts_with("watchgate_") || word.starts_with("traefik_") || *word == "up";
    words.filter(is_metric).map(str::to_owned).collect()
}

/// The names of the samples in a text of metrics.
fn printed(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

/// Where a process says that its metrics are.
async fn told_at(process: &Companion, before: &str, after: &str) -> Result<String> {
    until("a process says where its metrics are", PATIENCE, async || {
        let log = process.log();
        let line = log.lines().find_map(|line| line.split_once(before));
        Ok(line.map(|(_, url)| format!("{}{after}", url.split_whitespace().next().unwrap_or_default())))
    })
    .await
    .with_context(|| process.log())
}

/// An exchange whose provider is away, so that a token cannot be looked up.
fn exchange(stage: &Stage) -> Result<Companion> {
    let keys = stage.folder().join("exchange");
    let trust = stage.trust_folder();
    let made = Command::new(artifacts::watchgate()?)
        .args(["keys", "exchange", "--dir"])
        .arg(&keys)
        .arg("--trust")
        .arg(&trust)
        .output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let secret = keys.join("idp.secret");
    fs::write(&secret, "a secret that nobody is told")?;
    stage.watchgate(
        "exchange",
        &json!({
            "listen": "127.0.0.1:0", "audience": "watchgate", "keyFile": keys.join("phantom.pem"),
            "providers": [{
                "name": "idp", "issuer": "http://127.0.0.1:9", "introspectionEndpoint": "http://127.0.0.1:9/introspect",
                "audiences": ["watchgate"], "allowedNetworks": ["127.0.0.0/8"],
                "auth": {"method": "client_secret_basic", "clientId": "gateway", "secretFile": secret},
            }],
        }),
    )
}

fn runner(stage: &Stage) -> Result<Companion> {
    let folder = stage.folder().join("runner");
    fs::create_dir_all(&folder)?;
    let token = folder.join("token");
    fs::write(&token, stage.mint("runner", "commands:lease")?)?;
    let mut command = Command::new(artifacts::watchgate()?);
    command.args(["runner", "--metrics", "127.0.0.1:0", "--gateway"]).arg(stage.base_url());
    command.arg("--ca").arg(stage.ca()).arg("--token-file").arg(token).arg("--state").arg(folder.join("state"));
    command.arg("--runbooks").arg(artifacts::root().join("examples/company/runbooks"));
    stage.companion("runner", &mut command)
}

/// A probe that only makes the checks that need nothing more.
fn probe(stage: &Stage) -> Result<Companion> {
    let folder = stage.folder().join("probe");
    fs::create_dir_all(&folder)?;
    let token = folder.join("token");
    fs::write(&token, stage.mint("probe", "events:write events:read")?)?;
    let loopback = ["127.0.0.0/8", "::1/128"];
    stage.watchgate(
        "probe",
        &json!({
            "listen": "127.0.0.1:0", "stateFile": folder.join("state.json"), "token": {"file": token},
            "gateway": {"url": stage.base_url(), "caFile": stage.ca(), "allowedNetworks": loopback},
        }),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_the_rules_and_of_the_dashboard_is_printed_by_somebody() -> Result<()> {
    let options = StageOptions { gate: Some(kept_gate()?), traefik_metrics: true, ..StageOptions::default() };
    let stage = Stage::start(options).await?;
    let mut kept = keeper_config(&stage);
    kept["metrics"] = json!({"listen": "127.0.0.1:0"});
    // Nobody is there: when its keys were fetched is told all the same.
    kept["issuers"] = json!([{"issuer": "https://issuer.example.com", "file": "jwks/away.json", "jwksUri": "https://127.0.0.1:9/keys"}]);
    let keeper = stage.watchgate("keeper", &kept)?;
    let keeper_url = told_at(&keeper, "metrics on ", "").await?;
    let exchange = exchange(&stage)?;
    let exchange_url = told_at(&exchange, "listening on ", "").await?;
    let runner = runner(&stage)?;
    let runner_url = told_at(&runner, "metrics on ", "").await?;
    let probe = probe(&stage)?;
    let probe_url = told_at(&probe, "listening on ", "/metrics").await?;

    let ana = stage.caller("ana", "events:consume events:write commands:request metrics:read")?;
    let client = plain()?;
    until("the gates have heard the keeper", PATIENCE, async || {
        Ok((ana.get("/metrics").send().await?.status() == 200).then_some(()))
    })
    .await?;
    ensure!(stage.stranger()?.get("/v1/events").send().await?.status() == 401, "a stranger was let through");
    ana.request(Method::PUT, "/v1/consumers/mail").json(&json!({})).send().await?;
    let call = json!({"runbook": "restart-worker", "parameters": {"worker": "mailer"}, "reason": "a test"});
    expect_json(201, ana.post("/v1/commands", &call)).await?;
    let opaque = client.get(format!("{exchange_url}/v1/exchange/idp")).bearer_auth("an-opaque-token");
    ensure!(opaque.send().await?.status() == 503, "the exchange has found a provider");

    let wanted: BTreeSet<String> = expressions()?.iter().flat_map(|expression| names(expression)).collect();
    ensure!(wanted.len() >= 30, "{wanted:?}");
    let urls = [keeper_url, format!("{exchange_url}/metrics"), runner_url, probe_url, stage.traefik_metrics_url()?];
    let mut texts = Vec::new();
    let mut missing = Vec::new();
    let all_there = until("every metric is there", PATIENCE, async || {
        texts = vec![ana.get("/metrics").send().await?.text().await?];
        for url in &urls {
            texts.push(client.get(url).send().await?.text().await?);
        }
        let there: BTreeSet<String> = texts.iter().flat_map(|text| printed(text)).collect();
        let is_missing = |name: &&String| !there.contains(*name) && !PROMETHEUS_OWN.contains(&name.as_str());
        missing = wanted.iter().filter(is_missing).cloned().collect();
        Ok(missing.is_empty().then_some(()))
    })
    .await;
    ensure!(all_there.is_ok(), "nobody prints {missing:?}");
    for text in texts.iter().take(5) {
        lint(text)?;
    }
    Ok(())
}

/// Holds names, types and helps against Prometheus's conventions, where promtool is there.
fn lint(text: &str) -> Result<()> {
    let promtool =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut promtool) = promtool else {
        eprintln!("left out: promtool is not here (scripts/system-packages.sh)");
        return Ok(());
    };
    promtool.stdin.take().context("no way in")?.write_all(as_prometheus_text(text).as_bytes())?;
    let said = promtool.wait_with_output()?;
    ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    Ok(())
}

/// promtool reads Prometheus's older text form, in which a counter's family bears its suffix and nothing marks the end.
fn as_prometheus_text(text: &str) -> String {
    let counters: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let line = |line: &str| {
        let mut parts = line.splitn(4, ' ');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("#"), Some("EOF"), ..) => String::new(),
            (Some("#"), Some(kind), Some(name), rest) if counters.contains(name) => {
                format!("# {kind} {name}_total {}\n", rest.unwrap_or_default())
            }
            _ => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}

#[test]
fn names_are_told_from_labels_and_functions() {
    let expression =
        "sum by (up_to) (rate(watchgate_requests_total{status=\"watchgate_x\"}[5m])) > on() up{job=~\"a\"}";
    assert_eq!(names(expression), ["up", "watchgate_requests_total"].map(str::to_owned).into());
}
