//! The NATS server as we ship its configuration: who gets in, and what is left after a SIGKILL.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream::stream::{Config, StorageType};
use async_nats::{ConnectOptions, Event, jetstream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use watchgate_tests::nats::{NatsOptions, NatsServer};

/// A client with a certificate of the server's authority.
fn options(server: &NatsServer, user: &str, password: &str) -> ConnectOptions {
    ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
        .add_root_certificates(server.ca())
        .add_client_certificate(server.certificate(), server.key())
        .connection_timeout(Duration::from_secs(5))
}

fn replica(server: &NatsServer) -> Result<ConnectOptions> {
    Ok(options(server, server.user(), &std::fs::read_to_string(server.password_file())?))
}

#[tokio::test]
async fn what_a_stream_acknowledged_is_there_after_a_kill() -> Result<()> {
    let server = NatsServer::start(&NatsOptions::default())?;
    let client = replica(&server)?.connect(server.url()).await?;
    let context = jetstream::new(client);
    let config = Config { name: "TEST".into(), storage: StorageType::File, ..Config::default() };
    context.create_stream(config).await?;
    for number in 0..10 {
        context.publish("TEST", format!("record {number}").into()).await?.await?;
    }
    server.kill();
    server.restart()?;

    // A connection of its own: the first one may still be looking for the server.
    let context = jetstream::new(replica(&server)?.connect(server.url()).await?);
    let stream = context.get_stream("TEST").await?;
    ensure!(stream.cached_info().state.messages == 10, "{:?}", stream.cached_info().state);
    let last = stream.get_raw_message(10).await?;
    ensure!(last.payload == "record 9", "{:?}", last.payload);
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_a_missing_certificate_and_plain_text_are_refused() -> Result<()> {
    let server = NatsServer::start(&NatsOptions::default())?;
    let wrong = options(&server, server.user(), "wrong").connect(server.url()).await;
    ensure!(wrong.is_err_and(|error| error.kind() == async_nats::ConnectErrorKind::AuthorizationViolation));

    let password = std::fs::read_to_string(server.password_file())?;
    let bare = ConnectOptions::with_user_and_password(server.user().to_owned(), password.clone())
        .add_root_certificates(server.ca());
    ensure!(bare.connect(server.url()).await.is_err(), "a client without a certificate got in");

    let words = format!("CONNECT {{\"user\":\"watchgate\",\"pass\":\"{password}\"}}\r\nPING\r\n");
    let answer = in_plain_text(server.port(), &words).await?;
    ensure!(!answer.contains("PONG"), "plain text was answered: {answer}");
    Ok(())
}

#[tokio::test]
async fn the_auditor_gets_an_answer_to_one_question_and_hears_nobody_else() -> Result<()> {
    let server = NatsServer::start(&NatsOptions::default())?;
    let (refusals, mut refused) = mpsc::unbounded_channel();
    let password = std::fs::read_to_string(server.audit_password_file())?;
    let client = options(&server, server.audit_user(), &password)
        .custom_inbox_prefix("_INBOX.watchgate-audit")
        .event_callback(move |event| {
            let refusals = refusals.clone();
            async move {
                if let Event::ServerError(error) = event {
                    // Nobody waits for it any more when the test has ended.
                    let _ = refusals.send(error.to_string().to_lowercase());
                }
            }
        })
        .connect(server.url())
        .await?;
    let answer = client.request("$SYS.REQ.SERVER.PING.JSZ", "{\"config\":true}".into()).await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer.payload)?;
    ensure!(answer.pointer("/data/config/sync_always") == Some(&true.into()), "{answer:#}");

    for forbidden in ["$SYS.REQ.SERVER.PING.VARZ", "$SYS.REQ.ACCOUNT.WATCHGATE.CONNZ"] {
        client.publish(forbidden, "".into()).await?;
        let refusal = refused.recv().await.context("the connection is gone")?;
        ensure!(refusal.contains("permissions violation for publish"), "{forbidden}: {refusal}");
    }
    let _overheard = client.subscribe("_INBOX.>").await?;
    let refusal = refused.recv().await.context("the connection is gone")?;
    ensure!(refusal.contains("permissions violation for subscription"), "{refusal}");
    Ok(())
}

/// Sends words without TLS; gives all that comes back until the server hangs up.
async fn in_plain_text(port: u16, words: &str) -> Result<String> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    connection.write_all(words.as_bytes()).await?;
    let mut answer = Vec::new();
    // Whether it ends with a farewell or a reset, what came before it counts.
    let _ = connection.read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
