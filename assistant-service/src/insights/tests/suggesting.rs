//! Runbooks that say of themselves at which events they are worth a look.

use super::*;
use crate::runbooks::FolderCatalogue;

fn runbook(name: &str, suggest_when: &Value) -> (String, String) {
    let text = json!({
        "name": name, "title": "T", "description": "D", "target": {"service": "a"}, "risk": "read", "timeout_seconds": 9,
        "approval": {"needed": false}, "parameters": {"type": "object"}, "suggest_when": suggest_when,
    });
    (format!("{name}.yaml"), text.to_string())
}

async fn insight_with(runbooks: &[(String, String)]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in runbooks {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let stage = Stage::new();
    let runbooks = Arc::new(FolderCatalogue::load(folder.path()).unwrap());
    let state = AppState { runbooks, ..stage.state.clone() };
    let mut follower = follower(&state, &watch("atLeast: 2")).await;
    send(&stage, [stuck(1, "mailer")]).await;
    look(&mut follower).await;
    send(&stage, [stuck(2, "mailer"), stuck(3, "mailer")]).await;
    catch_up(&mut follower).await;
    stage.clock.advance(minutes(2));
    catch_up(&mut follower).await;
    said(&stage).await
}

#[tokio::test]
async fn an_insight_names_the_runbooks_that_its_events_suggest() {
    let said = insight_with(&[
        runbook("by-type", &json!({"type": "com.example.telemetry.*"})),
        runbook("by-source", &json!({"type": TYPE, "source": "urn:test"})),
        runbook("other-source", &json!({"type": TYPE, "source": "urn:other"})),
        runbook("other-subject", &json!({"type": TYPE, "subject": "mailer"})),
        runbook("other-type", &json!({"type": "com.example.telemetry"})),
    ])
    .await;
    let created = of_type(&said, "created");
    assert_eq!(created.len(), 1);
    assert_eq!(created[0]["suggested"], json!(["by-source", "by-type"]));
    for event in said.iter().filter(|event| event["type"] != "dev.watchgate.insight.created") {
        assert_eq!(event["data"].get("suggested"), None, "{event}");
    }
}

#[tokio::test]
async fn at_most_three_are_named_and_none_where_there_is_none() {
    let many: Vec<_> = ["e", "d", "c", "b", "a"].map(|name| runbook(name, &json!({"type": TYPE}))).into();
    assert_eq!(of_type(&insight_with(&many).await, "created")[0]["suggested"], json!(["a", "b", "c"]));
    assert_eq!(of_type(&insight_with(&[]).await, "created")[0].get("suggested"), None);
}
