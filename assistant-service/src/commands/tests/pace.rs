//! How fast commands go with many agents in long poll and many commands open. Measured by hand, on an idle machine:
//! `cargo test -p assistant-service --lib commands::tests::pace -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Instant;

use super::books::*;
use super::*;

const AGENTS: usize = 500;

/// In the ordinary states of a busy service: most open commands are held or wait for somebody.
const OPEN: usize = 900;

async fn busy() -> (Arc<Stage>, Vec<tokio::task::JoinHandle<()>>) {
    let stage = Arc::new(stage([runbook("tidy", at_once(None, None))]));
    for at in 0..OPEN {
        let body = json!({"runbook": "tidy", "parameters": {"service": format!("absent-{}", at % 300)}});
        let request = stage.post("/v1/commands", &body).by(&format!("person-{}", at % 20));
        assert_eq!(request.send().await.status, StatusCode::CREATED);
    }
    let commands = Arc::clone(&stage.state.commands);
    let announcing = tokio::spawn(async move { commands.announce_for_ever().await });
    let commands = Arc::clone(&stage.state.commands);
    let sweeping = tokio::spawn(async move { commands.sweep_for_ever().await });
    let mut tasks = vec![announcing, sweeping];
    for agent in 0..AGENTS {
        let stage = Arc::clone(&stage);
        tasks.push(tokio::spawn(async move {
            let service = format!("idle-{agent}");
            while lease_of(&stage, &service, 30).await.status == StatusCode::NO_CONTENT {}
        }));
    }
    (stage, tasks)
}

fn told_figures(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() as f64 * share) as usize).min(times.len() - 1)];
    println!("{what}: p50 {:?}, p99 {:?}, largest {:?}, of {}", at(0.5), at(0.99), at(1.0), times.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, and takes a while"]
async fn from_a_request_to_the_lease_at_an_idle_agent() {
    let (stage, tasks) = busy().await;
    let mut times = Vec::new();
    for _ in 0..300 {
        let waiting = {
            let stage = Arc::clone(&stage);
            tokio::spawn(async move {
                let lease = lease_of(&stage, "the-agent", 30).await;
                (Instant::now(), lease.json)
            })
        };
        tokio::time::sleep(Duration::from_millis(20)).await;
        let asked_at = Instant::now();
        ask_for(&stage, "tidy", "the-agent").await;
        let (leased_at, lease) = waiting.await.unwrap();
        times.push(leased_at - asked_at);
        let report = json!({"fence": lease["fence"], "outcome": "succeeded"});
        assert_eq!(on(&stage, &lease["command"], "result", "the-agent", report).await.status, StatusCode::OK);
    }
    told_figures("request to lease", times);
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, and takes a while"]
async fn through_the_whole_life_of_commands() {
    const LANES: usize = 32;
    const EACH: usize = 40;
    let (stage, tasks) = busy().await;
    let begun = Instant::now();
    let lanes = (0..LANES).map(|lane| {
        let stage = Arc::clone(&stage);
        tokio::spawn(async move {
            let service = format!("agent-{lane}");
            for _ in 0..EACH {
                let body = json!({"runbook": "tidy", "parameters": {"service": service}});
                let asked = stage.post("/v1/commands", &body).by(&format!("asker-{lane}")).send().await;
                assert_eq!(asked.status, StatusCode::CREATED, "{asked:?}");
                let lease = lease_of(&stage, &service, 30).await.json;
                let beat = json!({"fence": lease["fence"], "progress": {"percent": 50}});
                assert_eq!(on(&stage, &lease["command"], "heartbeat", &service, beat).await.status, StatusCode::OK);
                let report = json!({"fence": lease["fence"], "outcome": "succeeded"});
                assert_eq!(on(&stage, &lease["command"], "result", &service, report).await.status, StatusCode::OK);
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.unwrap();
    }
    let rate = (LANES * EACH) as f64 / begun.elapsed().as_secs_f64();
    println!("requested, leased, begun and ended: {rate:.0} commands a second");
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}
