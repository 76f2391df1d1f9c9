use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::routes::DOCUMENT;
use crate::testing::{Answer, HOST, Stage};

const OPEN: [&str; 2] = ["/healthz", "/readyz"];

#[tokio::test]
async fn every_route_but_the_health_checks_asks_who_calls() {
    let stage = Stage::new();
    let document = serde_json::to_value(&*DOCUMENT).unwrap();
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().map(|name| name.to_uppercase()) {
            let target = path.replace(['{', '}'], "");
            let request = Request::builder().method(method.as_str()).uri(&target).header("host", HOST);
            let status = stage.send(request.body(Body::empty()).unwrap()).await.status();
            let expected = if OPEN.contains(&path.as_str()) { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            assert_eq!(status, expected, "{method} {path}");
            asked += 1;
        }
    }
    assert!(asked >= 5, "{asked} routes");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_and_only_for_those_who_are_known() {
    let stage = Stage::new();
    let unknown = Request::get("/v1/nothing").header("host", HOST).body(Body::empty()).unwrap();
    assert_eq!(stage.send(unknown).await.status(), StatusCode::UNAUTHORIZED);
    for (method, target, status) in
        [("GET", "/v1/nothing", StatusCode::NOT_FOUND), ("DELETE", "/v1/events", StatusCode::METHOD_NOT_ALLOWED)]
    {
        let answer = stage.request(method, target).send().await;
        assert_eq!((answer.status, &answer.json["status"]), (status, &json!(status.as_u16())));
    }
}

#[tokio::test]
async fn a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_not() {
    let stage = Stage::new();
    for (bytes, status) in [(1024 * 1024, StatusCode::ACCEPTED), (1024 * 1024 + 1, StatusCode::PAYLOAD_TOO_LARGE)] {
        let answer = stage
            .request("POST", "/v1/events")
            .header("ce-specversion", "1.0")
            .header("ce-id", "large")
            .header("ce-type", "com.example.large")
            .header("ce-source", crate::testing::TESTER)
            .header("content-type", "text/plain")
            .body("x".repeat(bytes))
            .send()
            .await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn counters_tell_routes_by_their_patterns() {
    let stage = Stage::new();
    stage.get("/v1/events?limit=1").send().await;
    stage.get("/v1/nothing").send().await;
    let response = stage.get("/metrics").open().await;
    let text = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    for line in [
        r#"watchgate_requests_total{method="GET",route="/v1/events",status="200"} 1"#,
        r#"watchgate_requests_total{method="GET",route="none",status="404"} 1"#,
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[tokio::test]
async fn the_document_describes_itself_and_the_problems() {
    let stage = Stage::new();
    let answer = Answer::of(stage.get("/openapi.json").open().await).await;
    assert_eq!(answer.json["openapi"].as_str().map(|version| version.starts_with("3.1")), Some(true));
    assert!(answer.json["paths"]["/openapi.json"]["get"].is_object());
    let schemas = &answer.json["components"]["schemas"];
    assert!(schemas["Recommendation"]["properties"]["snippet"].is_object(), "{schemas}");
    let citation = &answer.json["components"]["schemas"]["Citation"];
    let fields: Vec<_> = citation["properties"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["file", "heading", "lines", "quote", "score"]);
    assert_eq!(citation["required"], json!(["file", "heading", "quote", "score"]));
    assert_eq!(answer.json["components"]["securitySchemes"]["token"], json!({"type": "http", "scheme": "bearer"}));
    assert!(answer.json["components"]["schemas"]["Problem"].is_object(), "{}", answer.json["components"]);
}
