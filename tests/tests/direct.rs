//! Past Traefik, straight to the service: nobody gets an answer without a transaction token that the gate made for
//! exactly this request.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use trust_core::gate_key::GateKeys;
use trust_core::time::UnixSeconds;
use trust_core::transaction_token::{RequesterContext, TransactionClaims, TransactionContext, TransactionKeys};
use watchgate_tests::client::{Caller, plain, status};
use watchgate_tests::{SharedStage, Stage, StageOptions, forgery};

static STAGE: SharedStage = SharedStage::new(|| Ok(StageOptions::default()));

fn keys(stage: &Stage) -> Result<TransactionKeys> {
    let file = std::fs::read(stage.keys().join("service/transaction.keys"))?;
    TransactionKeys::from_json(&file).map_err(|error| anyhow::anyhow!("{error}"))
}

fn now() -> Result<u64> {
    Ok(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs())
}

fn sign(claims: &TransactionClaims, keys: &TransactionKeys) -> Result<String> {
    claims.sign(keys).context("the token could not be signed")
}

/// What the gate would say of a GET of the events.
fn claims(stage: &Stage) -> Result<TransactionClaims> {
    Ok(TransactionClaims {
        iss: "https://localhost".into(),
        aud: "assistant-service".into(),
        iat: now()?,
        exp: now()?.saturating_add(30),
        txn: "direct-1".into(),
        sub: Some("ana".into()),
        scope: Some("events:read".into()),
        tctx: TransactionContext {
            rule: "events-read".into(),
            method: "GET".into(),
            host: stage.service_url().trim_start_matches("http://").into(),
            target: "/v1/events".into(),
            event_types: Vec::new(),
        },
        rctx: RequesterContext {
            iss: Some("https://issuer.watchgate.test".into()),
            exp: Some(now()?.saturating_add(600)),
            ..RequesterContext::default()
        },
    })
}

async fn get(stage: &Stage, path: &str, token: Option<&str>) -> Result<u16> {
    let mut request = plain()?.get(format!("{}{path}", stage.service_url()));
    if let Some(token) = token {
        request = request.header("txn-token", token);
    }
    status(request).await
}

#[tokio::test]
async fn every_route_but_the_probes_needs_a_transaction_token() -> Result<()> {
    STAGE
        .play(async |stage| {
            let access_token = stage.mint("ana", "events:read events:write assistant:ask commands:request")?;
            let caller = Caller::new(plain()?, stage.service_url(), Some(access_token));
            let routes = [
                (Method::GET, "/v1/events"),
                (Method::POST, "/v1/events"),
                (Method::POST, "/v1/ask"),
                (Method::POST, "/v1/chat/completions"),
                (Method::GET, "/v1/models"),
                (Method::GET, "/v1/runbooks"),
                (Method::GET, "/v1/runbooks/restart-worker"),
                (Method::POST, "/v1/commands"),
                (Method::GET, "/v1/commands"),
                (Method::POST, "/v1/commands/x/approval"),
                (Method::POST, "/v1/services/sample-service/commands:lease"),
                (Method::POST, "/v1/revocations"),
                (Method::GET, "/v1/trust"),
                (Method::PUT, "/v1/trust/gate-keys"),
                (Method::PUT, "/v1/trust/key-sets/idp.json"),
                (Method::GET, "/metrics"),
            ];
            for (method, path) in routes {
                let answered = status(caller.request(method.clone(), path).json(&json!({}))).await?;
                ensure!(answered == 401, "{method} {path} was answered {answered}");
            }
            for path in ["/healthz", "/readyz"] {
                ensure!(get(stage, path, None).await? == 200, "{path} needs a token");
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_transaction_token_counts_for_its_own_request_only_and_for_half_a_minute() -> Result<()> {
    STAGE
        .play(async |stage| {
            let keys = keys(stage)?;
            let good = claims(stage)?;
            ensure!(get(stage, "/v1/events", Some(&sign(&good, &keys)?)).await? == 200, "a true token was refused");

            let mut rows: Vec<(&str, String)> = Vec::new();
            let mut row = |name: &'static str, change: &dyn Fn(&mut TransactionClaims)| -> Result<()> {
                let mut claims = good.clone();
                change(&mut claims);
                rows.push((name, sign(&claims, &keys)?));
                Ok(())
            };
            row("expired", &|claims| {
                claims.iat = claims.iat.saturating_sub(120);
                claims.exp = claims.exp.saturating_sub(120);
            })?;
            row("made in the future", &|claims| {
                claims.iat = claims.iat.saturating_add(600);
                claims.exp = claims.exp.saturating_add(600);
            })?;
            row("for another audience", &|claims| claims.aud = "other-service".into())?;
            row("for another method", &|claims| claims.tctx.method = "POST".into())?;
            row("for another path", &|claims| claims.tctx.target = "/healthz".into())?;
            row("for another query", &|claims| claims.tctx.target = "/v1/events?limit=1".into())?;
            row("for another host", &|claims| claims.tctx.host = "elsewhere".into())?;
            let true_token = sign(&good, &keys)?;
            rows.push(("tampered", forgery::tampered(&true_token, "sub", json!("root"))?));
            rows.push(("unsigned", forgery::unsigned(&true_token, "none")?));
            rows.push(("cut", true_token.rsplit_once('.').map_or_else(String::new, |(head, _)| format!("{head}."))));
            let foreign = GateKeys::generate("foreign".into(), [7; 32], None).transaction_keys("assistant-service");
            rows.push(("made with another gate's key", sign(&good, &foreign)?));
            rows.push(("an access token", stage.mint("ana", "events:read")?));
            for (name, token) in rows {
                let answered = get(stage, "/v1/events", Some(&token)).await?;
                ensure!(answered == 401, "{name}: answered {answered}");
            }
            TransactionClaims::verify(&true_token, &keys, UnixSeconds(now()?))
                .ok()
                .context("the trial's own token is bad")?;
            Ok(())
        })
        .await
}
