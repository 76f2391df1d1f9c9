//! What is taken as samples, and what is not.

use super::*;
use crate::testing::TESTER;

async fn sent(stage: &Stage, event: &Value) -> crate::testing::Answer {
    let request = stage.request("POST", "/v1/events").claiming(|claims| {
        claims.tctx.event_types = vec!["dev.watchgate.telemetry.samples".to_owned()];
    });
    request.header("content-type", "application/cloudevents+json").body(event.to_string()).send().await
}

fn good() -> Value {
    let mut event = event(&second("console-1", 1_772_366_400_000, 0, false));
    event["source"] = json!(TESTER);
    event
}

#[tokio::test]
async fn samples_that_are_none_are_refused_with_what_is_wrong_and_kept_as_dead_letters() {
    let stage = Stage::new();
    assert_eq!(sent(&stage, &good()).await.status, 202);
    let changed = |pointer: &str, value: Value| {
        let mut event = good();
        *event.pointer_mut(pointer).unwrap() = value;
        event
    };
    let without_data = {
        let mut event = good();
        event.as_object_mut().unwrap().remove("data");
        event
    };
    for (event, field) in [
        (changed("/data/rows/1", json!([0, [1.0]])), "/data"),
        (changed("/data/rows/1", json!([0, [1.0, "NaN"]])), "/data/rows/1/1/1"),
        (changed("/data/rows/1", json!([-1, [1.0, 1.0]])), "/data/rows/1/0"),
        (changed("/data/metrics", json!(["a", "a"])), "/data"),
        (changed("/data/device", json!("")), "/data"),
        (changed("/data/start", json!("now")), "/data/start"),
        (changed("/subject", json!("console-2")), "subject"),
        (changed("/data/traits", json!({"a": 1})), "/data/traits/a"),
        (without_data, "/data"),
    ] {
        let answer = sent(&stage, &event).await;
        assert_eq!((answer.status.as_u16(), answer.wrong_fields()), (422, vec![field]), "{event}");
        assert!(answer.json["dead_letter"].is_string());
    }
    let mut unknown = good();
    unknown["data"]["unknown"] = json!(1);
    assert_eq!(sent(&stage, &unknown).await.status, 422);
    let dead = stage.get("/v1/dead-letters").send().await;
    assert_eq!(dead.json["dead_letters"].as_array().map(Vec::len), Some(10), "{}", dead.json);
}

#[tokio::test]
async fn samples_from_more_than_an_hour_ahead_are_refused_and_it_is_said_what_to_do() {
    let stage = Stage::new();
    let now = millis(stage.clock.now());
    let at = |start: Millis, offset: u32| {
        let mut event = good();
        event["id"] = json!(format!("{start}-{offset}"));
        event["data"]["start"] = json!(start);
        event["data"]["rows"] = json!([[offset, [1.0, 1.0]]]);
        event
    };
    assert_eq!(sent(&stage, &at(now + 3_600_000, 0)).await.status, 202);
    assert_eq!(sent(&stage, &at(0, 0)).await.status, 202);
    for ahead in [at(now + 3_600_001, 0), at(now, 3_600_001), at(Millis::MAX, u32::MAX)] {
        let answer = sent(&stage, &ahead).await;
        assert_eq!((answer.status.as_u16(), answer.wrong_fields()), (422, vec!["/data/start"]), "{ahead}");
        assert!(answer.json.to_string().contains("set the clock of the device"), "{}", answer.json);
    }
}

#[tokio::test]
async fn a_batch_may_have_no_value_where_there_is_none_and_come_in_base64() {
    use base64::Engine as _;
    let stage = Stage::new();
    let mut gaps = good();
    gaps["data"]["rows"][0][1][0] = Value::Null;
    gaps["id"] = json!("gaps");
    assert_eq!(sent(&stage, &gaps).await.status, 202);
    let mut encoded = good();
    let data = encoded.as_object_mut().unwrap().remove("data").unwrap();
    encoded["data_base64"] = json!(base64::prelude::BASE64_STANDARD.encode(data.to_string()));
    encoded["id"] = json!("encoded");
    assert_eq!(sent(&stage, &encoded).await.status, 202);
    let mut follower = follower(&stage).await;
    look(&mut follower).await;
    let text = metrics(&stage).await;
    assert!(text.contains("watchgate_samples_total{became=\"judged\"} 9"), "{text}");
}

async fn metrics(stage: &Stage) -> String {
    let response = stage.get("/metrics").open().await;
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}
