use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use serde_json::json;
use tower::ServiceExt;

use super::*;
use crate::backbone::BackboneError;
use crate::layers::around_all;
use crate::testing::Stage;

#[tokio::test]
async fn refusals_of_a_full_store_are_counted_from_nought_on_and_no_other_507() {
    let stage = Stage::new();
    let response = stage.get("/metrics").open().await;
    let text = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert!(
        String::from_utf8_lossy(&text).contains("\nwatchgate_store_full_total 0\n"),
        "it is there before its first step"
    );

    let routes = Router::new()
        .route("/full", get(async || Problem::Store(BackboneError::Full)))
        .route("/revocations", get(async || Problem::TooManyRevocations));
    let app = around_all(routes, &stage.state).with_state(stage.state.clone());
    for (path, counted) in [("/full", 1), ("/revocations", 1), ("/full", 2)] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status().as_u16(), 507);
        assert_eq!(stage.state.metrics.store_full.get(), counted, "{path}");
    }
}

#[tokio::test]
async fn who_is_told_of_a_full_store_in_other_words_is_counted_too() {
    let stage = Stage::full().await;
    let before = stage.state.metrics.store_full.get();
    let question =
        json!({"model": "watchgate", "messages": [{"role": "user", "content": "How do I restart the mailer?"}]});
    let refused = stage.post("/v1/chat/completions", &question).send().await;
    assert_eq!((refused.status.as_u16(), stage.state.metrics.store_full.get()), (507, before + 1));
}
