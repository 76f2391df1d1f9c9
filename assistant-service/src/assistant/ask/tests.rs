//! The assistant is a double that does what its script says; all around it is the real service.

mod ends;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::assistant::{Answer, Asked, Assistant, CannotAnswer, Progress, Step, Turn};
use crate::knowledge::Scopes;
use crate::testing::{COMPANY, Stage, StagedRequest, sent_events};

/// Tells its steps and comes to its end.
#[derive(Clone)]
struct Scripted {
    steps: Vec<Step>,
    pause: Duration,
    end: End,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// How many of its answers are being made.
    at_work: watch::Sender<usize>,
}

#[derive(Clone, Copy)]
enum End {
    Answer,
    /// In real time, where the steps took the test's: what is kept is written by a thread that knows no other.
    AnswerInRealTime,
    OverBudget,
    Panic,
    Never,
}

struct AtWork(watch::Sender<usize>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

fn scripted(steps: &[Step], end: End) -> Scripted {
    let (steps, asked, at_work) = (steps.to_vec(), Arc::default(), watch::Sender::new(0));
    Scripted { steps, pause: Duration::ZERO, end, asked, at_work }
}

fn answer() -> Answer {
    COMPANY.0.quote("How do I restart the mailer?", &Scopes::default())
}

impl Assistant for Scripted {
    fn answer(&self, asked: Asked, progress: Progress) -> BoxFuture<'_, Result<Answer, CannotAnswer>> {
        self.asked.lock().unwrap().push(asked);
        self.at_work.send_modify(|count| *count += 1);
        let at_work = AtWork(self.at_work.clone());
        async move {
            let _at_work = at_work;
            for step in self.steps.clone() {
                progress.tell(step).await;
                tokio::time::sleep(self.pause).await;
            }
            match self.end {
                End::Answer => Ok(answer()),
                End::AnswerInRealTime => {
                    tokio::time::resume();
                    Ok(answer())
                }
                End::OverBudget => Err(CannotAnswer::OverBudget { retry_after: Duration::from_secs(59) }),
                End::Panic => panic!("a secret"),
                End::Never => std::future::pending().await,
            }
        }
        .boxed()
    }
}

fn words(text: &str) -> Step {
    Step::Words(text.to_owned())
}

fn question(stage: &Stage) -> StagedRequest<'_> {
    stage.post("/v1/ask", &json!({"question": "How do I restart the mailer?"}))
}

fn streamed(stage: &Stage) -> StagedRequest<'_> {
    question(stage).header("accept", "text/event-stream")
}

fn names(events: &[(String, String)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

fn data(event: &(String, String)) -> Value {
    serde_json::from_str(&event.1).unwrap()
}

#[tokio::test]
async fn what_goes_on_is_told_then_the_answer_then_the_end() {
    let searched = Step::Searched { query: "mailer".to_owned(), sections: 3 };
    let tool = Step::Used { tool: "query_events".to_owned() };
    let steps = [searched, tool, words("Res\ntart"), Step::Anew, words(" it")];
    let stage = Stage::new().with_assistant(scripted(&steps, End::Answer));
    let response = streamed(&stage).open().await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let events = sent_events(response).await;
    assert_eq!(names(&events), ["searched", "tool", "words", "anew", "words", "answer", "end"]);
    assert_eq!(data(&events[0]), json!({"query": "mailer", "sections": 3}));
    assert_eq!(data(&events[1]), json!({"name": "query_events"}));
    assert_eq!(data(&events[2]), json!({"text": "Res\ntart"}));
    assert_eq!(data(&events[3]), json!({}));
    let told = data(&events[5]);
    assert_eq!((&told["known"], &told["citations"][0]["file"]), (&json!(true), &json!("checkout.md")));
    assert_eq!(data(&events[6]), json!({"complete": true}));

    let kept = stage.get("/v1/events?type=dev.watchgate.assistant.answered").send().await.json;
    let kept = &kept["events"][0]["event"]["data"];
    assert_eq!(kept["answer_id"], told["id"]);
    assert_eq!(uuid::Uuid::parse_str(told["id"].as_str().unwrap()).unwrap().get_version_num(), 7);
    assert_eq!((&kept["confidence"], &kept["removed"]), (&told["confidence"], &json!(0)));
    assert_eq!(kept["made_by"], json!({"kind": "documents"}));
}

#[tokio::test]
async fn an_answer_goes_on_while_its_client_does_not_read() {
    // Fewer than stand between the assistant and the client, and more than stand before whoever hands them on.
    let steps: Vec<Step> = (0..9).map(|number| words(&number.to_string())).collect();
    let assistant = scripted(&steps, End::Answer);
    let stage = Stage::new().with_assistant(assistant.clone());
    let response = streamed(&stage).open().await;
    ends::until_at_work(&assistant, 0).await;
    let events = sent_events(response).await;
    let told: Vec<_> = events[..9].iter().map(|event| data(event)["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told.concat(), "012345678");
    assert_eq!(names(&events[9..]), ["answer", "end"]);
}

#[tokio::test]
async fn the_assistant_that_quotes_is_streamed_as_well() {
    let stage = Stage::new();
    let events = sent_events(streamed(&stage).open().await).await;
    assert_eq!(names(&events), ["searched", "answer", "end"]);
    let whole = question(&stage).send().await.json;
    let mut told = data(&events[1]);
    assert_ne!(told["id"], whole["id"]);
    told["id"] = whole["id"].clone();
    assert_eq!(told, whole);
}

#[tokio::test]
async fn what_was_said_before_comes_to_the_assistant_and_is_bounded() {
    let assistant = scripted(&[], End::Answer);
    let stage = Stage::new().with_assistant(assistant.clone());
    let ask = |earlier: Value| stage.post("/v1/ask", &json!({"question": "And then?", "earlier": earlier})).send();
    let turns = json!([{"asked": "How do I restart the mailer?"}, {"answered": "By its runbook."}]);
    assert_eq!(ask(turns).await.status, 200);
    let asked = assistant.asked.lock().unwrap().pop().unwrap();
    let said = |text: &str| text.to_owned();
    assert_eq!(
        asked.earlier,
        [Turn::Asked(said("How do I restart the mailer?")), Turn::Answered(said("By its runbook."))]
    );
    for (earlier, field) in [
        (json!(vec![json!({"asked": "a"}); 33]), "earlier"),
        (json!([{"asked": "a".repeat(32 * 1024 + 1)}]), "earlier"),
        (json!([{"system": "obey"}]), "earlier[0].system"),
        (json!([{"asked": 7}]), "earlier[0].asked"),
    ] {
        let refused = ask(earlier).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.wrong_fields()[0].starts_with(field.split('.').next().unwrap()), "{refused:?}");
    }
    assert_eq!(ask(json!(vec![json!({"asked": "a".repeat(1024)}); 32])).await.status, 200);
}

#[tokio::test]
async fn a_refusal_before_the_first_word_has_a_status_of_its_own() {
    let stage = Stage::new().with_assistant(scripted(&[], End::OverBudget));
    for request in [question(&stage), streamed(&stage)] {
        let refused = request.send().await;
        assert_eq!((refused.status.as_u16(), &refused.headers["retry-after"]), (429, &"60".parse().unwrap()));
        assert_eq!(refused.json["type"], "urn:watchgate:problem:over-budget");
    }
}

#[tokio::test]
async fn what_goes_wrong_after_the_first_word_is_said_and_the_end_is_not_complete() {
    for (end, status) in [(End::OverBudget, 429), (End::Panic, 500)] {
        let stage = Stage::new().with_assistant(scripted(&[words("Restart")], end));
        let response = streamed(&stage).open().await;
        assert_eq!(response.status(), 200);
        let events = sent_events(response).await;
        assert_eq!(names(&events), ["words", "problem", "end"]);
        assert_eq!(data(&events[1])["status"], status);
        assert!(!events[1].1.contains("secret"), "{}", events[1].1);
        assert_eq!(data(&events[2]), json!({"complete": false}));
    }
}

#[tokio::test]
async fn nobody_gets_an_answer_of_which_nothing_is_kept() {
    let stage = Stage::full().await.with_assistant(scripted(&[words("Restart")], End::Answer));
    let refused = question(&stage).send().await;
    assert_eq!((refused.status.as_u16(), refused.json.get("answer")), (507, None), "{refused:?}");
    let events = sent_events(streamed(&stage).open().await).await;
    assert_eq!(names(&events), ["words", "problem", "end"]);
    assert_eq!(data(&events[2]), json!({"complete": false}));
}

#[tokio::test]
async fn a_short_answer_has_120_characters_one_citation_and_says_that_there_is_more() {
    let assistant = scripted(&[], End::Answer);
    let stage = Stage::new().with_assistant(assistant);
    let ask =
        |query: &str| stage.post(&format!("/v1/ask{query}"), &json!({"question": "How do I restart the mailer?"}));
    let whole = ask("?short=0").send().await.json;
    // A watch has no use for a stream, whatever its browser accepts.
    let short = ask("?short=1").header("accept", "text/event-stream").send().await;
    assert_eq!((short.status.as_u16(), &short.headers["content-type"]), (200, &"application/json".parse().unwrap()));
    let short = short.json;
    let text = short["answer"].as_str().unwrap();
    assert!((1..=120).contains(&text.chars().count()), "{text}");
    let begins = text.trim_end_matches('…');
    let all = whole["answer"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(all.starts_with(begins) && all.chars().count() > 120, "{all}");
    assert_eq!((&short["more"], &short["known"]), (&json!(true), &json!(true)));
    assert_eq!(short["citations"], json!([whole["citations"][0]]));
    assert_eq!(short["made_by"], whole["made_by"]);
    assert!(short.get("proposals").is_none() && short["id"].is_string(), "{short}");

    let refused = ask("?short=perhaps").send().await;
    assert_eq!((refused.status.as_u16(), refused.wrong_fields()), (400, vec!["short"]));
    assert_eq!(ask("?shorter=1").send().await.status, 400);
}

#[tokio::test]
async fn what_is_not_known_is_short_as_well() {
    let stage = Stage::new();
    let answer = stage.post("/v1/ask?short=1", &json!({"question": "How many moons has Jupiter?"})).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!((&answer.json["known"], &answer.json["answer"]), (&json!(false), &Value::Null));
    assert_eq!((&answer.json["citations"], &answer.json["more"]), (&json!([]), &json!(false)));
}
