//! Requests and answers pass the gate as they pass bare Traefik, byte by byte: each case goes both ways, and what the back
//! end received and what the client received is compared.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::StreamExt as _;
use reqwest::Body;
use tokio::io::AsyncWriteExt as _;
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::beside::{self, SCOPE, Way};
use watchgate_tests::client::{self, Caller};
use watchgate_tests::scripted::{Received, ScriptedBackEnd};
use watchgate_tests::wire::{self, Answer};
use watchgate_tests::{BackEnd, Stage, StageOptions, bulk};

async fn stage(name: &str, url: &str) -> Result<Stage> {
    Stage::start(StageOptions {
        back_end: BackEnd::DropIn(EchoBackEnd::start("echo")?.url()),
        gate: Some(beside::gate()?),
        dynamic: Some(beside::routes(&[(name, url)])),
        ..StageOptions::default()
    })
    .await
}

/// Method, resource, further header lines, and what follows the head.
type Case = (&'static str, &'static str, &'static [&'static str], &'static str);

const CHUNKED: &str = "Transfer-Encoding: chunked";

const CASES: [Case; 33] = [
    ("GET", "plain", &[], ""),
    ("GET", "plain?a=1&b=%20two&a=3", &["Accept-Encoding: br", "X-Case: Kept As Sent"], ""),
    ("GET", "plain", &["X-Repeated: one", "X-Repeated: two", "X-repeated: three"], ""),
    ("GET", "plain", &["Cookie: a=1; b=2", "X-Empty:"], ""),
    ("HEAD", "length-only", &[], ""),
    ("GET", "empty", &[], ""),
    ("GET", "no-content", &[], ""),
    ("DELETE", "no-content", &[], ""),
    ("GET", "not-modified", &["If-None-Match: \"five\""], ""),
    ("GET", "partial", &["Range: bytes=2-4"], ""),
    ("GET", "partial", &["Range: bytes=2-4", "If-Range: \"five\""], ""),
    ("GET", "unsatisfiable", &["Range: bytes=20-"], ""),
    ("GET", "chunked", &[], ""),
    ("GET", "trailers", &["TE: trailers"], ""),
    ("GET", "unannounced-trailers", &["TE: trailers"], ""),
    ("GET", "until-the-end", &[], ""),
    ("GET", "cookies", &[], ""),
    ("GET", "hints", &[], ""),
    ("GET", "error", &[], ""),
    ("GET", "moved", &[], ""),
    ("GET", "zipped", &["Accept-Encoding: gzip"], ""),
    ("GET", "cut-length", &[], ""),
    ("GET", "cut-chunks", &[], ""),
    ("GET", "cut-at-once", &[], ""),
    ("POST", "plain", &["Content-Length: 0"], ""),
    ("POST", "plain", &["Content-Length: 5", "Content-Type: text/plain"], "hello"),
    ("POST", "plain", &["Content-Length: 5"], "hello"),
    ("PUT", "no-content", &[CHUNKED], "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
    ("POST", "plain", &[CHUNKED, "Trailer: X-Checksum"], "5\r\nhello\r\n0\r\nX-Checksum: 5d41\r\n\r\n"),
    ("POST", "plain", &[CHUNKED], "5\r\nhello\r\n0\r\nX-Checksum: 5d41\r\n\r\n"),
    ("GET", "plain", &["Content-Length: 5"], "hello"),
    ("OPTIONS", "no-content", &["Origin: https://example.com", "Access-Control-Request-Method: PUT"], ""),
    ("PROPFIND", "plain", &["Depth: 1"], ""),
];

/// Fields that say which way a request took, or when.
fn is_of_the_way(name: &str) -> bool {
    name.starts_with("ce-") || ["authorization", "traceparent", "txn-token", "x-auth-subject", "date"].contains(&name)
}

/// What one way made of a case.
#[derive(Debug, PartialEq, Eq)]
struct Passed {
    received: Option<Received>,
    /// Or why there was none: Traefik hung up before the head.
    answer: Result<Answer, String>,
}

async fn pass(stage: &Stage, back_end: &ScriptedBackEnd, token: &str, way: Way, number: usize) -> Result<Passed> {
    let (method, resource, fields, rest) = CASES.get(number).context("no such case")?;
    let separator = if resource.contains('?') { '&' } else { '?' };
    let target = way.path("scripted", &format!("{resource}{separator}case={number}"));
    let port = stage.https_port();
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n");
    request.push_str(&format!("Authorization: Bearer {token}\r\nUser-Agent: bodies/1\r\n"));
    for field in *fields {
        request.push_str(&format!("{field}\r\n"));
    }
    request.push_str(&format!("\r\n{rest}"));
    let answer = wire::exchange(port, &stage.ca(), method, request.as_bytes()).await;
    let mut answer = answer.map_err(|error| format!("{error:#}"));
    if let Ok(answer) = &mut answer {
        answer.head.fields.retain(|(name, _)| !is_of_the_way(name));
        answer.head.fields.sort();
    }
    let received = back_end.received(&target).map(|mut received| {
        received.head.first_line = received.head.first_line.replace(&way.path("scripted", ""), "/");
        received.head.fields.retain(|(name, _)| !is_of_the_way(name));
        // Go writes header fields in the order of a map.
        received.head.fields.sort();
        received
    });
    Ok(Passed { received, answer })
}

#[tokio::test]
async fn requests_and_answers_of_every_form_arrive_as_without_the_gate() -> Result<()> {
    let scripted = ScriptedBackEnd::start()?;
    let stage = stage("scripted", &scripted.url()).await?;
    stage
        .play(async |stage| {
            let token = stage.mint("console-7", SCOPE)?;
            let mut differences = Vec::new();
            for (number, case) in CASES.iter().enumerate() {
                let bare = pass(stage, &scripted, &token, Way::Bare, number).await;
                let bare = bare.with_context(|| format!("{case:?} without the gate"))?;
                ensure!(bare.received.is_some(), "{case:?} did not reach the back end: {bare:?}");
                let broke_off = case.1.starts_with("cut-") && case.1 != "cut-at-once";
                let is_whole = bare.answer.as_ref().is_ok_and(|answer| answer.body.is_whole);
                ensure!(is_whole != broke_off, "{case:?}: {bare:?}");
                let gated = pass(stage, &scripted, &token, Way::Gated, number).await;
                match gated {
                    Ok(gated) if gated == bare => {}
                    gated => differences.push(format!("{case:?}\n  bare:  {bare:?}\n  gated: {gated:?}")),
                }
            }
            ensure!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
            Ok(())
        })
        .await
}

#[tokio::test]
async fn the_gate_asks_for_a_body_only_when_the_request_may_pass() -> Result<()> {
    let scripted = ScriptedBackEnd::start()?;
    let stage = stage("scripted", &scripted.url()).await?;
    stage
        .play(async |stage| {
            let port = stage.https_port();
            let good = format!("Authorization: Bearer {}\r\n", stage.mint("console-7", SCOPE)?);
            let unscoped = format!("Authorization: Bearer {}\r\n", stage.mint("console-7", "other")?);
            let head = |way: Way, resource: &str, authorization: &str| {
                let target = way.path("scripted", resource);
                format!(
                    "POST {target} HTTP/1.1\r\nHost: localhost:{port}\r\n{authorization}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
                )
            };
            for way in Way::BOTH {
                let mut connection = wire::tls(port, &stage.ca(), "http/1.1").await?;
                connection.write_all(head(way, "plain?expect", &good).as_bytes()).await?;
                let asked = wire::read_head(&mut connection).await?.context("hung up")?;
                ensure!(asked.status() == Some(100), "{way:?}: {asked:?}");
                connection.write_all(b"hello").await?;
                let answer = wire::read_answer(&mut connection, "POST").await?;
                ensure!(answer.head.status() == Some(200), "{way:?}: {answer:?}");
                let received = scripted.received(&way.path("scripted", "plain?expect")).context("nothing arrived")?;
                ensure!(received.body.bytes == b"hello", "{way:?}: {received:?}");
            }
            for (authorization, expected) in [("", 401), (unscoped.as_str(), 403)] {
                let request = head(Way::Gated, "plain?refused", authorization);
                let answer = wire::exchange(port, &stage.ca(), "POST", request.as_bytes()).await?;
                ensure!(answer.head.status() == Some(expected), "{answer:?}");
                ensure!(answer.interim.is_empty(), "asked for a body that it refuses: {answer:?}");
            }
            ensure!(scripted.received(&Way::Gated.path("scripted", "plain?refused")).is_none(), "a refused one arrived");
            Ok(())
        })
        .await
}

const GIBIBYTE: u64 = 1024 * 1024 * 1024;

/// What streaming may cost Traefik; a body that it held would be sixteen times as much.
const MAX_GROWTH_KIB: u64 = 64 * 1024;

#[tokio::test]
async fn a_gibibyte_goes_up_and_another_down_and_traefik_holds_neither() -> Result<()> {
    let stage = stage("bulk", &bulk::start_back_end()?).await?;
    stage
        .play(async |stage| {
            let expected = bulk::expected(GIBIBYTE).await?;
            let token = stage.mint("console-7", SCOPE)?;
            let client = client::builder(&stage.ca())?.http1_only().build()?;
            let caller = Caller::new(client, &stage.base_url(), Some(token));
            for way in Way::BOTH {
                let up = async {
                    let body =
                        Body::wrap_stream(bulk::pieces(GIBIBYTE).map(|piece| piece.map_err(std::io::Error::other)));
                    let request = caller.request(reqwest::Method::POST, &way.path("bulk", "up")).body(body);
                    Ok(request.send().await?.error_for_status()?.text().await?)
                };
                let (digest, growth) = while_watched(stage, up).await?;
                println!("{way:?}: 1 GiB up, Traefik grew by {growth} KiB");
                ensure!(digest == expected, "{way:?}: sent {expected}, {digest} arrived");
                ensure!(growth < MAX_GROWTH_KIB, "{way:?}: Traefik grew by {growth} KiB during an upload");

                let down = async {
                    let answer = caller.get(&way.path("bulk", &format!("down/{GIBIBYTE}"))).send().await?;
                    bulk::digest(answer.error_for_status()?.bytes_stream()).await
                };
                let (digest, growth) = while_watched(stage, down).await?;
                println!("{way:?}: 1 GiB down, Traefik grew by {growth} KiB");
                ensure!(digest == expected, "{way:?}: sent {expected}, {digest} arrived");
                ensure!(growth < MAX_GROWTH_KIB, "{way:?}: Traefik grew by {growth} KiB during a download");
            }
            Ok(())
        })
        .await
}

/// What came of it, and by how many KiB Traefik grew at most meanwhile.
async fn while_watched<T>(stage: &Stage, transfer: impl Future<Output = Result<T>>) -> Result<(T, u64)> {
    let before = resident_kib(stage.traefik_pid())?;
    let mut most = before;
    let watch = async {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            match resident_kib(stage.traefik_pid()) {
                Ok(now) => most = most.max(now),
                Err(error) => return error,
            }
        }
    };
    let done = tokio::select! {
        done = transfer => done?,
        error = watch => bail!("Traefik cannot be watched: {error:#}"),
    };
    Ok((done, most.saturating_sub(before)))
}

fn resident_kib(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).context("Traefik has ended")?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(resident.trim().trim_end_matches(" kB").parse()?)
}
