use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::*;
use crate::token::TokenSource;

mod several;
mod talk;

/// What the fake answers, and after how long.
struct Reply(u16, Value, Duration);

fn at_once(status: u16, body: Value) -> Reply {
    Reply(status, body, Duration::ZERO)
}

fn problem(name: &str) -> Value {
    json!({"type": format!("urn:watchgate:problem:{name}"), "title": name})
}

/// A gateway that writes down what it is asked for, and when it has answered.
struct FakeGateway {
    log: Arc<Mutex<Vec<String>>>,
    wakes: Arc<Notify>,
    agent: Agent,
}

impl FakeGateway {
    /// Answers as `reply` says for the last part of the path, its count from 1, and the body.
    async fn new(reply: impl Fn(&str, usize, &Value) -> Reply + Clone + Send + Sync + 'static) -> Self {
        let log = Arc::new(Mutex::new(Vec::<String>::new()));
        let wakes = Arc::new(Notify::new());
        let handler = {
            let (log, wakes) = (Arc::clone(&log), Arc::clone(&wakes));
            move |uri: Uri, body: Bytes| {
                let (log, wakes, reply) = (Arc::clone(&log), Arc::clone(&wakes), reply.clone());
                async move {
                    let what = uri.path().rsplit(['/', ':']).next().unwrap().to_owned();
                    let count = {
                        let mut log = log.lock().unwrap();
                        log.push(what.clone());
                        log.iter().filter(|entry| **entry == what).count()
                    };
                    wakes.notify_waiters();
                    let Reply(status, answer, after) = reply(&what, count, &serde_json::from_slice(&body).unwrap());
                    sleep(after).await;
                    log.lock().unwrap().push(format!("{what} answered {status}"));
                    (StatusCode::from_u16(status).unwrap(), answer.to_string())
                }
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
        let gateway = Gateway::connect(&url, TokenSource::Fixed("token".to_owned()), None).unwrap();
        Self { log, wakes, agent: Agent::new(gateway, "mailer") }
    }

    fn count(&self, what: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|entry| *entry == what).count()
    }

    /// Returns when `what` has been asked for so often.
    async fn until(&self, what: &str, times: usize) {
        loop {
            let woken = self.wakes.notified();
            if self.count(what) >= times {
                return;
            }
            woken.await;
        }
    }
}

fn a_command() -> Value {
    json!({"id": "c-1", "runbook": "restart-worker", "parameters": {}, "timeout_seconds": 60})
}

/// One command and then none; everything else as `reply` says.
async fn with_one_command(reply: impl Fn(&str, usize, &Value) -> Reply + Clone + Send + Sync + 'static) -> FakeGateway {
    with_command(a_command(), reply).await
}

async fn with_command(
    command: Value,
    reply: impl Fn(&str, usize, &Value) -> Reply + Clone + Send + Sync + 'static,
) -> FakeGateway {
    FakeGateway::new(move |what, count, body| match (what, count) {
        ("lease", 1) => at_once(200, json!({"command": command, "fence": 1})),
        ("lease", _) => Reply(204, Value::Null, Duration::from_secs(600)),
        _ => reply(what, count, body),
    })
    .await
}

async fn done(_: Command, _: Progress) -> Outcome {
    Outcome::Succeeded(json!({}))
}

#[tokio::test]
async fn a_result_waits_for_the_heartbeat_that_is_under_way() {
    let fake = with_one_command(|what, count, _| match (what, count) {
        ("heartbeat", 2) => Reply(200, json!({}), Duration::from_millis(300)),
        _ => at_once(200, json!({})),
    })
    .await;
    let carry_out = async |_: Command, progress: Progress| {
        progress.report(50, "half way");
        fake.until("heartbeat", 2).await;
        Outcome::Succeeded(json!({}))
    };
    fake.agent.run(carry_out, fake.until("lease", 2)).await;
    let log = fake.log.lock().unwrap();
    let second = ["heartbeat", "heartbeat answered 200", "result", "result answered 200", "lease"];
    assert_eq!(log[4..], second, "{log:?}");
}

#[tokio::test]
async fn of_the_conflicts_only_a_lost_lease_ends_the_telling_of_a_result() {
    for (name, tries) in [("changed-meanwhile", 2), ("stale-fence", 1), ("wrong-state", 1)] {
        let fake = with_one_command(move |what, count, _| match (what, count) {
            ("result", 1) => at_once(409, problem(name)),
            _ => at_once(200, json!({})),
        })
        .await;
        fake.agent.run(done, fake.until("lease", 2)).await;
        assert_eq!(fake.count("result"), tries, "{name}");
    }
    let fake = with_one_command(|what, count, _| match (what, count) {
        ("result", 1) => at_once(409, json!("no problem document")),
        _ => at_once(200, json!({})),
    })
    .await;
    fake.agent.run(done, fake.until("lease", 2)).await;
    assert_eq!(fake.count("result"), 2, "a conflict that does not say what it is");
}

#[tokio::test]
async fn a_command_is_carried_out_when_the_answer_to_its_first_heartbeat_was_lost() {
    let fake = with_one_command(|what, count, _| match (what, count) {
        ("heartbeat", 1) => at_once(502, json!({})),
        _ => at_once(200, json!({})),
    })
    .await;
    fake.agent.run(done, fake.until("lease", 2)).await;
    assert_eq!((fake.count("heartbeat"), fake.count("result answered 200")), (2, 1));
}

#[tokio::test]
async fn a_command_that_is_not_the_agents_any_more_is_not_begun() {
    let fake = with_one_command(|what, _, _| match what {
        "heartbeat" => at_once(409, problem("wrong-state")),
        _ => at_once(200, json!({})),
    })
    .await;
    fake.agent.run(done, fake.until("lease", 2)).await;
    assert_eq!((fake.count("heartbeat"), fake.count("result")), (1, 0));
}

#[tokio::test]
async fn a_service_that_answers_at_once_without_a_command_is_not_asked_at_full_speed() {
    let fake = FakeGateway::new(|_, _, _| at_once(204, Value::Null)).await;
    fake.agent.run(done, sleep(Duration::from_secs(1))).await;
    // The waits are at least 125, 250, 500 and 1000 ms.
    assert!((2..=4).contains(&fake.count("lease")), "asked {} times in a second", fake.count("lease"));
}

#[tokio::test]
async fn an_agent_can_live_in_a_task_of_its_own() {
    let fake = FakeGateway::new(|_, _, _| at_once(204, Value::Null)).await;
    let ended = tokio::spawn(async move { fake.agent.run(done, std::future::ready(())).await });
    ended.await.unwrap();
}
