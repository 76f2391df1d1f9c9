//! Asking what a runbook would do.

use super::runbooks::{call, stage};
use super::*;

#[tokio::test]
async fn a_dry_run_needs_no_approval_and_is_another_call() {
    let stage = stage();
    let body = json!({"runbook": "drop-cache", "dry_run": true});
    let dry = stage.post("/v1/commands", &body).send().await.json;
    assert_eq!((&dry["state"], &dry["dry_run"]), (&json!("scheduled"), &json!(true)));
    assert_eq!(dry["approval"]["needed"], false);
    let real = call(&stage, "drop-cache", json!({})).await;
    assert_eq!((&real["state"], &real["approval"]["needed"]), (&json!("pending"), &json!(true)));
    assert_ne!(dry["digest"], real["digest"]);
}

#[tokio::test]
async fn a_runbook_without_one_says_so() {
    let stage = Stage::new();
    let refused = stage.post("/v1/commands", &json!({"runbook": "show-status", "dry_run": true})).send().await;
    assert_eq!((refused.status, refused.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["dry_run"]));
    assert_eq!(stage.get("/v1/commands").send().await.json["commands"], json!([]));
}
