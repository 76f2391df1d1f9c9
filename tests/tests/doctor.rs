//! `watchgate doctor` over a whole installation: all is good; then one thing after the other is broken, and that and nothing else is found.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::http::header::DATE;
use axum::routing::get;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use watchgate_tests::nats::{NatsOptions, NatsServer, Sync};
use watchgate_tests::revocation::{keeper_config, kept_gate};
use watchgate_tests::wait::until;
use watchgate_tests::{Companion, Stage, StageOptions, artifacts};

const PATIENCE: Duration = Duration::from_secs(20);

/// A stage, its keeper, and an identity provider that only tells the time.
struct Installation {
    stage: Stage,
    keeper: Companion,
    options: Vec<(&'static str, PathBuf)>,
}

/// What is not good: check, what was looked at, and how it is.
type Found = Vec<(String, String, String)>;

impl Installation {
    async fn start() -> Result<Self> {
        let stage = Stage::start(StageOptions { gate: Some(kept_gate()?), ..StageOptions::default() }).await?;
        let keeper = stage.watchgate("keeper", &keeper_config(&stage))?;
        let head = stage.trust_folder().join("head");
        until("the keeper has spoken", PATIENCE, async || Ok(head.exists().then_some(()))).await?;
        let traefik = stage.folder().join("traefik");
        let options = vec![
            ("--trust", stage.trust_folder()),
            ("--gate", stage.gate_folder()),
            ("--traefik-config", traefik.join("traefik.yml")),
            ("--dynamic", stage.dynamic()),
            ("--traefik-dir", traefik),
            ("--traefik", artifacts::traefik()?),
            ("--gateway", stage.base_url().into()),
            ("--ca", stage.ca()),
            ("--transaction-keys", stage.keys().join("service/transaction.keys")),
            ("--data-dir", stage.folder().join("data")),
        ];
        Ok(Self { stage, keeper, options })
    }

    /// All that is not good, and what the doctor ends with.
    fn examine(&self, further: &[(&str, &Path)]) -> Result<(Found, i32)> {
        let given = self.options.iter().map(|(option, value)| (*option, value.as_path()));
        // What is said again counts in place of what was said before.
        let kept = given.filter(|(option, _)| !further.iter().any(|(other, _)| other == option));
        let (findings, ended) = doctor(kept.chain(further.iter().copied()))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let ill = findings.iter().filter(|finding| finding["verdict"] != "good");
        ensure!(
            ill.clone().all(|finding| !text(&finding["mend"]).is_empty()),
            "nobody is told what to do: {findings:?}"
        );
        Ok((ill.map(|one| (text(&one["check"]), text(&one["looked_at"]), text(&one["verdict"]))).collect(), ended))
    }

    /// Exactly this is bad.
    fn is_bad(&self, check: &str, looked_at: &str, further: &[(&str, &Path)]) -> Result<()> {
        let (found, ended) = self.examine(further)?;
        ensure!(found.len() == 1 && ended == 1, "{check}: {found:?}, ended with {ended}");
        let is_it = found.iter().all(|one| one.0 == check && one.1.contains(looked_at) && one.2 == "bad");
        ensure!(is_it, "{check} {looked_at} was broken: {found:?}");
        Ok(())
    }

    fn is_well(&self) -> Result<()> {
        let (found, ended) = self.examine(&[])?;
        ensure!(found.is_empty() && ended == 0, "all is good, and yet: {found:?}, ended with {ended}");
        Ok(())
    }
}

fn doctor<'a>(options: impl Iterator<Item = (&'a str, &'a Path)>) -> Result<(Vec<Value>, i32)> {
    let mut command = Command::new(artifacts::watchgate()?);
    command.args(["doctor", "--json"]);
    for (option, value) in options {
        command.arg(option).arg(value);
    }
    let said = command.output()?;
    let report: Value = serde_json::from_slice(&said.stdout)
        .with_context(|| format!("no report, but: {}", String::from_utf8_lossy(&said.stderr)))?;
    let findings = report["findings"].as_array().cloned().context("no findings")?;
    Ok((findings, said.status.code().unwrap_or(-1)))
}

fn set_mode(path: &Path, mode: u32) -> Result<u32> {
    let before = fs::metadata(path)?.permissions().mode() & 0o7777;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(before)
}

/// Something whose clock is so many seconds ahead.
async fn provider(ahead: i64) -> Result<PathBuf> {
    let date = move || async move {
        let time = OffsetDateTime::now_utc().saturating_add(time::Duration::seconds(ahead));
        let time = time.format(&Rfc2822).unwrap_or_default().replace("+0000", "GMT");
        ([(DATE, time)], "{}")
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/.well-known/openid-configuration", listener.local_addr()?);
    let routes = Router::new().fallback(get(date));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(url.into())
}

/// A certificate for `localhost` that has ended yesterday, its key, and the authority that signed it.
fn ended_certificate() -> Result<(String, String, String)> {
    let now = OffsetDateTime::now_utc();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let mut parameters = CertificateParams::new(vec!["localhost".to_owned()])?;
    parameters.not_before = now.saturating_sub(time::Duration::days(30));
    parameters.not_after = now.saturating_sub(time::Duration::days(1));
    let key = KeyPair::generate()?;
    Ok((parameters.signed_by(&key, &authority)?.pem(), key.serialize_pem(), authority.pem()))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_breaks_is_found_and_nothing_else() -> Result<()> {
    let mut here = Installation::start().await?;
    let (trust, gate) = (here.stage.trust_folder(), here.stage.gate_folder());
    let (traefik, folder) = (here.stage.folder().join("traefik"), here.stage.folder().to_owned());
    here.is_well()?;

    for (path, mode, check, looked_at) in [
        (trust.join("gate.key"), 0o644, "secrets", "gate.key"),
        (folder.join("keys/tls/server.key"), 0o640 | 0o004, "secrets", "server.key"),
        (folder.join("keys/service/transaction.keys"), 0o620, "secrets", "transaction.keys"),
        (folder.join("data"), 0o755, "secrets", "data"),
        (gate.clone(), 0o777, "trust", "gate"),
        (trust.join("jwks"), 0o777, "trust", "trust"),
    ] {
        let before = set_mode(&path, mode)?;
        here.is_bad(check, looked_at, &[])?;
        set_mode(&path, before)?;
    }

    for (file, from, to, check, looked_at) in [
        ("traefik.yml", "abortOnPluginFailure: true", "abortOnPluginFailure: false", "traefik", "abortOnPluginFailure"),
        (
            "traefik.yml",
            "aliasHeadersStrategy: delete\n      # `",
            "aliasHeadersStrategy: keep\n      # `",
            "traefik",
            "websecure",
        ),
        ("traefik.yml", "/trust:ro", "/trust", "traefik", "mounts /trust"),
        ("dynamic/gate.yml", "\"events-write\"", "\"\"", "gates", "gate.yml"),
    ] {
        // A copy: Traefik goes on with its own.
        let whole = traefik.join(file);
        let text = fs::read_to_string(&whole)?;
        ensure!(text.contains(from), "{file} does not hold {from}");
        let copy = tempfile::tempdir()?;
        fs::write(copy.path().join(whole.file_name().unwrap_or_default()), text.replacen(from, to, 1))?;
        let broken = copy.path().join(whole.file_name().unwrap_or_default());
        let option =
            if file == "traefik.yml" { ("--traefik-config", broken.as_path()) } else { ("--dynamic", copy.path()) };
        here.is_bad(check, looked_at, &[option])?;
    }

    let plugin = traefik.join("plugins-local/src/github.com/watchgate/watchgate/plugin.wasm");
    let wasm = fs::read(&plugin)?;
    fs::write(&plugin, [wasm.as_slice(), b"\0"].concat())?;
    here.is_bad("plugin", "watchgate", &[])?;
    fs::write(&plugin, wasm)?;

    let keys = trust.join("jwks/dev.json");
    let set = fs::read(&keys)?;
    fs::write(&keys, "{}")?;
    here.is_bad("gates", "dev.json", &[])?;
    fs::write(&keys, set)?;

    here.is_bad("clocks", "127.0.0.1", &[("--provider", &provider(60).await?)])?;
    here.is_bad("clocks", "127.0.0.1", &[("--provider", &provider(-60).await?)])?;
    let right = provider(0).await?;
    ensure!(here.examine(&[("--provider", &right)])?.1 == 0, "a clock that is right is no finding");
    here.is_bad("gateway", "/healthz", &[("--protected", Path::new("/healthz"))])?;

    // Somebody asked for what nobody can look at, and nothing else is ill.
    let (found, ended) = here.examine(&[("--settings", Path::new("/nowhere/exchange.yml"))])?;
    ensure!(found.len() == 1 && ended == 2, "{found:?}, ended with {ended}");

    here.keeper.kill();
    let long_ago = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().saturating_sub(60_000);
    let mut head: Value = serde_json::from_slice(&fs::read(trust.join("head"))?)?;
    head["time"] = json!(u64::try_from(long_ago)?);
    fs::write(trust.join("head"), head.to_string())?;
    here.is_bad("trust", "head", &[])?;
    here.keeper = here.stage.watchgate("keeper", &keeper_config(&here.stage))?;
    until("all is well again", PATIENCE, async || Ok(here.is_well().is_ok().then_some(()))).await?;

    let (certificate, key, authority) = ended_certificate()?;
    let tls = folder.join("keys/tls");
    for (name, pem) in [("server.pem", certificate), ("server.key", key), ("ca.pem", authority)] {
        fs::write(tls.join(name), pem)?;
    }
    // Traefik reads the files when it reads the one that names them.
    here.stage.write_dynamic("tls.yml", &fs::read_to_string(here.stage.dynamic().join("tls.yml"))?)?;
    let ended: Found = [here.stage.base_url().to_string(), tls.join("server.pem").display().to_string()]
        .map(|looked_at| ("certificates".to_owned(), looked_at, "bad".to_owned()))
        .into();
    until("the gateway shows the certificate that has ended", PATIENCE, async || {
        Ok((here.examine(&[])?.0 == ended).then_some(()))
    })
    .await
    .with_context(|| format!("{:?}", here.examine(&[])))
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_says_what_an_acknowledged_event_survives() -> Result<()> {
    for (sync, wanted) in [(Sync::Always, "good"), (Sync::Default, "warn")] {
        let nats = NatsServer::start(&NatsOptions { sync, ..NatsOptions::default() })?;
        let (url, user, auditor) = (nats.url(), nats.user(), nats.audit_user());
        let options = [
            ("--nats", PathBuf::from(url)),
            ("--nats-ca", nats.ca()),
            ("--nats-certificate", nats.certificate()),
            ("--nats-key", nats.key()),
            ("--nats-user", user.into()),
            ("--nats-password-file", nats.password_file()),
            ("--nats-audit-user", auditor.into()),
            ("--nats-audit-password-file", nats.audit_password_file()),
        ];
        let (findings, _) = doctor(options.iter().map(|(option, value)| (*option, value.as_path())))?;
        let of = |check: &str| -> Vec<&str> {
            let ours = findings
                .iter()
                .filter(|one| one["check"] == check && one["looked_at"].to_string().contains("localhost"));
            ours.filter_map(|one| one["verdict"].as_str()).collect()
        };
        ensure!(of("nats") == ["good", wanted], "{sync:?}: {findings:?}");
        let clocks: Vec<_> = findings.iter().filter(|one| one["check"] == "clocks").collect();
        ensure!(clocks.len() == 1 && clocks[0]["verdict"] == "good", "{clocks:?}");
        let certificates: Vec<_> = findings.iter().filter(|one| one["check"] == "certificates").collect();
        ensure!(certificates.len() == 3 && certificates.iter().all(|one| one["verdict"] == "good"), "{certificates:?}");
    }
    Ok(())
}
