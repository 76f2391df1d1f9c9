//! How long a revoked token still passes: many connections bring one token again and again, somebody revokes it, and each
//! connection notes when it was first refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::back_end::EchoBackEnd;
use crate::client::Caller;
use crate::wait::until;
use crate::{Companion, Stage, StageOptions, shipped_gate};

/// Longer than any revocation may take: then something is wrong, not slow.
const PATIENCE: Duration = Duration::from_secs(20);

/// Each instance of a gate looks at its files by itself, four times a second.
const EVERY_INSTANCE_HAS_LOOKED: Duration = Duration::from_millis(500);

/// How often each connection is let through before the token is revoked.
const PASSES_BEFORE: usize = 3;

/// A stage with a keeper that follows the service, and a second back end behind the same gate: the service would refuse
/// revoked tokens by itself.
#[derive(Debug)]
pub struct KeptStage {
    /// The stage.
    pub stage: Stage,
    /// The keeper.
    pub keeper: Companion,
}

impl KeptStage {
    /// Starts it, and waits until the keeper has spoken.
    pub async fn start() -> Result<KeptStage> {
        let stage = Stage::start(beside_an_echo(kept_gate()?)?).await?;
        let keeper = stage.watchgate("keeper", &keeper_config(&stage))?;
        every_gate_has_heard(&stage).await.with_context(|| keeper.log())?;
        Ok(KeptStage { stage, keeper })
    }
}

/// Waits until no instance of the gate is left that has not heard the keeper.
pub async fn every_gate_has_heard(stage: &Stage) -> Result<()> {
    passes_everywhere(stage, "/echo").await
}

async fn passes_everywhere(stage: &Stage, path: &str) -> Result<()> {
    let caller = stage.caller("ada", "events:read")?;
    let mut refused_at = Instant::now();
    until("every gate has heard the keeper", PATIENCE, async || {
        if caller.get(path).send().await?.status() != 200 {
            refused_at = Instant::now();
        }
        Ok((refused_at.elapsed() > EVERY_INSTANCE_HAS_LOOKED).then_some(()))
    })
    .await
}

/// The same where there is only the service.
pub async fn every_service_token_passes(stage: &Stage) -> Result<()> {
    passes_everywhere(stage, "/v1/events?limit=1").await
}

/// The shipped gate with a keeper, and a rule for `/echo`.
pub fn kept_gate() -> Result<Value> {
    let mut gate = shipped_gate()?;
    let settings = gate.as_object_mut().context("the shipped gate is no object")?;
    settings.insert("keeper".into(), json!(true));
    let rules = settings.get_mut("rules").and_then(Value::as_array_mut).context("no rules are shipped")?;
    rules.push(json!({"name": "echo", "match": "PathPrefix(`/echo`)"}));
    Ok(gate)
}

/// A stage with this gate before the service, and before a back end that believes whatever it is told, at `/echo`.
pub fn beside_an_echo(gate: Value) -> Result<StageOptions> {
    let echo = EchoBackEnd::start("echo")?.url();
    let routes = json!({"http": {
        "routers": {"echo": {"entryPoints": ["websecure"], "rule": "PathPrefix(`/echo`)", "priority": 50,
                             "middlewares": ["blank", "gate"], "service": "echo"}},
        "services": {"echo": {"loadBalancer": {"servers": [{"url": echo}]}}},
    }});
    Ok(StageOptions { gate: Some(gate), dynamic: Some(routes), ..StageOptions::default() })
}

/// A keeper for the stage's own folders, which follows the stage's service and fetches nothing.
pub fn keeper_config(stage: &Stage) -> Value {
    json!({
        "trust": stage.trust_folder(), "gate": stage.gate_folder(),
        "service": {"url": stage.service_url(), "audience": "assistant-service"},
        "issuers": [],
    })
}

/// Revokes one token while `connections` bring it, and gives the time from the request to revoke it until the last connection
/// was refused.
pub async fn delay(stage: &Stage, name: &str, connections: usize) -> Result<Duration> {
    let token = stage.token(name).claim("jti", &format!("\"{name}\"")).scope("events:read").mint()?;
    let passed = Arc::new(AtomicUsize::new(0));
    let bringing = (0..connections).map(|_| {
        let (passed, caller) =
            (Arc::clone(&passed), Caller::new(stage.client()?, &stage.base_url(), Some(token.clone())));
        Ok(tokio::spawn(async move { until_refused(&caller, &passed).await }))
    });
    let bringing = bringing.collect::<Result<Vec<_>>>()?;
    until("every connection passes", PATIENCE, async || {
        Ok((passed.load(Ordering::Relaxed) >= connections.saturating_mul(PASSES_BEFORE)).then_some(()))
    })
    .await?;
    let operator = stage.caller("operator", "revocations:write")?;
    let began = Instant::now();
    let answer = operator.request(reqwest::Method::POST, "/v1/revocations").form(&[("token", &token)]).send().await?;
    ensure!(answer.status() == 200, "the revocation was answered {}: {}", answer.status(), answer.text().await?);
    let mut last = began;
    for refused in try_join_all(bringing).await? {
        last = last.max(refused?);
    }
    Ok(last.duration_since(began))
}

async fn until_refused(caller: &Caller, passed: &AtomicUsize) -> Result<Instant> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match caller.get("/echo").send().await?.status().as_u16() {
            200 => drop(passed.fetch_add(1, Ordering::Relaxed)),
            401 => return Ok(Instant::now()),
            other => bail!("answered {other}"),
        }
    }
    bail!("a revoked token still passes after {} s", PATIENCE.as_secs())
}

/// The middle one of these, and the longest.
pub fn median_and_worst(mut delays: Vec<Duration>) -> Option<(Duration, Duration)> {
    delays.sort_unstable();
    Some((*delays.get(delays.len() / 2)?, *delays.last()?))
}
