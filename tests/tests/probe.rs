//! Live checks against the real Traefik, service, keeper and identity provider: each part is broken in turn, the right alert comes within two
//! periods and no other, and is over when the part is mended.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a JSON value answers null for a member that it has not; notices are few"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use programs::artifacts;
use serde_json::{Value, json};
use watchgate_tests::alert_receiver::{AlertReceiver, Heard};
use watchgate_tests::client::{expect_json, plain};
use watchgate_tests::identity_provider::{CLIENT_SECRET, IdentityProvider};
use watchgate_tests::wait::until;
use watchgate_tests::{Companion, Stage};

#[path = "probe/watched.rs"]
mod watched;

use watched::{DOCUMENT, PATIENCE, PERIOD, Part, Watched, rights};

/// Gates go on for this long without a word of their keeper.
const GRACE: Duration = Duration::from_secs(10);

fn signal(name: &str, process: u32) -> Result<()> {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status()?;
    ensure!(sent.success(), "no {name} to {process}");
    Ok(())
}

fn once(settings: &Path, more: &[&str]) -> Result<(Option<i32>, String)> {
    let run = Command::new(artifacts::watchgate()?)
        .args(["probe", "--config"])
        .arg(settings)
        .arg("--once")
        .args(more)
        .output()?;
    Ok((run.status.code(), format!("{}{}", String::from_utf8(run.stdout)?, String::from_utf8_lossy(&run.stderr))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_part_that_breaks_is_told_within_two_periods_and_no_other_and_is_over_when_it_is_mended() -> Result<()> {
    const CHECKS: [&str; 7] = ["gateway", "service", "token", "gate", "event", "ask", "command"];
    let watched = Watched::start(Vec::new(), Vec::new()).await?;
    let Watched { stage, receiver, .. } = &watched;
    let settings = watched.settings(json!({
        "ask": {"question": "How is the mailer restarted?", "document": "mailer.md"},
        "command": {"runbook": "probe-canary", "canary": {"service": "probe-canary", "token": watched.file("canary")}},
    }))?;
    let probe = std::sync::Mutex::new(stage.watchgate("probe", &settings)?);
    let log = || probe.lock().map(|probe| probe.log()).unwrap_or_default();
    let played = async {
        let status = watched.all_pass(&CHECKS).await?;
        let attacks = status["attacks"].as_array().context("no attacks")?;
        ensure!(attacks.len() == 10 && attacks.iter().all(|attack| attack["verdict"] == "denied"), "{attacks:?}");

        // In a stopped process the kernel still takes connections; nobody answers.
        let traefik = stage.traefik_pid();
        let stop = || signal("STOP", traefik);
        let part = Part { breaks: &stop, mends: &|| Box::pin(async move { signal("CONT", traefik) }) };
        watched.breaks("gateway", Duration::ZERO, part, &CHECKS).await?;

        let kill = || {
            stage.kill_service();
            Ok(())
        };
        let part = Part { breaks: &kill, mends: &|| Box::pin(stage.restart_service()) };
        watched.breaks("service", Duration::ZERO, part, &CHECKS).await?;

        // Without a word of the keeper gates take no token, ten seconds later.
        let (stop, keeper) = (|| signal("STOP", watched.keeper.id()), watched.keeper.id());
        let part = Part { breaks: &stop, mends: &|| Box::pin(async move { signal("CONT", keeper) }) };
        watched.breaks("token", GRACE, part, &CHECKS).await?;

        let (here, aside) = (watched.path("documents/mailer.md"), watched.path("aside.md"));
        let take = || Ok(fs::rename(&here, &aside)?);
        let part = Part { breaks: &take, mends: &|| Box::pin(async { Ok(fs::rename(&aside, &here)?) }) };
        watched.breaks("ask", Duration::ZERO, part, &CHECKS).await?;

        let file = watched.path("runbooks/rights.yaml");
        let take = || Ok(fs::write(&file, rights("dry_run"))?);
        let part = Part { breaks: &take, mends: &|| Box::pin(async { Ok(fs::write(&file, rights("run, cancel"))?) }) };
        watched.breaks("command", Duration::ZERO, part, &CHECKS).await?;

        let before = fs::read_to_string(stage.dynamic().join("gate.yml"))?;
        let open = || {
            let public =
                |rule: &mut Value| *rule = json!({"name": rule["name"], "match": rule["match"], "public": true});
            watched.with_rule("dead-letters-read", public).map(drop)
        };
        let part = Part { breaks: &open, mends: &|| Box::pin(async { stage.write_dynamic("gate.yml", &before) }) };
        watched.breaks("gate", Duration::ZERO, part, &CHECKS).await?;

        let close = || {
            watched.with_rule("events-write", |rule| rule["event"]["clientTypes"] = json!(["com.example.*"])).map(drop)
        };
        let part = Part { breaks: &close, mends: &|| Box::pin(async { stage.write_dynamic("gate.yml", &before) }) };
        watched.breaks("event", Duration::ZERO, part, &CHECKS).await?;

        every_alert_was_told_to_everybody(stage, receiver).await?;
        an_alert_that_nobody_took_outlives_the_probe(&watched, &probe, &settings).await
    };
    let played = played.await;
    if played.is_err() {
        eprintln!("--- probe.log\n{}\n{}", log(), stage.log_tails());
    }
    played
}

/// The webhook, the CloudEvents sink and the platform itself have heard the same, each once.
async fn every_alert_was_told_to_everybody(stage: &Stage, receiver: &AlertReceiver) -> Result<()> {
    let reader = stage.caller("reader", "events:read")?;
    let of_form = |heard: Vec<Heard>, form: &str| {
        heard
            .into_iter()
            .filter(|heard| heard.form == form)
            .map(|heard| (heard.check, heard.status))
            .collect::<Vec<_>>()
    };
    until("all have heard the same", PATIENCE, async || {
        let heard = receiver.heard()?;
        let (webhook, bus) = (of_form(heard.clone(), "webhook"), of_form(heard, "cloudevent"));
        let query = [
            ("type", "dev.watchgate.probe.*"),
            ("principal", "https://issuer.watchgate.test#probe"),
            ("limit", "1000"),
        ];
        let page = expect_json(200, reader.get("/v1/events").query(&query)).await?;
        let told = page["events"].as_array().into_iter().flatten().filter_map(|found| {
            let event = &found["event"];
            let status = match event["type"].as_str()? {
                "dev.watchgate.probe.failed" => "firing",
                "dev.watchgate.probe.recovered" => "resolved",
                _ => return None,
            };
            Some((event["subject"].as_str()?.to_owned(), status))
        });
        let told: Vec<_> = told.collect();
        Ok((told.len() == 14 && told == webhook && told == bus).then_some(()))
    })
    .await
}

/// Both receivers are away while a check breaks and the probe is killed. The next probe tells it, once, and then its end.
async fn an_alert_that_nobody_took_outlives_the_probe(
    watched: &Watched,
    probe: &std::sync::Mutex<Companion>,
    settings: &Value,
) -> Result<()> {
    let before = watched.receiver.heard()?.len();
    watched.receiver.refuse(true);
    let file = watched.path("documents/mailer.md");
    fs::remove_file(&file)?;
    until("it is an alert that waits", PATIENCE, async || {
        let status = watched.status().await?;
        let waits = status["notices_waiting"]["ops"] == 1 && status["notices_waiting"]["bus"] == 1;
        Ok((waits && watched.receiver.refused() >= 2).then_some(()))
    })
    .await?;
    let killed = |mut probe: std::sync::MutexGuard<'_, Companion>| probe.kill();
    killed(probe.lock().map_err(|_| anyhow::anyhow!("poisoned"))?);
    watched.receiver.refuse(false);
    *probe.lock().map_err(|_| anyhow::anyhow!("poisoned"))? = watched.stage.watchgate("probe", settings)?;
    // Told by the next process before it has looked twice itself.
    until("both are told", PATIENCE, async || Ok((watched.receiver.heard()?.len() >= before + 2).then_some(())))
        .await?;
    fs::write(&file, DOCUMENT)?;
    until("both are told of its end", PATIENCE, async || {
        Ok((watched.receiver.heard()?.len() >= before + 4).then_some(()))
    })
    .await?;
    let heard = watched.receiver.heard()?.split_off(before);
    for form in ["webhook", "cloudevent"] {
        let of_form: Vec<_> = heard.iter().filter(|heard| heard.form == form).collect();
        let told: Vec<_> = of_form.iter().map(|heard| (heard.check.as_str(), heard.status)).collect();
        ensure!(told == [("ask", "firing"), ("ask", "resolved")], "{form}: {told:?}");
        ensure!(of_form.iter().all(|heard| heard.alert == of_form[0].alert), "{form}: not one alert: {of_form:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_real_identity_provider_sessions_and_revocations_are_looked_at_and_what_breaks_is_told() -> Result<()> {
    const CHECKS: [&str; 7] = ["gateway", "service", "token", "gate", "event", "session", "revocation"];
    let provider = IdentityProvider::start().await?;
    let keys = ("jwks/idp.json".to_owned(), provider.key_set().await?.to_string());
    let watched = Watched::start(vec![provider.gate_issuer("jwks/idp.json")], vec![keys]).await?;
    let stage = &watched.stage;
    let secret = watched.path("idp.secret");
    fs::write(&secret, CLIENT_SECRET)?;
    let settings = watched.settings(json!({
        "token": {
            "issuer": provider.issuer(),
            "auth": {"method": "client_secret_basic", "clientId": "machine", "secretFile": secret},
            "scope": "events:read events:write",
            "resource": "https://resource.watchgate.test/jwt?",
            "caFile": provider.ca(),
            "allowedNetworks": ["127.0.0.0/8", "::1/128"],
        },
        // One person may open thirty in an hour.
        "session": {"token": watched.file("person"), "everySeconds": 4},
        "revocation": {"token": watched.file("operator"), "everySeconds": PERIOD},
    }))?;
    let file = watched.path("once.yml");
    fs::write(&file, settings.to_string())?;
    let (code, said) = tokio::task::spawn_blocking({
        let file = file.clone();
        move || once(&file, &[])
    })
    .await??;
    println!("{said}");
    ensure!(code == Some(0), "{said}");
    for check in CHECKS {
        ensure!(
            said.lines().any(|line| line.starts_with(check) && line.contains("passed")),
            "{check} is not in\n{said}"
        );
    }
    let probe = stage.watchgate("probe", &settings)?;
    let played = async {
        watched.all_pass(&CHECKS).await?;

        let (keys, aside) = (stage.trust_folder().join("jwks/sessions.json"), watched.path("sessions.json"));
        fs::copy(&keys, &aside)?;
        let other = fs::read(stage.trust_folder().join("jwks/dev.json"))?;
        let swap = || Ok(fs::write(&keys, &other)?);
        let part = Part {
            breaks: &swap,
            mends: &|| {
                Box::pin(async {
                    fs::copy(&aside, &keys)?;
                    Ok(())
                })
            },
        };
        watched.breaks("session", Duration::from_secs(4), part, &CHECKS).await?;

        let before = fs::read_to_string(stage.dynamic().join("gate.yml"))?;
        let take = || watched.with_rule("revocations", |rule| rule["require"] = json!("Scope(`nobody:has`)")).map(drop);
        let part = Part { breaks: &take, mends: &|| Box::pin(async { stage.write_dynamic("gate.yml", &before) }) };
        watched.breaks("revocation", Duration::ZERO, part, &CHECKS).await?;

        // The last token still counts, so everything else goes on; what needs a new one says nothing.
        provider.set_faults(&json!([{"paths": ["/token"], "kind": "down"}])).await?;
        let nothing = || Ok(());
        let part = Part {
            breaks: &nothing,
            mends: &|| {
                Box::pin(async {
                    let (code, said) = once(&file, &["--json"])?;
                    let report: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
                    ensure!(code == Some(1) && report["passed"] == false, "{said}");
                    provider.set_faults(&json!([])).await
                })
            },
        };
        watched.breaks("token", Duration::ZERO, part, &CHECKS).await?;
        the_page_and_the_metrics_say_the_same(&watched).await
    };
    let played = played.await;
    if played.is_err() {
        eprintln!("--- probe.log\n{}\n{}", probe.log(), stage.log_tails());
    }
    played
}

async fn the_page_and_the_metrics_say_the_same(watched: &Watched) -> Result<()> {
    let address = format!("http://127.0.0.1:{}", watched.listen);
    // Not while a round takes longer than three intervals, which are short here.
    until("the page says that all is well", PATIENCE, async || {
        let page = plain()?.get(&address).send().await?.error_for_status()?;
        let policy = page.headers().get("content-security-policy").and_then(|policy| policy.to_str().ok());
        ensure!(policy.is_some_and(|policy| policy.starts_with("default-src 'none'")), "{policy:?}");
        let page = page.text().await?;
        ensure!(!page.contains("<script"), "{page}");
        Ok(page.contains("<h1>all well</h1>").then_some(()))
    })
    .await?;
    let metrics = plain()?.get(format!("{address}/metrics")).send().await?.error_for_status()?.text().await?;
    for line in [
        "watchgate_probe_check_passing{check=\"session\"} 1",
        "watchgate_probe_alert_firing{check=\"token\"} 0",
        "watchgate_probe_notices_waiting{receiver=\"ops\"} 0",
        "watchgate_probe_state_kept 1",
    ] {
        ensure!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    ensure!(metrics.contains("watchgate_probe_attacks_total{attack=\"foreign_key\",verdict=\"denied\"}"), "{metrics}");
    Ok(())
}
