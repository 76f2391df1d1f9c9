//! What a service says of the secret values that it was given is told to nobody.

use super::books::told;
use super::runbooks::{call, stage};
use super::*;

const SECRET: &str = "correct-horse";

#[tokio::test]
async fn a_secret_is_told_to_the_holder_and_in_nothing_that_it_says() {
    let stage = stage();
    let command = call(&stage, "set-password", json!({"password": SECRET})).await;
    let lease = try_lease(&stage, 0).await.json;
    assert_eq!(lease["command"]["parameters"], json!({"account": "root", "password": SECRET}));
    let fence = &lease["fence"];
    let beat = json!({"fence": fence, "progress": {"line": format!("setting {SECRET}")}});
    on(&stage, &command, "heartbeat", SERVICE, beat).await;
    let mut offset = 0;
    for text in ["it is correct", "-", "horse, not correct-mule; cor", "al; c", "orrect-hors"] {
        let piece = json!({"fence": fence, "offset": offset, "text": text});
        offset += text.len();
        let taken = on(&stage, &command, "output", SERVICE, piece).await;
        assert_eq!((taken.status, &taken.json["output_bytes"]), (StatusCode::OK, &json!(offset)));
    }
    let message = format!("{SECRET} is set");
    let report = json!({"fence": fence, "outcome": "succeeded", "result": {"now": [SECRET]}, "message": message});
    let done = on(&stage, &command, "result", SERVICE, report.clone()).await.json;
    assert_eq!(done["progress"]["line"], "setting ***");
    assert_eq!(done["result"], json!({"outcome": "succeeded", "result": {"now": ["***"]}, "message": "*** is set"}));
    assert_eq!(on(&stage, &command, "result", SERVICE, report).await.json, done);

    let pieces = told(&stage, &command, "output").await;
    let text = |piece: &Value| (piece["offset"].as_u64().unwrap(), piece["text"].as_str().unwrap().to_owned());
    let pieces: Vec<_> = pieces.iter().map(text).collect();
    // The last piece is nearly the whole secret, and nothing came after it.
    let expected = [(0, "it is "), (6, "***, not correct-mule; "), (39, "coral; "), (46, "***")];
    assert_eq!(pieces, expected.map(|(offset, text)| (offset, text.to_owned())));
    let events = stage.get("/v1/events?type=dev.watchgate.command.*").send().await.json.to_string();
    assert!(!events.contains(SECRET));
}

#[tokio::test]
async fn a_late_result_tells_no_secret_either() {
    let stage = stage();
    let command = call(&stage, "set-password", json!({"password": SECRET})).await;
    let fence = try_lease(&stage, 0).await.json["fence"].clone();
    on(&stage, &command, "cancel", "ana", json!({})).await;
    let report = json!({"fence": fence, "outcome": "failed", "message": format!("no {SECRET}")});
    assert_eq!(on(&stage, &command, "result", SERVICE, report).await.status, StatusCode::CONFLICT);
    assert_eq!(told(&stage, &command, "late_result").await[0]["message"], "no ***");
}

/// What is kept of a command that has ended, as text.
async fn kept(stage: &Stage, command: &Value) -> String {
    let id = command["id"].as_str().unwrap().to_owned();
    let entry = stage.state.backbone.get("commands.ended", id).await.unwrap().unwrap();
    String::from_utf8(entry.value).unwrap()
}

#[tokio::test]
async fn with_a_good_end_secrets_are_forgotten_and_with_another_they_wait_for_a_replay() {
    let stage = stage();
    for (outcome, is_kept) in [("succeeded", false), ("failed", true)] {
        let command = call(&stage, "set-password", json!({"password": SECRET})).await;
        let fence = try_lease(&stage, 0).await.json["fence"].clone();
        on(&stage, &command, "output", SERVICE, json!({"fence": fence, "offset": 0, "text": "correct-ho"})).await;
        let report =
            json!({"fence": fence, "outcome": outcome, "result": {"now": SECRET}, "message": format!("is {SECRET}")});
        let done = on(&stage, &command, "result", SERVICE, report.clone()).await.json;
        assert_eq!((&done["state"], &done["result"]["message"]), (&json!(outcome), &json!("is ***")));
        let kept = kept(&stage, &command).await;
        assert_eq!((kept.contains(SECRET), kept.contains("\"key\"")), (is_kept, is_kept), "{kept}");
        assert!(kept.contains("\"password\""));

        // The same report is the same still, and another one is kept as late without what it may hold.
        assert_eq!(on(&stage, &command, "result", SERVICE, report.clone()).await.json, done);
        let other =
            json!({"fence": fence, "outcome": "canceled", "result": [SECRET], "message": format!("no {SECRET}")});
        assert_eq!(on(&stage, &command, "result", SERVICE, other).await.status, StatusCode::CONFLICT);
        let late = told(&stage, &command, "late_result").await;
        assert_eq!(late[0]["message"], if is_kept { "no ***" } else { "***" });
    }
    let events = stage.get("/v1/events?type=dev.watchgate.command.*").send().await.json.to_string();
    assert!(!events.contains(SECRET));
}

#[tokio::test]
async fn what_was_decided_against_keeps_no_secret() {
    let asks = super::runbooks::SET_PASSWORD.replace("approval: {needed: false,", "approval: {needed: true,");
    let stage = Stage::new().with_runbooks(super::runbooks::catalogue(&[&asks]));
    let command = call(&stage, "set-password", json!({"password": SECRET})).await;
    assert_eq!(decide(&stage, &command, "ben", "reject").await.json["state"], "rejected");
    let kept = kept(&stage, &command).await;
    assert!(!kept.contains(SECRET) && !kept.contains("\"key\""), "{kept}");
}
