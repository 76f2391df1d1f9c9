//! An answer that breaks off upstream breaks off for the client too; the sandbox's host would call it complete. Each form of
//! body over each version of HTTP.

use anyhow::{Result, ensure};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::beside::{self, SCOPE, Way};
use watchgate_tests::client::{self, Caller, status};
use watchgate_tests::scripted::ScriptedBackEnd;
use watchgate_tests::{BackEnd, Stage, StageOptions};

#[tokio::test]
async fn a_client_is_never_given_half_an_answer_as_a_whole_one() -> Result<()> {
    let scripted = ScriptedBackEnd::start()?;
    let stage = Stage::start(StageOptions {
        back_end: BackEnd::DropIn(EchoBackEnd::start("echo")?.url()),
        gate: Some(beside::gate()?),
        dynamic: Some(beside::routes(&[("scripted", &scripted.url())])),
        ..StageOptions::default()
    });
    let stage = stage.await?;
    stage
        .play(async |stage| {
            let token = stage.mint("ana", SCOPE)?;
            let http1 = client::builder(&stage.ca())?.http1_only().build()?;
            let http2 = client::builder(&stage.ca())?.build()?;
            for way in Way::BOTH {
                for resource in ["cut-length", "cut-chunks"] {
                    let path = way.path("scripted", resource);
                    for (client, version) in [(&http1, reqwest::Version::HTTP_11), (&http2, reqwest::Version::HTTP_2)] {
                        let caller = Caller::new(client.clone(), &stage.base_url(), Some(token.clone()));
                        for _ in 0..20 {
                            // Traefik may hang up before it has sent the head.
                            let Ok(answer) = caller.get(&path).send().await else { continue };
                            ensure!(answer.version() == version, "spoke {:?}", answer.version());
                            ensure!(answer.status().as_u16() == 200, "answered {}", answer.status());
                            let read = answer.bytes().await;
                            ensure!(read.is_err(), "{path}, {version:?}: half an answer looked complete");
                        }
                    }
                }
            }
            // Over HTTP/3 Traefik itself ends such an answer in order: only a length tells that it is too short.
            for resource in ["cut-length", "cut-chunks"] {
                let mut seen = Vec::new();
                for way in Way::BOTH {
                    let answer = stage.h3_get(&way.path("scripted", resource), Some(&token)).await;
                    seen.push(
                        answer
                            .ok()
                            .map(|answer| (answer.status, answer.headers.get("content-length").cloned(), answer.body)),
                    );
                }
                println!("over HTTP/3, {resource}: {seen:?}");
                ensure!(seen.first() == seen.last(), "{resource} over HTTP/3, bare and gated: {seen:?}");
            }
            // Each of them ended a gate instance by a trap; the gate goes on.
            for _ in 0..50 {
                let answered = status(stage.stranger()?.get("/healthz")).await?;
                ensure!(answered == 200, "after broken answers the gate answered {answered}");
                let whole = stage.h3_get(&Way::Gated.path("scripted", "plain"), Some(&token)).await?;
                ensure!(&*whole.body == b"hello", "after broken answers a whole one was {whole:?}");
            }
            Ok(())
        })
        .await
}
