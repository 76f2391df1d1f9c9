//! Streams pass the gate as they pass bare Traefik: WebSocket, server-sent events and gRPC, each held against the same
//! route without the gate. What must not be held back is proved by order: nothing more is said until what was said has
//! arrived.

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::beside::{self, SCOPE, Way};
use watchgate_tests::client::status;
use watchgate_tests::events::EventBackEnd;
use watchgate_tests::grpc::{self, GrpcClient};
use watchgate_tests::websocket::{self, PUSH_ENDED, PUSHED, SocketBackEnd};
use watchgate_tests::{BackEnd, Stage, StageOptions, wire};

/// A stage with one back end on both ways.
async fn stage(name: &str, url: &str) -> Result<Stage> {
    Stage::start(StageOptions {
        back_end: BackEnd::DropIn(EchoBackEnd::start("echo")?.url()),
        gate: Some(beside::gate()?),
        dynamic: Some(beside::routes(&[(name, url)])),
        ..StageOptions::default()
    })
    .await
}

#[tokio::test]
async fn a_websocket_carries_a_thousand_messages_both_ways_and_its_close_codes() -> Result<()> {
    let sockets = SocketBackEnd::start()?;
    let stage = stage("sockets", &sockets.url()).await?;
    stage
        .play(async |stage| {
            for way in Way::BOTH {
                let (mut client, answer) = websocket::open(stage, way, "echo", "v1.events, v2.events").await?;
                let chosen = answer.headers().get("sec-websocket-protocol").context("no subprotocol")?;
                ensure!(chosen == "v2.events", "{way:?}: the subprotocol is {chosen:?}");
                for number in 0..1_000_usize {
                    let sent = message(number);
                    client.send(sent.clone()).await?;
                    let heard = timeout(wire::PATIENCE, client.next()).await?.context("hung up")??;
                    ensure!(heard == sent, "{way:?}: message {number} came back changed");
                }
                let bye = CloseFrame { code: 4_001.into(), reason: "done".into() };
                client.close(Some(bye)).await?;
                while client.next().await.is_some() {}
                let served = sockets.served().await?;
                ensure!(served.closed == Some((4_001, "done".into())), "{way:?}: {served:?}");
                ensure!(served.messages == 1_000, "{way:?}: {served:?}");
                ensure!(served.offered.as_deref() == Some("v1.events, v2.events"), "{way:?}: {served:?}");
                let subject = (way == Way::Gated).then(|| "console-7".to_owned());
                ensure!(served.subject == subject, "{way:?}: {served:?}");
            }
            Ok(())
        })
        .await
}

/// Text and bytes, from nothing to more than one frame of any buffer on the way.
fn message(number: usize) -> Message {
    let length = if number.is_multiple_of(100) { 200_000 } else { number };
    match number.is_multiple_of(2) {
        true => Message::text("x".repeat(length)),
        false => Message::binary(vec![number.to_le_bytes().first().copied().unwrap_or_default(); length]),
    }
}

#[tokio::test]
async fn both_sides_of_a_websocket_speak_at_once_and_the_servers_close_code_arrives() -> Result<()> {
    let sockets = SocketBackEnd::start()?;
    let stage = stage("sockets", &sockets.url()).await?;
    stage
        .play(async |stage| {
            for way in Way::BOTH {
                let (client, _) = websocket::open(stage, way, "push", "v1.events").await?;
                let (mut to_server, mut from_server) = client.split();
                let sending = async {
                    for number in 0..PUSHED {
                        to_server.send(Message::text(format!("sent {number}"))).await?;
                    }
                    anyhow::Ok(())
                };
                let reading = async {
                    for number in 0..PUSHED {
                        let heard = timeout(wire::PATIENCE, from_server.next()).await?.context("hung up")??;
                        ensure!(heard.to_text()? == format!("pushed {number}"), "{way:?}: {number} was {heard}");
                    }
                    let last = timeout(wire::PATIENCE, from_server.next()).await?.context("no close")??;
                    let Message::Close(Some(close)) = last else { bail!("{way:?}: ended with {last}") };
                    ensure!(websocket::told(close.clone()) == (PUSH_ENDED, "enough".into()), "{way:?}: {close}");
                    while from_server.next().await.is_some() {}
                    Ok(())
                };
                tokio::try_join!(sending, reading)?;
                let served = sockets.served().await?;
                ensure!(served.messages == PUSHED && served.closed.is_some(), "{way:?}: {served:?}");
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn events_arrive_one_by_one_and_a_client_that_goes_is_gone_upstream() -> Result<()> {
    let events = EventBackEnd::start()?;
    let stage = stage("events", &events.url()).await?;
    stage
        .play(async |stage| {
            let caller = stage.caller("console-7", SCOPE)?;
            for way in Way::BOTH {
                let request = caller.get(&way.path("events", "live")).header("accept", "text/event-stream");
                let asked = tokio::spawn(request.send());
                let stream = events.next().await?;
                let mut answer = asked.await??;
                ensure!(answer.status().as_u16() == 200, "{way:?}: answered {}", answer.status());
                for number in 0..200 {
                    ensure!(stream.say(&format!("event {number}")), "{way:?}: the stream has ended");
                    let chunk = timeout(wire::PATIENCE, answer.chunk()).await.context("an event was held back")??;
                    let expected = format!("data: event {number}\n\n");
                    ensure!(chunk.as_deref() == Some(expected.as_bytes()), "{way:?}: event {number} was {chunk:?}");
                }
                drop(answer);
                timeout(wire::PATIENCE, stream.closed()).await.context("the back end was not told of the hang-up")?;
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn grpc_passes_with_messages_in_both_directions_trailers_and_status() -> Result<()> {
    let stage = stage("grpc", &grpc::start_back_end()?).await?;
    stage
        .play(async |stage| {
            let token = stage.mint("console-7", SCOPE)?;
            let client = GrpcClient::connect(stage.https_port(), &stage.ca()).await?;
            for way in Way::BOTH {
                unary(&client, way, &token).await.with_context(|| format!("unary, {way:?}"))?;
                both_directions(&client, way, &token).await.with_context(|| format!("streaming, {way:?}"))?;
                refused(&client, way, &token).await.with_context(|| format!("a refusal, {way:?}"))?;
                for _ in 0..20 {
                    broken_off(&client, way, &token).await.with_context(|| format!("a reset, {way:?}"))?;
                }
            }
            // What was reset did the connection no harm, nor the gate.
            unary(&client, Way::Gated, &token).await
        })
        .await
}

async fn unary(client: &GrpcClient, way: Way, token: &str) -> Result<()> {
    let mut call = client.call(&way.path("grpc", "demo.Devices/Unary"), token).await?;
    call.say(b"how are you")?;
    call.finish()?;
    let head = call.head().await?;
    ensure!(head.status().as_u16() == 200, "answered {}", head.status());
    let field = |name: &str| head.headers().get(name).and_then(|value| value.to_str().ok());
    ensure!(field("content-type") == Some("application/grpc"), "{head:?}");
    ensure!(field("seen-x-binary-bin") == Some("3q2+7w"), "metadata did not arrive: {head:?}");
    ensure!(field("seen-x-auth-subject") == (way == Way::Gated).then_some("console-7"), "{head:?}");
    ensure!(call.hear().await?.as_deref() == Some(b"how are you".as_slice()), "another message");
    ensure!(call.hear().await?.is_none(), "a second message");
    let trailers = call.trailers().await?;
    ensure!(trailers.get("grpc-status").is_some_and(|status| status == "0"), "{trailers:?}");
    ensure!(trailers.get("grpc-message").is_some_and(|message| message == "all said"), "{trailers:?}");
    ensure!(trailers.get("x-checksum-bin").is_some_and(|checksum| checksum == "AAEC"), "{trailers:?}");
    Ok(())
}

async fn both_directions(client: &GrpcClient, way: Way, token: &str) -> Result<()> {
    let mut call = client.call(&way.path("grpc", "demo.Devices/Echo"), token).await?;
    // Before the first message is answered there may be no header.
    call.say(b"message 0")?;
    call.head().await?;
    for number in 0..200 {
        let said = format!("message {number}");
        if number > 0 {
            call.say(said.as_bytes())?;
        }
        let heard = call.hear().await?;
        ensure!(heard.as_deref() == Some(said.as_bytes()), "{said} came back as {heard:?}");
    }
    call.finish()?;
    ensure!(call.hear().await?.is_none(), "more than was said");
    ensure!(call.trailers().await?.get("grpc-status").is_some_and(|status| status == "0"), "no status");
    Ok(())
}

async fn refused(client: &GrpcClient, way: Way, token: &str) -> Result<()> {
    let mut call = client.call(&way.path("grpc", "demo.Devices/Refuse"), token).await?;
    call.finish()?;
    let head = call.head().await?;
    let trailers = match head.headers().contains_key("grpc-status") {
        true => head.headers().clone(),
        false => {
            ensure!(call.hear().await?.is_none(), "a message");
            call.trailers().await?
        }
    };
    ensure!(trailers.get("grpc-status").is_some_and(|status| status == "5"), "{trailers:?}");
    ensure!(trailers.get("grpc-message").is_some_and(|message| message == "no such device"), "{trailers:?}");
    Ok(())
}

async fn broken_off(client: &GrpcClient, way: Way, token: &str) -> Result<()> {
    let mut call = client.call(&way.path("grpc", "demo.Devices/Abort"), token).await?;
    call.say(b"half")?;
    call.finish()?;
    let heard = async {
        call.head().await?;
        while call.hear().await?.is_some() {}
        call.trailers().await
    };
    let ended = heard.await;
    let Err(error) = ended else { bail!("half an answer looked complete: {ended:?}") };
    ensure!(error.is::<h2::Error>(), "the client was left waiting: {error:#}");
    Ok(())
}

#[tokio::test]
async fn clients_that_hang_up_in_the_middle_of_a_stream_leave_the_gate_working() -> Result<()> {
    let (sockets, events) = (SocketBackEnd::start()?, EventBackEnd::start()?);
    let stage = Stage::start(StageOptions {
        back_end: BackEnd::DropIn(EchoBackEnd::start("echo")?.url()),
        gate: Some(beside::gate()?),
        dynamic: Some(beside::routes(&[("sockets", &sockets.url()), ("events", &events.url())])),
        ..StageOptions::default()
    });
    let stage = stage.await?;
    stage
        .play(async |stage| {
            let caller = stage.caller("console-7", SCOPE)?;
            let token = caller.token().context("no token")?;
            for _ in 0..30 {
                let (mut client, _) = websocket::open(stage, Way::Gated, "echo", "v1").await?;
                client.send(Message::text("and off")).await?;
                drop(client);
                ensure!(sockets.served().await?.closed.is_none(), "the back end saw an orderly end");

                let asked = tokio::spawn(caller.get(&Way::Gated.path("events", "live")).send());
                let stream = events.next().await?;
                drop(asked.await??);
                timeout(wire::PATIENCE, stream.closed()).await.context("an abandoned stream stays open upstream")?;

                // In the middle of its own body.
                let mut upload = wire::tls(stage.https_port(), &stage.ca(), "http/1.1").await?;
                let head = format!(
                    "POST {} HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\nhalf",
                    Way::Gated.path("events", "upload"),
                    stage.https_port()
                );
                upload.write_all(head.as_bytes()).await?;
                let stream = events.next().await?;
                drop(upload);
                timeout(wire::PATIENCE, stream.closed()).await.context("an abandoned upload stays open upstream")?;
            }
            for _ in 0..100 {
                let answered = status(stage.stranger()?.get("/healthz")).await?;
                ensure!(answered == 200, "after the hang-ups the gate answered {answered}");
                let refused = status(stage.stranger()?.get(&Way::Gated.path("events", "live"))).await?;
                ensure!(refused == 401, "after the hang-ups a stranger was answered {refused}");
            }
            Ok(())
        })
        .await
}
