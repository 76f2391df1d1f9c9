//! What ends an answer that is being made. Whatever does, the assistant's work is dropped, and with it what it waits for.

use super::*;

use crate::clock::Clock;
use crate::testing::ISSUER;

pub(super) async fn until_at_work(assistant: &Scripted, count: usize) {
    let mut at_work = assistant.at_work.subscribe();
    tokio::time::timeout(Duration::from_secs(10), at_work.wait_for(|now| *now == count)).await.unwrap().unwrap();
}

/// The events of a stream and how many seconds they took, of the time of the test.
async fn timed(stage: &Stage) -> (Vec<String>, Value, u64) {
    let started = tokio::time::Instant::now();
    let events = sent_events(streamed(stage).open().await).await;
    let names = names(&events).into_iter().map(str::to_owned).collect();
    (names, data(&events[events.len() - 2]), started.elapsed().as_secs())
}

#[tokio::test]
async fn a_client_who_goes_away_ends_the_work_on_its_answer() {
    for is_streamed in [true, false] {
        let assistant = scripted(&[words("Restart")], End::Never);
        let stage = Stage::new().with_assistant(assistant.clone());
        if is_streamed {
            let mut pieces = streamed(&stage).open().await.into_body().into_data_stream();
            assert!(pieces.next().await.unwrap().unwrap().starts_with(b"event: words"));
            until_at_work(&assistant, 1).await;
            drop(pieces);
        } else {
            let answering = question(&stage).open();
            tokio::select! {
                _ = answering => panic!("there was an answer"),
                () = until_at_work(&assistant, 1) => {}
            }
        }
        until_at_work(&assistant, 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_two_minutes() {
    let assistant = scripted(&[words("Restart")], End::Never);
    let stage = Stage::new().with_assistant(assistant.clone());
    let (names, problem, seconds) = timed(&stage).await;
    assert_eq!((names.join(" ").as_str(), seconds), ("words problem end", 120));
    assert_eq!(problem["type"], "urn:watchgate:problem:took-too-long");
    let started = tokio::time::Instant::now();
    assert_eq!(question(&stage).send().await.status, 503);
    assert_eq!(started.elapsed().as_secs(), 120);
    until_at_work(&assistant, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_model_may_take_longer_than_other_answers() {
    let steps = [words("a"), words("b")];
    let assistant = Scripted { pause: Duration::from_secs(45), ..scripted(&steps, End::AnswerInRealTime) };
    let stage = Stage::new().with_assistant(assistant);
    assert_eq!(question(&stage).send().await.status, 200);
    tokio::time::pause();
    let response = streamed(&stage).open().await;
    let mut pieces = response.into_body().into_data_stream();
    let mut comments = 0;
    while let Some(piece) = pieces.next().await {
        comments += usize::from(piece.unwrap().starts_with(b":"));
    }
    assert!(comments >= 4, "{comments} signs of life in 90 seconds");
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_with_its_callers_token() {
    let stage = Stage::new().with_assistant(scripted(&[words("Restart")], End::Never));
    let now = u64::try_from(stage.clock.now().unix_timestamp()).unwrap();
    let started = tokio::time::Instant::now();
    let request = streamed(&stage).claiming(|claims| claims.rctx.exp = Some(now + 7));
    let events = sent_events(request.open().await).await;
    assert_eq!((names(&events), started.elapsed().as_secs()), (vec!["words", "problem", "end"], 7));
    assert_eq!(data(&events[1])["status"], 401);
}

#[tokio::test]
async fn an_answer_ends_when_its_callers_token_is_revoked() {
    let assistant = scripted(&[words("Restart")], End::Never);
    let stage = Stage::new().with_assistant(assistant.clone());
    let response = streamed(&stage).open().await;
    let form = format!("iss={ISSUER}&sub=tester-7");
    let kind = "application/x-www-form-urlencoded";
    let revoked = stage.request("POST", "/v1/revocations").by("operator").header("content-type", kind).body(form);
    assert_eq!(revoked.send().await.status, 200);
    let events = sent_events(response).await;
    assert_eq!(names(&events), ["words", "problem", "end"]);
    assert_eq!((&data(&events[1])["status"], &data(&events[2])["complete"]), (&json!(401), &json!(false)));
    until_at_work(&assistant, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_ends_lets_short_answers_come_and_says_of_others_that_they_do_not() {
    let brief = Scripted { pause: Duration::from_secs(3), ..scripted(&[words("Restart")], End::AnswerInRealTime) };
    let stage = Stage::new().with_assistant(brief);
    let response = streamed(&stage).open().await;
    stage.state.ending.send_replace(true);
    assert_eq!(names(&sent_events(response).await), ["words", "answer", "end"]);

    tokio::time::pause();
    let stage = Stage::new().with_assistant(scripted(&[words("Restart")], End::Never));
    stage.state.ending.send_replace(true);
    let (names, problem, seconds) = timed(&stage).await;
    assert_eq!((names.join(" ").as_str(), seconds), ("words problem end", 4));
    assert_eq!(problem["type"], "urn:watchgate:problem:ending");
}

#[tokio::test]
async fn one_caller_asks_so_much_at_once_and_a_seat_comes_back_with_its_answers_end() {
    let assistant = scripted(&[words("Restart")], End::Never);
    let stage = Stage::new().with_assistant(assistant.clone());
    let mut held: Vec<axum::response::Response<Body>> = Vec::new();
    for _ in 0..128 {
        held.push(streamed(&stage).open().await);
    }
    let refused = question(&stage).send().await;
    assert_eq!((refused.status.as_u16(), &refused.headers["retry-after"]), (429, &"1".parse().unwrap()));
    assert_eq!(streamed(&stage).by("tester-8").open().await.status(), 200);
    held.pop();
    until_at_work(&assistant, 127).await;
    assert_eq!(streamed(&stage).open().await.status(), 200);
}
