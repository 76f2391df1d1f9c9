//! Budgets and metrics, from the question to the store.

use super::*;

async fn bench(replies: Vec<Vec<Act>>, budgets: &str) -> (ScriptedServer, Bench) {
    let server = ScriptedServer::start(replies).await;
    let bench = Bench::new(&format!(
        "models: [{{name: a, baseUrl: '{}', model: m, maxOutputTokens: 100, allowedNetworks: [127.0.0.0/8]}}]
budgets: {budgets}",
        server.url()
    ));
    (server, bench)
}

/// What the account has used, when it has become that: requests are settled after their answers.
pub(super) async fn used(bench: &Bench, expected: (u64, u64)) {
    let mut revisions = bench.stage.state.backbone.newest_revision();
    let used = async || {
        let entries = bench.stage.state.backbone.list("assistant.budgets", None, 9).await.unwrap();
        let used: Value = serde_json::from_slice(&entries[0].value).unwrap();
        (used["requests"].as_u64().unwrap(), used["tokens"].as_u64().unwrap())
    };
    let settled = async {
        while used().await != expected {
            revisions.changed().await.unwrap();
        }
    };
    if timeout(PATIENCE, settled).await.is_err() {
        panic!("{:?} was used instead of {expected:?}", used().await);
    }
}

#[tokio::test]
async fn whoever_is_over_budget_reaches_no_model() {
    let (server, bench) = bench(vec![saying("hi")], "{requestsPerDay: 2}").await;
    bench.answer().await.unwrap();
    bench.answer().await.unwrap();
    let half_a_day = Duration::from_secs(12 * 3600);
    assert_eq!(bench.answer().await, Err(ModelError::OverBudget { retry_after: half_a_day }));
    assert_eq!(server.count(), 2);
    bench.stage.clock.advance(half_a_day);
    bench.answer().await.unwrap();
}

#[tokio::test]
async fn a_request_costs_what_it_took() {
    let untold = vec![stream(&(part("12345678") + &last("stop"))), Act::Close];
    let (_server, bench) = bench(vec![saying("hi"), untold, status("500 Oops", "", "")], "{tokensPerDay: 1000}").await;
    bench.answer().await.unwrap();
    used(&bench, (1, 15)).await;
    bench.answer().await.unwrap();
    used(&bench, (2, 15 + 6 + 2)).await;
    bench.answer().await.unwrap_err();
    used(&bench, (2, 23)).await;
}

#[tokio::test]
async fn an_outage_eats_no_request_and_a_refusal_does() {
    let refusal = status("400 Bad Request", "", "{\"error\": {\"message\": \"too long\"}}");
    let outage = status("500 Oops", "", "");
    let (server, bench) = bench(vec![outage, refusal.clone(), refusal], "{requestsPerDay: 2}").await;
    for _ in 0..3 {
        // After the first one the model rests: nobody is asked at all.
        assert!(matches!(bench.answer().await, Err(ModelError::Unavailable(_))));
        used(&bench, (0, 0)).await;
    }
    assert_eq!(server.count(), 1);
    bench.stage.clock.advance(Duration::from_secs(60));
    for requests in 1..=2 {
        assert!(matches!(bench.answer().await, Err(ModelError::Refused(_))));
        used(&bench, (requests, 0)).await;
    }
    assert!(matches!(bench.answer().await, Err(ModelError::OverBudget { .. })), "the model was there");
}

#[tokio::test]
async fn whoever_names_a_model_pays_for_what_it_fails_at() {
    let (_server, bench) = bench(vec![status("500 Oops", "", "")], "{requestsPerDay: 1}").await;
    let named = || Prompt { model: Some("a".to_owned()), ..prompt() };
    assert!(matches!(bench.answer_to(named()).await.1, Err(ModelError::Unavailable(_))));
    used(&bench, (1, 0)).await;
    assert!(matches!(bench.answer_to(named()).await.1, Err(ModelError::OverBudget { .. })));
}

#[tokio::test]
async fn what_any_of_the_models_may_say_must_be_paid_for() {
    let server = ScriptedServer::start(vec![saying("hi")]).await;
    let model = |name: &str, most: u32| {
        let url = server.url();
        format!(
            "  - {{name: {name}, baseUrl: '{url}', model: m, maxOutputTokens: {most}, allowedNetworks: [127.0.0.0/8]}}\n"
        )
    };
    let models = model("a", 10) + &model("b", 100);
    let bench = Bench::new(&format!("models:\n{models}budgets: {{tokensPerDay: 105}}"));
    let named = Prompt { model: Some("a".to_owned()), ..prompt() };
    bench.answer_to(named).await.1.unwrap();
    let error = Bench::new(&format!("models:\n{models}budgets: {{tokensPerDay: 105}}")).answer().await.unwrap_err();
    assert!(matches!(error, ModelError::OverBudget { .. }), "the second may answer, with 6 and 100");
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn options_are_paid_for_as_the_rest_of_a_conversation_is() {
    let (server, bench) = bench(vec![saying("hi")], "{tokensPerDay: 1000}").await;
    let schema = json!({"type": "json_schema", "json_schema": {"description": "x".repeat(4000)}});
    let options = [("response_format".to_owned(), schema)].into_iter().collect();
    let error = bench.answer_to(Prompt { options, ..prompt() }).await.1.unwrap_err();
    assert!(matches!(error, ModelError::OverBudget { .. }), "{error:?}");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn what_cannot_be_paid_for_is_not_begun() {
    let (server, bench) = bench(vec![saying("hi")], "{tokensPerDay: 105}").await;
    let error = bench.answer().await.unwrap_err();
    assert!(matches!(error, ModelError::OverBudget { .. }), "6 and 100 are more than 105");
    assert_eq!(server.count(), 0);
    bench.answer_to(Prompt { max_output_tokens: Some(50), ..prompt() }).await.1.unwrap();
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_not_wanted_any_more_costs_what_came_of_it() {
    let cut = vec![stream(&part("12345678")), Act::Close];
    let held = vec![stream(&part("12345678")), Act::Hold];
    let (server, bench) = bench(vec![cut, held], "{tokensPerDay: 1000}").await;
    bench.answer().await.unwrap_err();
    used(&bench, (1, 6 + 2)).await;
    bench.stage.clock.advance(Duration::from_secs(60));
    let mut pieces = bench.ask();
    assert!(pieces.next().await.unwrap().is_ok());
    used(&bench, (2, 8 + 6 + 100)).await;
    drop(pieces);
    used(&bench, (2, 2 * (6 + 2))).await;
    server.left_by(1).await;
}

#[tokio::test]
async fn everything_is_counted_under_the_names_of_the_settings() {
    let replies = vec![saying("hi"), status("500 Oops", "", ""), saying("hi")];
    let (_server, bench) = bench(replies, "{requestsPerDay: 2}").await;
    for expected in [(1, 15), (1, 15), (2, 30), (2, 30)] {
        let _ = bench.answer().await;
        used(&bench, expected).await;
        bench.stage.clock.advance(Duration::from_secs(60));
    }
    let token = bench.stage.get("/metrics").open().await;
    let text = axum::body::to_bytes(token.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    for line in [
        "watchgate_model_requests_total{model=\"a\",outcome=\"answered\"} 2",
        "watchgate_model_requests_total{model=\"a\",outcome=\"failed\"} 1",
        "watchgate_model_tokens_total{model=\"a\",direction=\"input\"} 20",
        "watchgate_model_tokens_total{model=\"a\",direction=\"output\"} 10",
        "watchgate_model_first_piece_seconds_count{model=\"a\"} 2",
        "watchgate_model_requests_over_budget_total 1",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}
