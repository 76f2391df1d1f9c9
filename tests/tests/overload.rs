//! More than can be carried, and clients that hold things up: with the shipped configuration of Traefik, whose `readTimeout` alone is shorter
//! here, and the real service. And how the service goes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::StreamExt as _;
use futures_util::future::{join_all, try_join_all};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use watchgate_tests::client::{self, Caller, expect_json, status};
use watchgate_tests::wait::until;
use watchgate_tests::{Stage, StageOptions, wire};

const READ_TIMEOUT: Duration = Duration::from_secs(3);
/// A busy machine looks at what is due somewhat later.
const LATE: Duration = Duration::from_secs(12);

/// The share of one caller: a quarter of 1,024.
const POLLS_OF_ONE: usize = 256;

/// Long enough to look twice meanwhile on a busy machine.
const DRAIN: Duration = Duration::from_secs(8);

const LEASE: &str = "/v1/services/tester-7/commands:lease";

async fn slow_stage() -> Result<Stage> {
    Stage::start(StageOptions { read_timeout: Some("3s"), ..StageOptions::default() }).await
}

/// Writes a byte every 100 ms until the gateway hangs up; gives how long that took.
async fn trickle(stream: impl AsyncRead + AsyncWrite, text: &str) -> Result<Duration> {
    let begun = Instant::now();
    let (mut reading, mut writing) = tokio::io::split(stream);
    let said = async {
        for byte in text.bytes().cycle() {
            if writing.write_all(&[byte]).await.is_err() || writing.flush().await.is_err() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    let heard = async {
        let mut answer = Vec::new();
        // Whether it says so or not.
        let _ = reading.read_to_end(&mut answer).await;
    };
    let over = async {
        tokio::select! {
            () = said => {}
            () = heard => {}
        }
    };
    timeout(READ_TIMEOUT.saturating_add(LATE), over).await.context("nobody cut it off")?;
    Ok(begun.elapsed())
}

/// Requests of somebody honest, each on a connection of its own.
async fn honest(stage: &Stage, count: usize) -> Result<()> {
    let token = stage.mint("honest", "events:read")?;
    for number in 0..count {
        let caller = Caller::new(client::builder(&stage.ca())?.build()?, &stage.base_url(), Some(token.clone()));
        let begun = Instant::now();
        let status = status(caller.get("/v1/events?limit=1")).await?;
        ensure!(status == 200, "honest request {number} was answered {status}");
        ensure!(begun.elapsed() < LATE, "honest request {number} took {:?}", begun.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test]
async fn clients_that_trickle_are_cut_off_in_time_and_hold_nobody_up() -> Result<()> {
    let stage = slow_stage().await?;
    stage
        .play(async |stage| {
            let (port, ca, token) = (stage.https_port(), stage.ca(), stage.mint("tester-7", "events:write")?);
            let head = "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nX-Slow: 1";
            let body = format!(
                "POST /v1/events HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/cloudevents+json\r\nContent-Length: 100000\r\n\r\n"
            );
            let heads = (0..100).map(async |_| trickle(wire::tls(port, &ca, "http/1.1").await?, head).await);
            let bodies = (0..50).map(async |_| {
                let mut stream = wire::tls(port, &ca, "http/1.1").await?;
                stream.write_all(body.as_bytes()).await?;
                trickle(stream, " ").await
            });
            // A record of TLS of 512 bytes, of which there is never enough.
            let hello = format!("\u{16}\u{3}\u{1}\u{2}\u{0}{}", "\u{1}".repeat(500));
            let handshakes =
                (0..100).map(async |_| trickle(TcpStream::connect(("127.0.0.1", port)).await?, &hello).await);
            let plain_port = stage.plain_url().rsplit(':').next().context("no port")?.parse()?;
            let redirected =
                (0..50).map(async |_| trickle(TcpStream::connect(("127.0.0.1", plain_port)).await?, head).await);
            let (heads, bodies, handshakes, redirected, ()) = tokio::try_join!(
                try_join_all(heads),
                try_join_all(bodies),
                try_join_all(handshakes),
                try_join_all(redirected),
                honest(stage, 40),
            )?;
            for took in heads.into_iter().chain(bodies).chain(handshakes).chain(redirected) {
                // It is the time that does it, and not some fault in what was sent.
                ensure!(took.saturating_mul(2) > READ_TIMEOUT, "cut off after {took:?}");
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_body_that_trickles_over_http2_ends_in_time_too() -> Result<()> {
    let stage = slow_stage().await?;
    stage
        .play(async |stage| {
            let pieces = futures_util::stream::unfold((), async |()| {
                sleep(Duration::from_millis(100)).await;
                Some((Ok::<_, std::io::Error>(" "), ()))
            });
            let caller = stage.caller("tester-7", "events:write")?;
            let request = publishing(&caller);
            let begun = Instant::now();
            let answer = request.body(reqwest::Body::wrap_stream(pieces)).send().await;
            ensure!(begun.elapsed() < READ_TIMEOUT.saturating_add(LATE), "it took {:?}", begun.elapsed());
            ensure!(answer.as_ref().map_or(true, |answer| !answer.status().is_success()), "{answer:?}");
            honest(stage, 1).await
        })
        .await
}

#[tokio::test]
async fn connections_that_nobody_uses_keep_nobody_out() -> Result<()> {
    let stage = Stage::start(StageOptions::default()).await?;
    stage
        .play(async |stage| {
            let (port, ca) = (stage.https_port(), stage.ca());
            let silent = try_join_all((0..1000).map(|_| TcpStream::connect(("127.0.0.1", port)))).await?;
            let mut through = Vec::new();
            for _ in 0..10 {
                through.extend(try_join_all((0..30).map(|_| wire::tls(port, &ca, "http/1.1"))).await?);
            }
            honest(stage, 20).await?;
            drop((silent, through));
            Ok(())
        })
        .await
}

#[tokio::test]
async fn headers_over_the_bound_get_431_over_both_protocols() -> Result<()> {
    let stage = Stage::start(StageOptions::default()).await?;
    stage
        .play(async |stage| {
            let token = stage.mint("tester-7", "events:read")?;
            for (bytes, expected) in [(40_000, 200), (80_000, 431)] {
                let cookie = "x".repeat(bytes);
                let request = format!(
                    "GET /v1/events?limit=1 HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {token}\r\nCookie: x={cookie}\r\n\
                     Connection: close\r\n\r\n",
                    stage.https_port()
                );
                let answer = wire::exchange(stage.https_port(), &stage.ca(), "GET", request.as_bytes()).await?;
                ensure!(answer.head.status() == Some(expected), "HTTP/1.1, {bytes} bytes: {}", answer.head.first_line);
                let caller = stage.caller("tester-7", "events:read")?;
                let request = caller.get("/v1/events?limit=1").header("cookie", format!("x={cookie}"));
                // Go's client of HTTP/2 is told the bound, and others may find it out: either is a refusal.
                let status = request.send().await.map(|answer| answer.status().as_u16());
                let is_as_expected = status.as_ref().map_or(expected == 431, |status| *status == expected);
                ensure!(is_as_expected, "HTTP/2, {bytes} bytes: {status:?}");
            }
            honest(stage, 1).await
        })
        .await
}

#[tokio::test]
async fn one_caller_who_takes_all_that_is_his_gets_429_and_others_go_on() -> Result<()> {
    let stage = Stage::start(StageOptions::default()).await?;
    stage
        .play(async |stage| {
            // Of one person, but on several connections: of HTTP/2 each carries 250 requests at once.
            let flooding = stage.caller("tester-7", "commands:lease events:read")?;
            let clients = (0..4).map(|_| stage.caller("tester-7", "commands:lease")).collect::<Result<Vec<_>>>()?;
            let begun = Instant::now();
            let polls = clients.iter().cycle().take(POLLS_OF_ONE + 20).zip(0_u32..);
            let polls = join_all(polls.map(async |(caller, number)| {
                // One after the other: Traefik gives a back end two seconds to take a connection, and this machine has more to do.
                sleep(Duration::from_millis(10).saturating_mul(number)).await;
                let answer = caller.post(LEASE, &json!({"wait_seconds": 20})).send().await?;
                let retry_after = answer.headers().get("retry-after").cloned();
                anyhow::Ok((answer.status().as_u16(), retry_after, answer.text().await?, begun.elapsed()))
            }));
            let others = async {
                // When the flood is there.
                sleep(Duration::from_secs(6)).await;
                let another = stage.caller("tester-8", "commands:lease")?;
                let request = another.post("/v1/services/tester-8/commands:lease", &json!({"wait_seconds": 1}));
                ensure!(status(request).await? == 204, "another caller does not come through");
                let own = status(flooding.get("/v1/events?limit=1")).await?;
                ensure!(own == 200, "what does not wait is answered {own}");
                Ok(())
            };
            let (polls, others) = tokio::join!(polls, others);
            others?;
            let mut refused = 0_usize;
            for poll in polls {
                let (status, retry_after, text, took) = poll?;
                match status {
                    204 => {}
                    429 => {
                        ensure!(retry_after.as_ref().is_some_and(|after| after == "1"), "{retry_after:?}");
                        ensure!(text.contains("urn:watchgate:problem:too-many-at-once"), "{text}");
                        ensure!(took < Duration::from_secs(15), "refused after {took:?}, which is late");
                        refused = refused.saturating_add(1);
                    }
                    other => anyhow::bail!("a poll was answered {other}: {text}"),
                }
            }
            ensure!(refused == 20, "{refused} of 20 were refused");
            Ok(())
        })
        .await
}

/// An event on its way whose body is to be said.
fn publishing(caller: &Caller) -> RequestBuilder {
    caller.request(Method::POST, "/v1/events").header("content-type", "application/cloudevents+json")
}

/// A request whose body comes in pieces, when somebody says them.
fn upload(caller: &Caller) -> (Sender<std::io::Result<String>>, JoinHandle<Result<u16>>) {
    let (sender, pieces) = channel(1);
    let pieces =
        futures_util::stream::unfold(pieces, async |mut pieces: Receiver<_>| Some((pieces.recv().await?, pieces)));
    (sender, tokio::spawn(status(publishing(caller).body(reqwest::Body::wrap_stream(pieces)))))
}

/// Waits for what a service says of itself behind its gateway.
async fn ready_is(stage: &Stage, expected: u16) -> Result<()> {
    let client = client::plain()?;
    let url = format!("{}/readyz", stage.service_url());
    until("the service says how it is", LATE, async || {
        let answer = client.get(&url).send().await;
        Ok(answer.is_ok_and(|answer| answer.status().as_u16() == expected).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_service_that_goes_says_so_first_and_loses_nothing_that_is_under_way() -> Result<()> {
    let stage = Stage::start(StageOptions { drain: DRAIN, ..StageOptions::default() }).await?;
    stage
        .play(async |stage| {
            let caller = stage.caller("tester-7", "events:read events:write commands:lease")?;
            let tail = caller.get("/v1/events").header("accept", "text/event-stream").send().await?;
            ensure!(tail.status() == 200, "the tail was answered {}", tail.status());
            let poll = tokio::spawn(status(caller.post(LEASE, &json!({"wait_seconds": 25}))));
            let (sender, upload) = upload(&caller);
            let event = json!({
                "specversion": "1.0", "id": "under-way", "type": "com.example.telemetry.frame",
                "source": "https://issuer.watchgate.test#tester-7", "data": {},
            })
            .to_string();
            let (first, second) = event.split_at(20);
            sender.send(Ok(first.to_owned())).await?;

            let begun = Instant::now();
            stage.signal_service("TERM");
            ready_is(stage, 503).await?;
            ensure!(begun.elapsed() < DRAIN, "it was not said before the listener closes");
            expect_json(200, caller.get("/v1/events?limit=1")).await.context("while it drains")?;
            ensure!(!poll.is_finished(), "a poll was ended before the listener closes");

            // The tail ends in order, and so does the poll: the drain is over.
            let whole = tail.bytes_stream().collect::<Vec<_>>();
            let whole = timeout(LATE, whole).await.context("the tail goes on")?;
            ensure!(whole.iter().all(Result::is_ok), "the tail broke off");
            ensure!(begun.elapsed() >= DRAIN, "the drain was cut short");
            ensure!(timeout(LATE, poll).await??? == 204, "the poll had no answer");
            ensure!(stage.service_runs() && !upload.is_finished(), "what is under way was not waited for");
            sender.send(Ok(second.to_owned())).await?;
            drop(sender);
            let stored = timeout(LATE, upload).await???;
            ensure!(stored == 202, "the upload was answered {stored}");
            until("the service has ended", LATE, async || Ok((!stage.service_runs()).then_some(()))).await?;

            stage.restart_service().await?;
            let page = expect_json(200, caller.get("/v1/events?type=com.example.telemetry.frame")).await?;
            ensure!(page.to_string().contains("under-way"), "what was acknowledged is gone: {page}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_second_signal_ends_the_service_at_once() -> Result<()> {
    let stage = Stage::start(StageOptions { drain: Duration::from_secs(60), ..StageOptions::default() }).await?;
    stage
        .play(async |stage| {
            let caller = stage.caller("tester-7", "events:read events:write")?;
            let (sender, upload) = upload(&caller);
            sender.send(Ok("{".to_owned())).await?;
            stage.signal_service("TERM");
            ready_is(stage, 503).await?;
            let begun = Instant::now();
            stage.signal_service("TERM");
            until("the service has ended", LATE, async || Ok((!stage.service_runs()).then_some(()))).await?;
            ensure!(
                begun.elapsed() < Duration::from_secs(5),
                "what is under way was waited for, {:?}",
                begun.elapsed()
            );
            // Traefik says so when it has read what there is to come, and does not say that all is well.
            drop(sender);
            let answered = timeout(LATE, upload).await??;
            ensure!(answered.as_ref().map_or(true, |status| *status >= 500), "{answered:?}");
            Ok(())
        })
        .await
}
