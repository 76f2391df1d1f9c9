//! Events through the real gate: every way to send one, every way to get it wrong, reading back, and the live tail.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt as _;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::time::timeout;
use watchgate_tests::client::{Caller, expect_json, status};
use watchgate_tests::{SharedStage, Stage, StageOptions};

static STAGE: SharedStage = SharedStage::new(|| Ok(StageOptions::default()));

const ISSUER: &str = "https://issuer.watchgate.test";

/// A subject of its own for each test, so that none sees another's events.
fn device(stage: &Stage) -> Result<(Caller, String)> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let subject = format!("console-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let caller = stage.caller(&subject, "events:write events:read")?;
    Ok((caller, format!("{ISSUER}#{subject}")))
}

fn binary(caller: &Caller, source: &str, id: &str) -> RequestBuilder {
    caller
        .post("/v1/events", &json!({"temperature_celsius": 61}))
        .header("ce-specversion", "1.0")
        .header("ce-id", id)
        .header("ce-type", "com.example.telemetry.reading")
        .header("ce-source", source)
}

fn whole(source: &str, id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": source, "type": "com.example.telemetry.reading",
        "datacontenttype": "application/json", "data": {"temperature_celsius": 61},
    })
}

async fn by_source(caller: &Caller, source: &str) -> Result<Vec<Value>> {
    let page = expect_json(200, caller.get("/v1/events?limit=1000").query(&[("source", source)])).await?;
    let events = page["events"].as_array().context("no events")?;
    Ok(events.iter().map(|event| event["event"].clone()).collect())
}

#[tokio::test]
async fn an_event_in_binary_mode_is_stored_with_who_sent_it() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (caller, source) = device(stage)?;
            let request =
                binary(&caller, &source, "1").header("ce-subject", "gpu").header("ce-time", "2026-01-02T03:04:05Z");
            let accepted = expect_json(202, request).await?;
            ensure!(
                accepted["id"] == "1" && accepted["source"] == source && accepted["duplicate"] == false,
                "{accepted}"
            );
            let stored = by_source(&caller, &source).await?;
            ensure!(stored.len() == 1, "stored: {stored:?}");
            ensure!(stored[0]["authid"] == source && stored[0]["subject"] == "gpu", "stored: {}", stored[0]);
            ensure!(stored[0]["time"] == "2026-01-02T03:04:05Z", "stored: {}", stored[0]);
            ensure!(stored[0]["data"] == json!({"temperature_celsius": 61}), "stored: {}", stored[0]);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn an_event_in_structured_mode_is_stored_the_same() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (caller, source) = device(stage)?;
            expect_json(202, structured_event(&caller, &whole(&source, "1"))).await?;
            let stored = by_source(&caller, &source).await?;
            ensure!(stored.len() == 1 && stored[0]["authid"] == source, "stored: {stored:?}");
            ensure!(stored[0]["data"] == json!({"temperature_celsius": 61}), "stored: {}", stored[0]);
            Ok(())
        })
        .await
}

/// A structured event with exactly one content type.
fn structured_event(caller: &Caller, event: &Value) -> RequestBuilder {
    caller
        .request(reqwest::Method::POST, "/v1/events")
        .header("content-type", "application/cloudevents+json")
        .body(event.to_string())
}

#[tokio::test]
async fn the_same_source_and_id_are_stored_once() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (caller, source) = device(stage)?;
            let first = expect_json(202, binary(&caller, &source, "1")).await?;
            for _ in 0..3 {
                let again = expect_json(202, binary(&caller, &source, "1")).await?;
                ensure!(again["duplicate"] == true && again["position"] == first["position"], "{first} then {again}");
            }
            ensure!(by_source(&caller, &source).await?.len() == 1, "stored more than once");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_malformed_event_is_refused_with_the_name_of_the_field_and_not_stored() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (caller, source) = device(stage)?;
            let mut rows: Vec<(&str, &str, RequestBuilder)> = Vec::new();
            for field in ["specversion", "id", "source", "type"] {
                let mut event = whole(&source, "broken");
                event.as_object_mut().context("an event is an object")?.remove(field);
                rows.push(("a missing attribute", field, structured_event(&caller, &event)));
            }
            let changed = |field: &str, value: Value| {
                let mut event = whole(&source, "broken");
                event[field] = value;
                structured_event(&caller, &event)
            };
            rows.push(("another version", "specversion", changed("specversion", json!("2.0"))));
            rows.push(("an empty id", "id", changed("id", json!(""))));
            rows.push(("a number as id", "id", changed("id", json!(7))));
            rows.push(("a time that is none", "time", changed("time", json!("yesterday"))));
            let without_id = caller
                .post("/v1/events", &json!({}))
                .header("ce-specversion", "1.0")
                .header("ce-type", "com.example.telemetry.reading")
                .header("ce-source", &source);
            rows.push(("binary mode without an id", "id", without_id));
            for (name, field, request) in rows {
                let problem = expect_json(400, request).await.context(name)?;
                let named = problem["errors"].as_array().is_some_and(|errors| {
                    errors.iter().any(|error| error["field"].as_str().is_some_and(|said| said.ends_with(field)))
                });
                ensure!(named, "{name}: `{field}` is not named in {problem}");
            }
            for text in ["", "{", "[]", "null", "\"text\""] {
                let request = structured_event(&caller, &Value::Null).body(text);
                ensure!(status(request).await? == 400, "`{text}` was not refused with 400");
            }
            ensure!(by_source(&caller, &source).await?.is_empty(), "something of it was stored");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_structured_event_is_held_to_the_same_rules_as_a_binary_one() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (caller, source) = device(stage)?;
            let mut foreign = whole(&format!("{source}0"), "1");
            ensure!(status(structured_event(&caller, &foreign)).await? == 403, "another's source passed");
            foreign = whole(&source, "1");
            foreign["type"] = json!("dev.watchgate.command.succeeded");
            ensure!(status(structured_event(&caller, &foreign)).await? == 403, "another's type passed");
            foreign = whole(&source, "1");
            foreign["authid"] = json!("root");
            expect_json(202, structured_event(&caller, &foreign)).await?;
            ensure!(by_source(&caller, &source).await?[0]["authid"] == source, "the client chose its own authid");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn bodies_over_the_limit_and_unknown_forms_are_refused() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (caller, source) = device(stage)?;
            let large = json!({"text": "x".repeat(1_100_000)});
            ensure!(status(caller.post("/v1/events", &large)).await? == 413, "1.1 MB were not refused with 413");
            let fits = json!({"text": "x".repeat(1_000_000)});
            ensure!(status(caller.post("/v1/events", &fits)).await? == 202, "1.0 MB were refused");
            let mut avro = structured_event(&caller, &whole(&source, "1")).build()?;
            avro.headers_mut().insert("content-type", "application/cloudevents+avro".parse()?);
            let answer = stage.client()?.execute(avro).await?;
            ensure!(answer.status().as_u16() == 415, "Avro was answered {}", answer.status());
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_long_token_of_an_honest_client_passes() -> Result<()> {
    STAGE
        .play(async |stage| {
            // Many groups make a token of some kilobytes; every copy of it in the gate is a long one.
            let groups: Vec<String> = (0..150).map(|number| format!("team-{number:04}-of-the-company")).collect();
            let token =
                stage.token("console-long").scope("events:write").claim("groups", &json!(groups).to_string()).mint()?;
            ensure!(token.len() > 4_096, "the token has only {} bytes", token.len());
            let caller = stage.stranger()?.with_token(&token);
            for _ in 0..10 {
                expect_json(202, caller.post("/v1/events", &json!({}))).await?;
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn events_are_found_by_type_subject_and_position_in_pages() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (caller, source) = device(stage)?;
            let mut positions = Vec::new();
            for id in 0..5_u32 {
                let request =
                    binary(&caller, &source, &id.to_string()).header("ce-subject", if id < 2 { "gpu" } else { "disk" });
                positions.push(expect_json(202, request).await?["position"].as_u64().context("no position")?);
            }
            ensure!(positions.is_sorted(), "positions do not grow: {positions:?}");
            let get = async |query: &[(&str, &str)]| {
                expect_json(200, caller.get("/v1/events").query(&[("source", source.as_str())]).query(query)).await
            };
            let count = |page: &Value| page["events"].as_array().map_or(0, Vec::len);

            ensure!(count(&get(&[("subject", "gpu")]).await?) == 2, "by subject");
            ensure!(count(&get(&[("type", "com.example.telemetry.reading")]).await?) == 5, "by type");
            ensure!(count(&get(&[("type", "com.example.*")]).await?) == 5, "by a prefix of the type");
            ensure!(
                count(&get(&[("type", "com.example.tele*")]).await.unwrap_or_default()) == 0,
                "half a word of the type"
            );
            let page = get(&[("limit", "2")]).await?;
            ensure!(count(&page) == 2 && page["next_after"] == positions[1], "first page: {page}");
            let page = get(&[("limit", "10"), ("after", &positions[1].to_string())]).await?;
            ensure!(count(&page) == 3 && page["next_after"].is_null(), "last page: {page}");
            let newest = get(&[("limit", "1"), ("order", "desc")]).await?;
            ensure!(newest["events"][0]["position"] == positions[4], "newest: {newest}");
            for (name, value) in
                [("limit", "0"), ("limit", "1001"), ("limit", "many"), ("after", "-1"), ("order", "up")]
            {
                let refused = status(caller.get("/v1/events").query(&[(name, value)])).await?;
                ensure!(refused == 400, "{name}={value} was answered {refused}");
            }
            Ok(())
        })
        .await
}

/// An open tail and what has come of it.
struct Tail {
    stream: futures_util::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
}

impl Tail {
    async fn open(request: RequestBuilder) -> Result<Tail> {
        let answer = request.header("accept", "text/event-stream").send().await?;
        ensure!(answer.status().as_u16() == 200, "the tail was answered {}", answer.status());
        let kind = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        ensure!(kind.starts_with("text/event-stream"), "its content type is {kind}");
        Ok(Tail { stream: answer.bytes_stream().boxed(), text: String::new() })
    }

    /// The id and the data of the next event.
    async fn next(&mut self) -> Result<(String, Value)> {
        timeout(Duration::from_secs(10), async {
            loop {
                if let Some((block, rest)) = self.text.split_once("\n\n") {
                    let block = block.to_owned();
                    self.text = rest.to_owned();
                    let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                    if let (Some(id), Some(data)) = (line("id:"), line("data:")) {
                        return Ok((id.to_owned(), serde_json::from_str(data)?));
                    }
                    continue;
                }
                let chunk = self.stream.next().await.context("the tail ended")??;
                self.text.push_str(std::str::from_utf8(&chunk)?);
            }
        })
        .await
        .context("no event within 10 s")?
    }
}

#[tokio::test]
async fn a_live_tail_gives_each_event_as_it_comes_and_resumes_where_it_was_cut() -> Result<()> {
    STAGE
        .play(async |stage| {
            let (caller, source) = device(stage)?;
            expect_json(202, binary(&caller, &source, "before")).await?;
            let tail = || caller.get("/v1/events").query(&[("source", source.as_str())]);
            let mut live = Tail::open(tail()).await?;
            expect_json(202, binary(&caller, &source, "first")).await?;
            let (position, event) = live.next().await?;
            ensure!(event["id"] == "first", "a tail without a position begins with new events, not with {event}");
            drop(live);

            expect_json(202, binary(&caller, &source, "meanwhile")).await?;
            let mut resumed = Tail::open(tail().header("last-event-id", &position)).await?;
            ensure!(resumed.next().await?.1["id"] == "meanwhile", "what came in between is lost");
            expect_json(202, binary(&caller, &source, "live")).await?;
            ensure!(resumed.next().await?.1["id"] == "live", "the resumed tail does not go on");
            let mut after = Tail::open(tail().query(&[("after", position.as_str())])).await?;
            ensure!(after.next().await?.1["id"] == "meanwhile", "`after` does not resume");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_live_tail_ends_when_its_token_does() -> Result<()> {
    STAGE
        .play(async |stage| {
            let token = stage.token("ana").scope("events:read").ttl_seconds(2).mint()?;
            let caller = stage.stranger()?.with_token(&token);
            let mut tail = Tail::open(caller.get("/v1/events")).await?;
            let ended =
                timeout(Duration::from_secs(20), async { while let Some(Ok(_)) = tail.stream.next().await {} }).await;
            ensure!(ended.is_ok(), "the tail outlived its token by 18 s");
            Ok(())
        })
        .await
}
