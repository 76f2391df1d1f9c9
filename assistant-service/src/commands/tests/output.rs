//! Output of a service: told piece by piece, each once, and no more of it than is kept.

use super::books::*;
use super::*;

async fn write(stage: &Stage, command: &Value, fence: &Value, offset: usize, text: &str) -> Answer {
    on(stage, command, "output", SERVICE, json!({"fence": fence, "offset": offset, "text": text})).await
}

fn bytes(answer: &Answer) -> u64 {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json["output_bytes"].as_u64().unwrap()
}

#[tokio::test]
async fn pieces_are_told_once_however_they_are_sent() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "show-status").await;
    for (offset, text, known) in
        [(0, "über ", 6), (0, "über ", 6), (3, "er al", 8), (6, "al", 8), (8, "les", 11), (2, "", 11), (11, "", 11)]
    {
        assert_eq!(bytes(&write(&stage, &command, &fence, offset, text).await), known, "{offset} {text}");
    }
    let pieces = [(0, "über "), (6, "al"), (8, "les")].map(|(offset, text)| json!({"offset": offset, "text": text}));
    assert_eq!(told(&stage, &command, "output").await, pieces);
    assert_eq!(super::books::command(&stage, &command).await["output_bytes"], 11);
}

#[tokio::test]
async fn a_gap_is_refused_with_what_is_expected() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "show-status").await;
    write(&stage, &command, &fence, 0, "abü").await;
    let gap = write(&stage, &command, &fence, 5, "x").await;
    assert_eq!((gap.status, problem(&gap), gap.wrong_fields()), (StatusCode::CONFLICT, "output-gap", vec!["offset"]));
    assert_eq!(gap.json["errors"][0]["detail"], "4 is expected");
    // What would be new of this begins in the middle of its only character.
    let cut = write(&stage, &command, &fence, 3, "ü").await;
    assert_eq!((cut.status, cut.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["offset"]));
    let long = write(&stage, &command, &fence, 4, &"x".repeat(16 * 1024 + 1)).await;
    assert_eq!((long.status, long.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["text"]));
    assert_eq!(bytes(&write(&stage, &command, &fence, 4, &"x".repeat(16 * 1024)).await), 16 * 1024 + 4);
}

#[tokio::test]
async fn of_more_than_is_kept_the_rest_is_dropped_and_the_command_says_so() {
    let stage = stage([runbook("tidy", tried_again(1, 0.0))]);
    let (command, fence) = running(&stage, "tidy").await;
    let piece = format!("{}ü", "x".repeat(16_000));
    let mut sent = 0;
    while sent + piece.len() <= 1024 * 1024 {
        sent += piece.len();
        assert_eq!(bytes(&write(&stage, &command, &fence, sent - piece.len(), &piece).await), sent as u64);
    }
    let room = 1024 * 1024 - sent;
    // The last character would have one byte within the bound.
    let last = format!("{}ü and more", "y".repeat(room - 1));
    let known = (sent + room - 1) as u64;
    for offset in [sent, sent + last.len(), sent + 9 * last.len()] {
        assert_eq!(bytes(&write(&stage, &command, &fence, offset, &last).await), known, "{offset}");
    }
    let kept = super::books::command(&stage, &command).await;
    assert_eq!((&kept["output_truncated"], &kept["output_bytes"]), (&json!(true), &json!(known)));
    let page = told(&stage, &command, "output").await;
    assert_eq!(page.last().unwrap()["text"].as_str().unwrap().len(), room - 1);
    // The bound is one of the command, not of each attempt.
    on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "failed"})).await;
    let lease = try_lease(&stage, 0).await.json;
    assert_eq!(bytes(&write(&stage, &command, &lease["fence"], 0, "once more").await), 0);
}

#[tokio::test]
async fn a_piece_begins_a_command_and_is_a_sign_of_life() {
    let stage = Stage::new();
    let (command, fence) = leased(&stage, "show-status").await;
    assert_eq!(bytes(&write(&stage, &command, &fence, 0, "here").await), 4);
    assert_eq!(state_of(&stage, &command).await, "running");
    for offset in [4, 4] {
        stage.clock.advance(Duration::from_secs(9));
        write(&stage, &command, &fence, offset, "!").await;
        stage.state.commands.sweep().await.unwrap();
    }
    stage.clock.advance(Duration::from_secs(1));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "running");
    assert_eq!(trail(&stage, &command).await, ["requested", "scheduled", "leased", "running", "output", "output"]);
}

#[tokio::test]
async fn only_the_holder_writes_and_only_while_it_holds_the_command() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "show-status").await;
    let body = json!({"fence": fence, "offset": 0, "text": "x"});
    assert_eq!(on(&stage, &command, "output", "other", body.clone()).await.status, StatusCode::FORBIDDEN);
    let stale = write(&stage, &command, &json!(7), 0, "x").await;
    assert_eq!((stale.status, problem(&stale)), (StatusCode::CONFLICT, "stale-fence"));
    on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "succeeded"})).await;
    let late = write(&stage, &command, &fence, 0, "x").await;
    assert_eq!((late.status, problem(&late)), (StatusCode::CONFLICT, "wrong-state"));
    assert_eq!(told(&stage, &command, "output").await, [json!(null); 0]);
}

#[tokio::test]
async fn the_output_of_the_next_attempt_begins_anew() {
    let stage = stage([runbook("tidy", tried_again(1, 0.0))]);
    let (command, fence) = running(&stage, "tidy").await;
    write(&stage, &command, &fence, 0, "first try").await;
    on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "failed"})).await;
    let lease = try_lease(&stage, 0).await.json;
    assert_eq!(bytes(&write(&stage, &command, &lease["fence"], 0, "second").await), 6);
    let texts: Vec<_> = told(&stage, &command, "output").await.into_iter().map(|piece| piece["text"].clone()).collect();
    assert_eq!(texts, ["first try", "second"]);
}

#[tokio::test]
async fn of_more_pieces_than_are_told_the_rest_is_dropped_and_the_command_says_so() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "show-status").await;
    change_record(&stage, &command, |record| record["output_pieces"] = json!(4095)).await;
    for (offset, known) in [(0, 1), (1, 1), (2, 1)] {
        assert_eq!(bytes(&write(&stage, &command, &fence, offset, "x").await), known, "{offset}");
    }
    assert_eq!(told(&stage, &command, "output").await, [json!({"offset": 0, "text": "x"})]);
    assert_eq!(super::books::command(&stage, &command).await["output_truncated"], true);
}
