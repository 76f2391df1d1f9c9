//! Tokens bound to a key (RFC 9449), through the real Traefik and the shipped chain: a proof is good once, at whatever
//! process of the host, and where that cannot be told it is good for nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use attack_table::proof::ProofKey;
use futures_util::future::{join_all, try_join_all};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::builder;
use watchgate_tests::wait::until;
use watchgate_tests::{BackEnd, GateFolder, Stage, StageOptions, may_mount_a_full_folder, shipped_gate};

/// Where clients think they are: the same address whichever Traefik answers.
const AUTHORITY: &str = "gw.example.test";

async fn stage(changes: &[(&str, Value)]) -> Result<Stage> {
    let mut gate = shipped_gate()?;
    let settings = gate.as_object_mut().context("the shipped gate is no object")?;
    settings.insert("publicOrigins".into(), json!([format!("https://{AUTHORITY}")]));
    // Rules ask for a bound token; no certificate is trusted, so a key it must be.
    let bound = json!({"name": "bound", "match": "Path(`/bound`)", "require": "BoundToClient()"});
    settings.insert("rules".into(), json!([{"name": "health", "match": "Path(`/healthz`)", "public": true}, bound]));
    settings.insert("dpop".into(), json!({"maxAgeSeconds": 300}));
    settings.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let back_end = BackEnd::DropIn(EchoBackEnd::start("echo")?.url());
    Stage::start(StageOptions { back_end, gate: Some(gate), ..StageOptions::default() }).await
}

/// Somebody with a key and a token that is bound to it.
struct Holder {
    client: Client,
    key: ProofKey,
    token: String,
    proofs: AtomicU32,
}

impl Holder {
    fn new(stage: &Stage) -> Result<Holder> {
        let key = ProofKey::new(21)?;
        let token = stage.token("console-7").claim("cnf", &key.confirmation().to_string()).mint()?;
        // HTTP/1.1 alone lets a client name a host that it has not called.
        let client = builder(&stage.ca())?.http1_only().build()?;
        Ok(Holder { client, key, token, proofs: AtomicU32::new(0) })
    }

    /// A proof that nobody has seen, with a nonce where one is wanted.
    fn proof(&self, nonce: Option<&str>) -> Result<String> {
        let number = self.proofs.fetch_add(1, Ordering::Relaxed);
        let url = format!("https://{AUTHORITY}/bound");
        let draft = self.key.draft(&self.token, "GET", &url, now()?.as_secs(), &format!("proof {number}"));
        Ok(self.key.sign(&draft.claim("nonce", json!(nonce))))
    }

    async fn bring(&self, base_url: &str, scheme: &str, proof: Option<&str>) -> Result<Response> {
        let mut request = self.client.get(format!("{base_url}/bound")).header("Host", AUTHORITY);
        request = request.header("Authorization", format!("{scheme} {}", self.token));
        if let Some(proof) = proof {
            request = request.header("DPoP", proof);
        }
        Ok(request.send().await?)
    }

    async fn status(&self, base_url: &str, proof: &str) -> Result<u16> {
        Ok(self.bring(base_url, "DPoP", Some(proof)).await?.status().as_u16())
    }
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_proof_opens_one_request_and_the_token_alone_opens_none() -> Result<()> {
    stage(&[])
        .await?
        .play(async |stage| {
            let (holder, url) = (Holder::new(stage)?, stage.base_url());
            for scheme in ["DPoP", "dpop"] {
                let proof = holder.proof(None)?;
                let passed = holder.bring(&url, scheme, Some(&proof)).await?;
                ensure!(passed.status() == 200, "a good proof was answered {}", passed.status());
                let seen: Value = serde_json::from_str(&passed.text().await?)?;
                for name in ["dpop", "authorization"] {
                    ensure!(!has_header(&seen, name), "{name} reached the back end: {seen}");
                }
                ensure!(has_header(&seen, "txn-token"), "the back end was told of nobody");

                let again = holder.bring(&url, scheme, Some(&proof)).await?;
                let challenge = header(&again, "www-authenticate");
                ensure!(again.status() == 401, "the same proof was answered {}", again.status());
                ensure!(challenge.starts_with("DPoP ") && challenge.contains("invalid_dpop_proof"), "{challenge}");
            }
            let proof = holder.proof(None)?;
            let borne = holder.bring(&url, "Bearer", Some(&proof)).await?;
            let challenge = header(&borne, "www-authenticate");
            ensure!(borne.status() == 401 && challenge.contains("DPoP "), "a bearer token: {challenge}");
            let alone = holder.bring(&url, "DPoP", None).await?;
            ensure!(alone.status() == 401, "the token without a proof was answered {}", alone.status());
            ensure!(holder.status(&url, &proof).await? == 200, "a proof that was never looked at is spent");
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_proof_brought_a_thousand_times_at_once_to_two_processes_passes_once() -> Result<()> {
    const TIMES: usize = 1_000;
    let stage = stage(&[]).await?;
    let second = stage.second_gateway(GateFolder::Shared).await?;
    stage
        .play(async |stage| {
            let holder = Holder::new(stage)?;
            let urls = [stage.base_url(), second.base_url()];
            for _ in 0..3 {
                let proof = holder.proof(None)?;
                let began = Instant::now();
                let all = urls.iter().cycle().take(TIMES).map(|url| holder.status(url, &proof));
                let answers = join_all(all).await.into_iter().collect::<Result<Vec<_>>>()?;
                let count = |status: u16| answers.iter().filter(|answer| **answer == status).count();
                let (passed, refused) = (count(200), count(401));
                eprintln!("{TIMES} times at once: {passed} passed, {refused} refused, {:?}", began.elapsed());
                ensure!(passed == 1 && refused == TIMES.saturating_sub(1), "{passed} passed, {refused} refused");
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn where_proofs_cannot_be_written_down_none_is_taken() -> Result<()> {
    let stage = stage(&[]).await?;
    let second = stage.second_gateway(GateFolder::ReadOnly).await?;
    stage
        .play(async |stage| {
            let (holder, url) = (Holder::new(stage)?, stage.base_url());
            let proof = holder.proof(None)?;
            ensure!(holder.status(&second.base_url(), &proof).await? == 503, "passed at a gate that may not write");
            ensure!(holder.status(&url, &proof).await? == 200, "refused where it can be written down");

            // What somebody has planted in the place of the folders is never followed, nor written to.
            let (folder, elsewhere) = (stage.gate_folder().join("dpop"), stage.folder().join("elsewhere"));
            fs::create_dir(&elsewhere)?;
            fs::remove_dir_all(&folder)?;
            symlink(&elsewhere, &folder)?;
            refused_everywhere(&holder, &url, "a link in the folder's place").await?;
            fs::remove_file(&folder)?;
            fs::write(&folder, "")?;
            refused_everywhere(&holder, &url, "a file in the folder's place").await?;
            fs::remove_file(&folder)?;
            fs::create_dir(&folder)?;
            let minute = now()?.as_secs() / 60;
            for minute in minute..minute.saturating_add(3) {
                symlink(&elsewhere, folder.join(minute.to_string()))?;
            }
            refused_everywhere(&holder, &url, "links in the minutes' places").await?;
            ensure!(is_empty(&elsewhere)?, "a link was followed");
            fs::remove_dir_all(&folder)?;
            ensure!(holder.status(&url, &holder.proof(None)?).await? == 200, "refused after it was put right");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn where_there_is_no_room_for_proofs_none_is_taken() -> Result<()> {
    if !may_mount_a_full_folder()? {
        return Ok(());
    }
    let stage = stage(&[]).await?;
    let full = stage.second_gateway(GateFolder::Full).await?;
    stage.play(async |stage| refused_everywhere(&Holder::new(stage)?, &full.base_url(), "a full folder").await).await
}

/// Often enough that several instances of the gate have looked.
async fn refused_everywhere(holder: &Holder, url: &str, circumstances: &str) -> Result<()> {
    let proofs = (0..8).map(|_| holder.proof(None)).collect::<Result<Vec<_>>>()?;
    let answers = try_join_all(proofs.iter().map(|proof| holder.status(url, proof))).await?;
    ensure!(answers.iter().all(|answer| *answer == 503), "{circumstances}: {answers:?}");
    Ok(())
}

#[tokio::test]
async fn one_of_several_hosts_takes_a_proof_with_its_own_nonce_alone() -> Result<()> {
    stage(&[("keeper", json!(true))])
        .await?
        .play(async |stage| {
            let (holder, url) = (Holder::new(stage)?, stage.base_url());
            let challenged = async |host: &str, nonce: Option<&str>| {
                speak_as_keeper(&stage.trust_folder(), host)?;
                holder.bring(&url, "DPoP", Some(&holder.proof(nonce)?)).await
            };
            let nonce = until("the gate asks for a nonce", Duration::from_secs(10), async || {
                let answer = challenged("gw-1", None).await?;
                let is_asked = answer.status() == 401 && header(&answer, "www-authenticate").contains("use_dpop_nonce");
                Ok(is_asked.then(|| header(&answer, "dpop-nonce")))
            })
            .await?;
            ensure!(!nonce.is_empty(), "no nonce was given");
            until("the nonce is taken", Duration::from_secs(10), async || {
                let answer = challenged("gw-1", Some(&nonce)).await?.status().as_u16();
                // An instance that has not looked since the keeper first spoke.
                ensure!(matches!(answer, 200 | 503), "the nonce of this host was answered {answer}");
                Ok((answer == 200).then_some(()))
            })
            .await?;
            until("the other host wants another", Duration::from_secs(10), async || {
                let answer = challenged("gw-2", Some(&nonce)).await?;
                Ok((answer.status() == 401 && header(&answer, "dpop-nonce") != nonce).then_some(()))
            })
            .await
        })
        .await
}

/// As the keeper does every second.
fn speak_as_keeper(trust: &Path, host: &str) -> Result<()> {
    let time = u64::try_from(now()?.as_millis())?;
    let fresh = trust.join("head.new");
    fs::write(&fresh, json!({"sequence": time, "time": time, "host": host}).to_string())?;
    Ok(fs::rename(fresh, trust.join("head"))?)
}

fn has_header(echo: &Value, name: &str) -> bool {
    let headers = echo.get("headers").and_then(Value::as_array);
    headers.is_some_and(|headers| headers.iter().any(|header| header.get(0) == Some(&json!(name))))
}

fn is_empty(folder: &Path) -> Result<bool> {
    Ok(fs::read_dir(folder)?.next().is_none())
}

fn now() -> Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}
