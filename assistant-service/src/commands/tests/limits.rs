//! What keeps one command, one requester or a long history from harming the others.

use super::*;
use crate::backbone::{Batch, Entry, Put};
use crate::commands::book::{MAX_OPEN, MAX_OPEN_OF_ONE};

const OPEN: &str = "commands.open";
const ENDED: &str = "commands.ended";

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(7), |inner, _| json!([inner]))
}

async fn entry(stage: &Stage, bucket: &'static str, command: &Value) -> Entry {
    stage.state.backbone.get(bucket, command["id"].as_str().unwrap().to_owned()).await.unwrap().unwrap()
}

/// Puts what somebody else has written, of which nobody is told.
async fn put(stage: &Stage, bucket: &'static str, keys: impl Iterator<Item = String>, value: &[u8]) {
    let put = |key| Put { bucket, key, value: Some(value.to_vec()), expected_revision: None, expires_at: None };
    stage.state.backbone.commit(Batch { events: Vec::new(), puts: keys.map(put).collect() }).await.unwrap();
}

fn copies(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("copy-{number:04}"))
}

#[tokio::test]
async fn what_nests_deeper_than_can_be_read_back_is_refused() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "show-status").await;
    let report = |levels| json!({"fence": fence, "outcome": "succeeded", "result": nested(levels)});
    for levels in [33, 120] {
        let answer = on(&stage, &command, "result", SERVICE, report(levels)).await;
        assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["result"]), "{levels}");
        let body = json!({"runbook": "show-status", "parameters": {"x": nested(levels - 1)}});
        let answer = stage.post("/v1/commands", &body).send().await;
        assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["parameters"]), "{levels}");
    }
    let done = on(&stage, &command, "result", SERVICE, report(32)).await;
    assert_eq!((done.status, &done.json["result"]["result"]), (StatusCode::OK, &nested(32)));
    assert_eq!(state_of(&stage, &command).await, "succeeded");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_hides_no_other() {
    let stage = Stage::new();
    let (done, fence) = running(&stage, "show-status").await;
    on(&stage, &done, "result", SERVICE, json!({"fence": fence, "outcome": "succeeded"})).await;
    let open = ask(&stage, "show-status").await;
    for bucket in [OPEN, ENDED] {
        put(&stage, bucket, copies(1), b"{\"command\":").await;
    }
    let page = stage.get("/v1/commands").send().await.json;
    let ids: Vec<_> = page["commands"].as_array().unwrap().iter().map(|command| &command["id"]).collect();
    assert_eq!(ids, [&open["id"], &done["id"]]);
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(try_lease(&stage, 0).await.json["command"]["id"], open["id"]);
}

#[tokio::test]
async fn an_approval_that_comes_too_late_does_not_count_even_before_the_first_sweep() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    let stage = stage.restarted();
    stage.clock.advance(Duration::from_secs(3600));
    let late = decide(&stage, &command, "ben", "approve").await;
    assert_eq!((late.status, problem(&late)), (StatusCode::CONFLICT, "wrong-state"));
    assert_eq!(trail(&stage, &command).await, ["requested", "pending", "expired"]);
    assert_eq!(expiry(&stage, &command).await, "nobody_decided");
}

#[tokio::test]
async fn a_command_that_its_service_does_not_begin_within_an_hour_expires() {
    let stage = Stage::new();
    let (command, _) = leased(&stage, "restart-worker").await;
    stage.clock.advance(Duration::from_secs(3599));
    // The lease that is lost on the way gives it no further hour.
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "scheduled");
    stage.clock.advance(Duration::from_secs(1));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "expired");
    assert_eq!(expiry(&stage, &command).await, "nobody_began");
}

#[tokio::test]
async fn a_service_that_comes_back_too_late_does_not_get_the_command_even_before_the_first_sweep() {
    let stage = Stage::new();
    let late = ask(&stage, "show-status").await;
    stage.clock.advance(Duration::from_secs(3600));
    let fresh = ask(&stage, "show-status").await;
    assert_eq!(try_lease(&stage, 0).await.json["command"]["id"], fresh["id"]);
    assert_eq!(state_of(&stage, &late).await, "expired");
}

#[tokio::test]
async fn more_open_commands_than_can_be_looked_after_are_not_taken() {
    let stage = Stage::new();
    let command = ask(&stage, "show-status").await;
    put(&stage, OPEN, copies(MAX_OPEN - 1), &entry(&stage, OPEN, &command).await.value).await;
    let answer = stage.post("/v1/commands", &json!({"runbook": "show-status"})).send().await;
    assert_eq!((answer.status, problem(&answer)), (StatusCode::TOO_MANY_REQUESTS, "too-many-open-commands"));
}

#[tokio::test]
async fn one_requester_does_not_keep_the_others_from_asking() {
    let stage = Stage::new();
    let command = ask(&stage, "show-status").await;
    put(&stage, OPEN, copies(MAX_OPEN_OF_ONE - 1), &entry(&stage, OPEN, &command).await.value).await;
    let body = json!({"runbook": "show-status"});
    let refused = stage.post("/v1/commands", &body).by("ana").send().await;
    assert_eq!((refused.status, problem(&refused)), (StatusCode::TOO_MANY_REQUESTS, "too-many-own-commands"));
    assert_eq!(stage.post("/v1/commands", &body).by("ben").send().await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_list_looks_through_a_bounded_part_of_the_history_and_says_where_to_go_on() {
    let stage = Stage::new();
    let (done, fence) = running(&stage, "show-status").await;
    on(&stage, &done, "result", SERVICE, json!({"fence": fence, "outcome": "failed"})).await;
    let pending = ask(&stage, "restart-worker").await;
    let mut other: Value = serde_json::from_slice(&entry(&stage, ENDED, &done).await.value).unwrap();
    other["command"]["target"]["service"] = json!("other");
    put(&stage, ENDED, copies(2500), other.to_string().as_bytes()).await;

    let first = stage.get("/v1/commands?service=sample-service").send().await.json;
    assert_eq!(first, json!({"commands": [], "next_before": "copy-0500"}));
    let rest = stage.get("/v1/commands?service=sample-service&before=copy-0500").send().await.json;
    let ids: Vec<_> = rest["commands"].as_array().unwrap().iter().map(|command| &command["id"]).collect();
    assert_eq!((ids, &rest["next_before"]), (vec![&pending["id"], &done["id"]], &Value::Null));

    // Where only open ones are asked for the history is not looked at.
    let open = stage.get("/v1/commands?state=pending").send().await.json;
    assert_eq!((&open["commands"][0]["id"], &open["next_before"]), (&pending["id"], &Value::Null));
}

#[tokio::test]
async fn nobody_gets_a_command_at_the_end_of_the_own_token() {
    let stage = Stage::new();
    let command = ask(&stage, "show-status").await;
    let Entry { key, value, revision } = entry(&stage, OPEN, &command).await;
    let removal =
        Put { bucket: OPEN, key: key.clone(), value: None, expected_revision: Some(revision), expires_at: None };
    stage.state.backbone.commit(Batch { events: Vec::new(), puts: vec![removal] }).await.unwrap();

    let request = stage.post(LEASE, &json!({"wait_seconds": 30})).by(SERVICE);
    let waiting = request.claiming(|claims| claims.rctx.exp = Some(claims.iat + 1)).send();
    let unannounced = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        put(&stage, OPEN, std::iter::once(key), &value).await;
    };
    let (answer, ()) = tokio::join!(waiting, unannounced);
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(state_of(&stage, &command).await, "scheduled");
}

#[tokio::test]
async fn an_ended_command_can_be_looked_at_for_ninety_days_and_an_open_one_as_long_as_it_is() {
    let stage = Stage::new();
    let done = on(&stage, &ask(&stage, "show-status").await, "cancel", "ana", json!({})).await.json;
    let day = Duration::from_secs(24 * 60 * 60);
    let target = format!("/v1/commands/{}", done["id"].as_str().unwrap());
    stage.clock.advance(90 * day - Duration::from_secs(1));
    assert_eq!(stage.get(&target).send().await.json, done);
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(stage.get(&target).send().await.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.get("/v1/commands").send().await.json["commands"], json!([]));
}

#[tokio::test]
async fn a_page_ends_with_four_mebibytes_and_the_next_one_goes_on() {
    let stage = Stage::new();
    let page_bytes = 4 * 1024 * 1024;
    for bucket in [OPEN, ENDED] {
        let command = ask(&stage, "show-status").await;
        let kept = entry(&stage, OPEN, &command).await;
        let mut record: Value = serde_json::from_slice(&kept.value).unwrap();
        record["command"]["reason"] = json!("x".repeat(100_000));
        for number in 0..30 {
            let key = format!("{bucket}-{number:02}");
            record["command"]["id"] = json!(key);
            put(&stage, bucket, [key].into_iter(), record.to_string().as_bytes()).await;
        }
    }
    let (mut seen, mut before, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = stage.get(&format!("/v1/commands?limit=1000{before}")).send().await.json;
        assert!(page.to_string().len() < page_bytes + 110_000);
        let ids = page["commands"].as_array().unwrap().iter().map(|command| command["id"].as_str().unwrap().to_owned());
        seen.extend(ids);
        pages += 1;
        let Some(next) = page["next_before"].as_str() else { break };
        before = format!("&before={next}");
    }
    assert_eq!((seen.len(), pages), (62, 2));
    assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
}
