//! Asking for a command.

use super::*;

#[tokio::test]
async fn a_request_that_no_runbook_takes_is_refused_by_the_names_of_its_fields() {
    let stage = Stage::new();
    for (body, field) in [
        (json!({"runbook": "drop-tables"}), "runbook"),
        (json!({}), "runbook"),
        (json!({"runbook": "restart-worker", "parameters": {"worker": "x"}}), "parameters.worker"),
        (json!({"runbook": "show-status", "parameters": [], "reason": ""}), "parameters"),
        (json!({"runbook": "show-status", "reason": "x".repeat(3000)}), "reason"),
        (json!({"runbook": "show-status", "parameters": {"x": "x".repeat(70_000)}}), "parameters"),
        (json!({"runbook": "show-status", "target": {"service": "other"}}), "target"),
    ] {
        let answer = stage.post("/v1/commands", &body).send().await;
        assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec![field]), "{body}");
    }
    let answer = stage.request("POST", "/v1/commands").header("content-type", "text/plain").body("{}").send().await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(stage.get("/v1/commands").send().await.json, json!({"commands": [], "next_before": null}));
}

#[tokio::test]
async fn a_digest_depends_on_what_is_called_and_on_nothing_else() {
    let stage = Stage::new();
    let (one, same) = (ask(&stage, "restart-worker").await, ask(&stage, "restart-worker").await);
    assert_eq!(one["digest"], same["digest"]);
    let body = json!({"runbook": "restart-worker", "parameters": {"worker": "thumbnailer"}});
    let other = stage.post("/v1/commands", &body).send().await.json;
    assert_ne!(one["digest"], other["digest"]);
}
