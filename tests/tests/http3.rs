//! The same gate over QUIC, and what the plain entry points say.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, ServerConfig};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use watchgate_tests::http3::takes_early_data;
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

/// What comes as early data may be a copy of what somebody else has sent: a command would be asked for twice (RFC 8470, section 1).
#[tokio::test]
async fn nothing_is_taken_before_the_handshake_is_done() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (ca, tls) = (stage.ca(), stage.keys().join("tls"));
            let other = somebody_who_takes_early_data(&tls)?;
            ensure!(takes_early_data(other.local_addr()?.port(), &ca).await?, "the client never sends early data");
            ensure!(!takes_early_data(stage.https_port(), &ca).await?, "early data were taken");
            Ok(())
        })
        .await
}

fn somebody_who_takes_early_data(tls: &Path) -> Result<Endpoint> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(tls.join("server.pem"))?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(tls.join("server.key"))?;
    let mut tls = rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    tls.alpn_protocols = vec![b"h3".to_vec()];
    tls.max_early_data_size = u32::MAX;
    let config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    let endpoint = Endpoint::server(config, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let accepting = endpoint.clone();
    tokio::spawn(async move {
        while let Some(incoming) = accepting.accept().await {
            // Kept open until the other side closes it.
            tokio::spawn(async move { Ok::<_, quinn::ConnectionError>(incoming.await?.closed().await) });
        }
    });
    Ok(endpoint)
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
