//! Whatever becomes of the question, the insight comes, and says why it is unknown.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;
use crate::assistant::{Answer, Asked, Assistant, CannotAnswer, Progress};
use crate::insights::asking;
use crate::insights::following::MOST_WAITING;
use crate::testing::COMPANY;

/// An assistant that cannot.
enum Unable {
    Fails,
    Panics,
    IsOverBudget,
    NeverAnswers,
}

impl Assistant for Unable {
    fn answer(&self, _: Asked, _: Progress) -> BoxFuture<'_, Result<Answer, CannotAnswer>> {
        async {
            match self {
                Self::Fails => Err(CannotAnswer::Internal(anyhow::anyhow!("no disk"))),
                Self::Panics => panic!("an assistant that panics"),
                Self::IsOverBudget => Err(CannotAnswer::OverBudget { retry_after: minutes(60) }),
                Self::NeverAnswers => std::future::pending().await,
            }
        }
        .boxed()
    }
}

/// The real one, counted.
struct Counting(AtomicUsize);

impl Assistant for Counting {
    fn answer(&self, asked: Asked, progress: Progress) -> BoxFuture<'_, Result<Answer, CannotAnswer>> {
        assert_eq!(asked.asker.principal, "urn:watchgate:watch:test");
        self.0.fetch_add(1, Ordering::Relaxed);
        COMPANY.0.answer(asked, progress)
    }
}

fn with(stage: &Stage, assistant: impl Assistant + 'static) -> AppState {
    AppState { assistant: Arc::new(assistant), ..stage.state.clone() }
}

#[tokio::test]
async fn an_insight_comes_although_the_assistant_does_not_answer() {
    for (assistant, why) in [
        (Unable::Fails, "assistant_failed"),
        (Unable::Panics, "assistant_failed"),
        (Unable::IsOverBudget, "over_budget"),
    ] {
        let stage = Stage::new();
        let mut follower = follower(&with(&stage, assistant), &watch("")).await;
        send(&stage, [stuck(1, "mailer")]).await;
        catch_up(&mut follower).await;
        let created = of_type(&said(&stage).await, "created");
        assert_eq!((&created[0]["judgement"], &created[0]["why_unknown"]), (&json!("unknown"), &json!(why)));
        assert_eq!(created[0]["evidence"][0]["id"], "event-1");
        assert_eq!((&created[0]["short"], &created[0]["citations"]), (&Value::Null, &json!([])));
    }
}

#[tokio::test(start_paused = true)]
async fn an_assistant_that_never_answers_is_waited_for_no_longer_than_it_may_take() {
    let state = with(&Stage::new(), Unable::NeverAnswers);
    let finding = asking::ask(&state, &watch(""), "How?".to_owned(), &Semaphore::new(1)).await;
    assert_eq!(json!(finding)["why_unknown"], "took_too_long");
}

#[tokio::test]
async fn a_question_that_the_documents_do_not_answer_is_unknown() {
    let stage = Stage::new();
    let text = format!("name: test\nfilter: {{type: {TYPE}}}\nquestion: How many moons does Jupiter have?");
    let mut follower = follower(&stage.state, &Arc::new(watch::read(&text).unwrap())).await;
    send(&stage, [stuck(1, "mailer")]).await;
    catch_up(&mut follower).await;
    let created = of_type(&said(&stage).await, "created");
    assert_eq!((&created[0]["judgement"], &created[0]["why_unknown"]), (&json!("unknown"), &json!("not_in_documents")));
}

#[tokio::test]
async fn the_assistant_is_asked_as_often_as_the_watch_may_ask_in_an_hour() {
    let stage = Stage::new();
    let state = with(&stage, Counting(AtomicUsize::new(0)));
    let watch = watch("groupBy: ['data:/worker']\nbudget: {insightsPerHour: 3}");
    for hour in 0..2 {
        for number in 0..5 {
            // A replica that has just taken over knows how often it was asked before.
            let mut follower = follower(&state, &watch).await;
            send(&stage, [stuck(hour * 10 + number, &format!("worker-{hour}-{number}"))]).await;
            catch_up(&mut follower).await;
        }
        stage.clock.advance(minutes(60));
    }
    let created = of_type(&said(&stage).await, "created");
    let why: Vec<_> = created.iter().map(|data| data["why_unknown"].as_str()).collect();
    let (asked, not) = (None, Some("insights_per_hour"));
    assert_eq!(why, [asked, asked, asked, not, not, asked, asked, asked, not, not]);
}

#[tokio::test]
async fn no_more_insights_wait_for_the_assistant_than_may() {
    let stage = Stage::new();
    let watch = watch("groupBy: ['data:/worker']\nbudget: {insightsPerHour: 1000}");
    let mut follower = follower(&stage.state, &watch).await;
    send(&stage, (0..MOST_WAITING + 5).map(|id| stuck(id, &format!("worker-{id}")))).await;
    look(&mut follower).await;
    let created = of_type(&said(&stage).await, "created");
    assert_eq!(created.len(), 5, "those are told at once");
    assert!(created.iter().all(|data| data["why_unknown"] == "too_many_wait"), "{created:?}");
    follower.ask_and_tell().await.unwrap();
    assert_eq!(of_type(&said(&stage).await, "created").len(), MOST_WAITING + 5);
}
