//! An answer that breaks off upstream breaks off for the client too; the sandbox's host would call it complete.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use watchgate_tests::client::status;
use watchgate_tests::{BackEnd, Stage, StageOptions};

/// A back end that promises 1,000 bytes, sends four and hangs up; for `/healthz` it keeps its word.
async fn broken_back_end() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 16 * 1024];
                let read = connection.read(&mut request).await?;
                request.truncate(read);
                let is_whole = request.starts_with(b"GET /healthz ");
                let length = if is_whole { 4 } else { 1_000 };
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\nhalf");
                connection.write_all(answer.as_bytes()).await?;
                connection.shutdown().await
            });
        }
    });
    Ok(address)
}

#[tokio::test]
async fn a_client_is_never_given_half_an_answer_as_a_whole_one() -> Result<()> {
    let back_end = BackEnd::DropIn(format!("http://{}", broken_back_end().await?));
    let stage = Stage::start(StageOptions { back_end, ..StageOptions::default() }).await?;
    stage
        .play(async |stage| {
            let caller = stage.caller("ana", "events:read")?;
            for _ in 0..50 {
                let whole = match caller.get("/v1/events").send().await {
                    Ok(answer) => answer.bytes().await.is_ok(),
                    Err(_) => false,
                };
                ensure!(!whole, "half an answer looked complete");
            }
            // Each of them ended a gate instance by a trap; the gate goes on.
            for _ in 0..50 {
                let answered = status(stage.stranger()?.get("/healthz")).await?;
                ensure!(answered == 200, "after broken answers the gate answered {answered}");
            }
            Ok(())
        })
        .await
}
