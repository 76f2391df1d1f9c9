//! What is found, page by page, as a stream, and as lines.

use axum::body::to_bytes;

use super::*;
use crate::backbone::{Batch, NewEvent};

/// Far more than one look of [`Stage::short_of_time`] comes through.
const MANY: usize = 100_000;

/// Events without a request for each.
async fn fill(stage: &Stage, count: usize, event_type: &str) {
    let numbers: Vec<usize> = (0..count).collect();
    for some in numbers.chunks(5_000) {
        let made = |number: &usize| {
            let json = json!({"specversion": "1.0", "id": format!("{event_type}-{number}"), "source": "urn:fill",
                "type": event_type});
            NewEvent::from_json(json.to_string()).unwrap()
        };
        let batch = Batch { events: some.iter().map(made).collect(), puts: Vec::new() };
        stage.state.backbone.commit(batch).await.unwrap();
    }
}

fn ids(page: &Value) -> Vec<&str> {
    page["events"].as_array().unwrap().iter().map(|event| event["event"]["id"].as_str().unwrap()).collect()
}

/// The lines of an export, and its last one.
async fn export(stage: &Stage, target: &str) -> (Vec<Value>, Value) {
    let response = stage.get(target).header("accept", "application/x-ndjson").open().await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.pop().unwrap();
    (lines, last)
}

#[tokio::test]
async fn events_are_found_by_principal_by_text_and_by_when_they_came() {
    let stage = Stage::new();
    let post = |id: &str, who: &str| {
        let mut sent = event(id);
        sent["source"] = json!(format!("https://issuer.watchgate.test#{who}"));
        sent["data"] = json!({"says": format!("grüße {id}")});
        // Its own time is not what since and until mean.
        sent["time"] = json!("2020-01-01T00:00:00Z");
        let request = stage.request("POST", "/v1/events").by(who).header("content-type", STRUCTURED);
        request.body(sent.to_string())
    };
    assert_eq!(post("a", "tester-7").send().await.status, StatusCode::ACCEPTED);
    stage.clock.advance(Duration::from_secs(60));
    assert_eq!(post("b", "tester-8").send().await.status, StatusCode::ACCEPTED);
    stage.clock.advance(Duration::from_secs(60));
    assert_eq!(post("c", "tester-7").send().await.status, StatusCode::ACCEPTED);
    for (parameters, expected) in [
        ("principal=https://issuer.watchgate.test%23tester-7", vec!["a", "c"]),
        ("principal=https://issuer.watchgate.test%23tester-7&since=2026-03-01T12:00:01Z", vec!["c"]),
        ("principal=tester-7", vec![]),
        ("text=gr%C3%BC%C3%9Fe%20b", vec!["b"]),
        ("text=gr", vec!["a", "b", "c"]),
        ("text=GR", vec![]),
        ("since=2026-03-01T12:01:00Z", vec!["b", "c"]),
        ("since=2026-03-01T13:01:00%2B01:00&until=2026-03-01T12:02:00Z", vec!["b"]),
        ("until=2026-03-01T12:02:00Z&order=desc", vec!["b", "a"]),
        ("until=2026-03-01T12:00:00Z", vec![]),
        ("since=2026-03-02T00:00:00Z", vec![]),
    ] {
        let page = stage.get(&format!("/v1/events?{parameters}")).send().await.json;
        assert_eq!(ids(&page), expected, "{parameters}");
        assert_eq!(page["next_after"], Value::Null, "{parameters}");
    }
    let wrong = stage.get("/v1/events?since=yesterday&until=1&text=").send().await;
    assert_eq!(wrong.wrong_fields(), ["text", "since", "until"]);
}

#[tokio::test]
async fn whoever_goes_on_until_there_is_no_next_page_finds_everything_although_looks_end_early() {
    let stage = Stage::short_of_time();
    fill(&stage, 1_000, "com.example.dull").await;
    fill(&stage, 1, "com.example.rare").await;
    for order in ["asc", "desc"] {
        let (mut found, mut pages, mut after) = (Vec::new(), 0, String::new());
        loop {
            let page = stage.get(&format!("/v1/events?text=rare&order={order}{after}")).send().await.json;
            found.extend(ids(&page).into_iter().map(str::to_owned));
            pages += 1;
            let Some(next) = page["next_after"].as_u64() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(found, ["com.example.rare-0"]);
        assert!(pages > 3, "{pages}");
    }
}

#[tokio::test]
async fn a_tail_from_the_beginning_finds_the_one_event_that_matches_behind_100_000_that_do_not() {
    let stage = Stage::short_of_time();
    fill(&stage, MANY, "com.example.dull").await;
    fill(&stage, 1, "com.example.rare").await;
    let tail = stage.get("/v1/events?after=0&text=example.rare").header("accept", "text/event-stream").open().await;
    let mut pieces = tail.into_body().into_data_stream();
    let (mut ids, mut events) = (Vec::new(), Vec::new());
    while events.is_empty() {
        let piece = tokio::time::timeout(Duration::from_secs(10), pieces.next()).await.unwrap().unwrap().unwrap();
        let text = String::from_utf8(piece.to_vec()).unwrap();
        ids.extend(text.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse::<usize>().unwrap()));
        events.extend(text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned));
    }
    assert_eq!(ids.last(), Some(&(MANY + 1)));
    // While it looked it said how far it had come: a reader that is cut off need not begin again.
    assert!(ids.len() > 100 && ids.is_sorted(), "{}", ids.len());
    assert!(events[0].contains("com.example.rare-0"));
    fill(&stage, 2, "com.example.rare").await;
    let piece = tokio::time::timeout(Duration::from_secs(10), pieces.next()).await.unwrap().unwrap().unwrap();
    assert!(String::from_utf8_lossy(&piece).contains("com.example.rare-1"));
}

#[tokio::test]
async fn a_tail_replays_from_a_time_and_goes_on_when_the_clock_is_set_back() {
    let stage = Stage::new();
    for id in ["a", "b"] {
        publish_structured(&stage, &event(id)).await;
        stage.clock.advance(Duration::from_secs(60));
    }
    let tail = |target: &str| stage.get(target).header("accept", "text/event-stream");
    let replayed = tail("/v1/events?since=2026-03-01T12:01:00Z").open().await;
    let resumed = tail("/v1/events?since=2026-03-01T12:01:00Z").header("last-event-id", "2").open().await;
    let mut pieces = replayed.into_body().into_data_stream();
    let first = tokio::time::timeout(Duration::from_secs(10), pieces.next()).await.unwrap().unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).starts_with("id: 2"), "{first:?}");
    stage.clock.step(-time::Duration::HOUR);
    publish_structured(&stage, &event("c")).await;
    let next = tokio::time::timeout(Duration::from_secs(10), pieces.next()).await.unwrap().unwrap().unwrap();
    assert!(String::from_utf8_lossy(&next).starts_with("id: 3"), "{next:?}");
    assert_eq!(read_ids(resumed.into_body(), 1).await, ["3"]);
    assert_eq!(tail("/v1/events?until=2026-03-01T12:00:00Z").send().await.wrong_fields(), ["until"]);
}

#[tokio::test]
async fn an_export_has_all_that_matches_in_order_and_says_at_its_end_that_it_is_whole() {
    let stage = Stage::short_of_time();
    fill(&stage, 3_000, "com.example.dull").await;
    fill(&stage, 700, "com.example.rare").await;
    let (lines, last) = export(&stage, "/v1/events?type=com.example.*&text=rare&limit=1").await;
    let numbered = |number: usize| format!("com.example.rare-{number}");
    let expected: Vec<_> = (0..700).map(numbered).collect();
    assert_eq!(lines.iter().map(|line| line["id"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    assert_eq!(last, json!({"watchgate": "end", "next_after": null, "count": 700}));
    let (lines, last) = export(&stage, "/v1/events?order=desc").await;
    assert_eq!((lines.len(), &lines[0]["id"]), (3_700, &json!(numbered(699))));
    assert_eq!(last["count"], 3_700);
    let (lines, last) = export(&stage, "/v1/events?type=none").await;
    assert_eq!((lines.len(), last), (0, json!({"watchgate": "end", "next_after": null, "count": 0})));
}

#[tokio::test(start_paused = true)]
async fn an_export_that_outlives_its_token_says_where_to_go_on() {
    let stage = Stage::new();
    fill(&stage, 3_000, "com.example.dull").await;
    let response = stage.get("/v1/events").header("accept", "application/x-ndjson").open().await;
    // Nobody reads: it waits with a few pages under way, and still does when the token ends.
    tokio::time::sleep(Duration::from_secs(600)).await;
    let text = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let lines: Vec<Value> =
        text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let last = lines.last().unwrap();
    assert_eq!(last["watchgate"], "end");
    let next = last["next_after"].as_u64().unwrap();
    assert_eq!((next, last["count"].as_u64()), (u64::try_from(lines.len()).unwrap() - 1, Some(next)));
    let (rest, last) = export(&stage, &format!("/v1/events?after={next}")).await;
    assert_eq!((lines.len() - 1 + rest.len(), &last["next_after"]), (3_000, &Value::Null));
}

#[tokio::test]
async fn an_export_takes_a_seat_and_gives_it_back() {
    let stage = Stage::new();
    fill(&stage, 5_000, "com.example.dull").await;
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(stage.get("/v1/events").header("accept", "application/x-ndjson").open().await);
    }
    let refused = stage.get("/v1/events").header("accept", "application/x-ndjson").send().await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    for response in held {
        to_bytes(response.into_body(), usize::MAX).await.unwrap();
    }
    let (lines, _) = export(&stage, "/v1/events?after=4999").await;
    assert_eq!(lines.len(), 1);
}
