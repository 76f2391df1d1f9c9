//! The same gate over QUIC, and what the plain entry points say.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::{SharedStage, StageOptions, client};

static STAGE: SharedStage = SharedStage::new(|| Ok(StageOptions::default()));

#[tokio::test]
async fn one_connection_carries_good_and_bad_requests_side_by_side() -> Result<()> {
    STAGE
        .play(async |stage| {
            let token = stage.mint("console-7", "events:write")?;
            let mut http3 = stage.http3().await?;
            for number in 0..5 {
                let accepted = http3.post("/v1/events", Some(&token), &json!({"number": number})).await?;
                ensure!(accepted.status.as_u16() == 202, "answered {}", accepted.status);
                let body: Value = serde_json::from_slice(&accepted.body)?;
                ensure!(body["position"].is_u64(), "answered {body}");
                let refused = http3.post("/v1/events", None, &json!({})).await?;
                ensure!(refused.status.as_u16() == 401, "answered {}", refused.status);
                let challenge = refused.headers.get("www-authenticate").context("no challenge")?;
                let names_both =
                    challenge.to_str()?.starts_with("Bearer realm=\"watchgate\", DPoP realm=\"watchgate\"");
                ensure!(names_both, "challenge {challenge:?}");
            }
            ensure!(stage.h3_get("/v1/events", Some(&token)).await?.status.as_u16() == 403, "read without the scope");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn answers_over_tcp_name_http3_and_tls_is_never_older_than_1_3() -> Result<()> {
    STAGE
        .play(async |stage| {
            let answer = stage.stranger()?.get("/healthz").send().await?;
            let announced = answer.headers().get("alt-svc").context("HTTP/3 is not announced")?.to_str()?;
            ensure!(announced.contains(&format!("h3=\":{}\"", stage.https_port())), "announced: {announced}");
            let old = client::builder(&stage.ca())?.tls_version_max(reqwest::tls::Version::TLS_1_2).build()?;
            ensure!(old.get(format!("{}/healthz", stage.base_url())).send().await.is_err(), "TLS 1.2 was taken");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn the_plain_entry_point_only_redirects() -> Result<()> {
    STAGE
        .play(async |stage| {
            let token = stage.mint("ana", "events:read")?;
            let plain = client::plain()?;
            let url = stage.plain_url().replace("localhost", "127.0.0.1");
            let answer = plain.get(format!("{url}/v1/events")).bearer_auth(&token).send().await?;
            ensure!(answer.status().is_redirection(), "answered {}", answer.status());
            let location = answer.headers().get("location").context("no location")?.to_str()?.to_owned();
            ensure!(location.starts_with("https://"), "it leads to {location}");
            Ok(())
        })
        .await
}
