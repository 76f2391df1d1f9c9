//! Through the agent to a gateway that plays the service.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use service_agent::TokenSource;
use tokio::sync::Notify;

use super::*;
use crate::runner::agent::Gateway;
use crate::runner::late;

/// What the service was told: the last part of the path, and the body.
type Heard = Arc<Mutex<Vec<(String, Value)>>>;

/// A gateway that hands this command out once, and answers results with these statuses, the last one from then on.
async fn gateway(command: Value, results: &'static [u16]) -> (Gateway, Heard, Arc<Notify>) {
    let (heard, told) = (Heard::default(), Arc::new(Notify::new()));
    let (log, notify) = (Arc::clone(&heard), Arc::clone(&told));
    let answer = move |uri: Uri, body: Bytes| {
        let what = uri.path().rsplit(['/', ':']).next().unwrap().to_owned();
        let count = {
            let mut log = log.lock().unwrap();
            log.push((what.clone(), serde_json::from_slice(&body).unwrap()));
            log.iter().filter(|(other, _)| *other == what).count()
        };
        notify.notify_one();
        let command = command.clone();
        async move {
            match what.as_str() {
                "lease" if count == 1 => (StatusCode::OK, json!({"command": command, "fence": 5}).to_string()),
                "lease" => std::future::pending().await,
                "result" => {
                    let status = *results.get(count - 1).or(results.last()).unwrap();
                    let problem = json!({"type": "urn:watchgate:problem:stale-fence"}).to_string();
                    (StatusCode::from_u16(status).unwrap(), problem)
                }
                _ => (StatusCode::OK, "{}".to_owned()),
            }
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (Gateway::connect(&url, TokenSource::Fixed("token".to_owned()), None).unwrap(), heard, told)
}

async fn until_results(heard: &Heard, told: &Notify, count: usize) {
    while heard.lock().unwrap().iter().filter(|(what, _)| what == "result").count() < count {
        told.notified().await;
    }
}

fn results(heard: &Heard) -> Vec<Value> {
    heard.lock().unwrap().iter().filter(|(what, _)| what == "result").map(|(_, body)| body.clone()).collect()
}

#[tokio::test]
async fn a_leased_command_is_carried_out_and_its_result_told_under_its_fence() {
    let (service, told_service) = service();
    let stage = Stage::new(&[runbook("tell", &format!("steps:\n{}", post(&service, "/")))]).with_webhooks(&service);
    let Work { id, runbook, runbook_digest, .. } = stage.work("tell", json!({}));
    let command = json!({
        "id": id, "runbook": runbook, "runbook_digest": runbook_digest, "parameters": {"value": 1},
        "timeout_seconds": 60, "dry_run": false, "attempt": 1,
    });
    let (gateway, heard, told) = gateway(command, &[200]).await;
    gateway.serve(&stage.runner, until_results(&heard, &told, 1)).await;
    let [result] = &results(&heard)[..] else { panic!() };
    assert_eq!((&result["fence"], &result["outcome"]), (&json!(5), &json!("succeeded")));
    assert_eq!(result["result"]["steps"][0]["what"], "localhost answered 200");
    assert_eq!(told_service.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_service_that_does_not_say_the_runbooks_digest_is_refused() {
    let (service, told_service) = service();
    let stage = Stage::new(&[runbook("tell", &format!("steps:\n{}", post(&service, "/")))]).with_webhooks(&service);
    let command = json!({"id": "c-1", "runbook": "tell", "parameters": {"value": 1}, "timeout_seconds": 60});
    let (gateway, heard, told) = gateway(command, &[200]).await;
    gateway.serve(&stage.runner, until_results(&heard, &told, 1)).await;
    let [result] = &results(&heard)[..] else { panic!() };
    assert_eq!(result["outcome"], "failed");
    assert!(told_service.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_an_earlier_runner_owed_is_told_until_it_is_heard_and_then_settled() {
    for (statuses, is_settled) in [(&[200][..], true), (&[409], true), (&[404], true), (&[503], false)] {
        let (service, _) = service();
        let stage = Stage::new(&[runbook("tell", &format!("steps:\n{}", post(&service, "/")))]).with_webhooks(&service);
        stage.run("tell", json!({"value": 1})).await;
        let (gateway, heard, told) = gateway(Value::Null, Box::leak(statuses.to_vec().into_boxed_slice())).await;
        let settled = async {
            until_results(&heard, &told, 1).await;
            // The file goes right after the answer has come; where it must stay, that is waited for in vain.
            for _ in 0..50 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            () = late::tell(&stage.runner, &gateway) => panic!("it never ends"),
            () = settled => {}
        }
        let [result] = &results(&heard)[..] else { panic!() };
        assert_eq!((&result["fence"], &result["outcome"]), (&json!(7), &json!("succeeded")));
        assert_eq!(stage.runner.journal.left().unwrap().is_empty(), is_settled, "{statuses:?}");
        let waiting = format!("\nwatchgate_runner_late_results_waiting {}\n", i32::from(!is_settled));
        assert!(stage.runner.metrics.text(1).unwrap().contains(&waiting), "{statuses:?}");
    }
}
