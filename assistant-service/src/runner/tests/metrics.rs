//! What a collector is told of a runner.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::loopback::{self, Listening, Loopback};

async fn listening() -> (Listening, SocketAddr) {
    let listening = Listening::on("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listening.address().unwrap();
    (listening, address)
}

async fn answering(listening: Listening, runner: Arc<Runner>) {
    listening.answer(loopback::metrics(move || runner.metrics_text())).await;
}

/// The whole answer over a connection of its own.
async fn asked(address: SocketAddr) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
    answer
}

async fn scraped(runner: &Arc<Runner>) -> String {
    let (listening, address) = listening().await;
    let answering = tokio::spawn(answering(listening, Arc::clone(runner)));
    let answer = asked(address).await;
    answering.abort();
    answer
}

fn assert_lines(text: &str, lines: &[&str]) {
    for line in lines {
        let line = format!("watchgate_runner_{line}");
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_collector_is_told_what_became_of_commands_and_of_their_steps_by_kind() {
    let (service, heard) = service();
    let texts = ["/", "/fails", "/silence"].map(|path| {
        let name = if path == "/" { "works" } else { path.trim_start_matches('/') };
        runbook(name, &format!("steps:\n{}", post(&service, path)))
    });
    let restart = runbook("restart", "steps:\n- {name: restart, podman: {restart: {container: mailer}}}\n");
    let stage = Stage::new(&[texts.as_slice(), &[restart]].concat()).with_webhooks(&service);
    for name in ["works", "works", "fails", "restart"] {
        stage.run(name, json!({"value": 1})).await;
    }
    let unknown = Work { runbook_digest: "0".repeat(64), ..stage.work("works", json!({"value": 1})) };
    stage.carry_out(&unknown).await;
    let (told, work) = (Told::default(), stage.work("silence", json!({"value": 1})));
    let runner = Arc::new(stage.runner);
    let begun = async {
        while !heard.lock().unwrap().iter().any(|request| request.starts_with("POST /silence")) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_lines(&scraped(&runner).await, &["commands_in_hand 1", "leases_total 6"]);
    };
    // Dropped as an agent drops what it has lost the lease of.
    tokio::select! {
        ending = runner.carry_out(&work, &told) => panic!("{ending:?}"),
        () = begun => {}
    }
    let text = scraped(&runner).await;
    assert_lines(
        &text,
        &[
            "leases_total 6",
            "commands_in_hand 0",
            "commands_total{outcome=\"succeeded\"} 2",
            "commands_total{outcome=\"failed\"} 2",
            "commands_total{outcome=\"refused\"} 1",
            "commands_total{outcome=\"dropped\"} 1",
            "steps_total{kind=\"webhook\",outcome=\"succeeded\"} 2",
            "steps_total{kind=\"webhook\",outcome=\"failed\"} 1",
            "steps_total{kind=\"webhook\",outcome=\"dropped\"} 1",
            "steps_total{kind=\"podman\",outcome=\"refused\"} 1",
            "step_seconds_count{kind=\"webhook\"} 4",
            "step_seconds_count{kind=\"podman\"} 1",
            "runbooks 4",
            "runbook_reloads_failed_total 0",
            "late_results_waiting 0",
        ],
    );
}

#[tokio::test]
async fn whoever_opens_many_connections_and_says_nothing_gets_no_more_than_eight_of_the_runner() {
    let stage = Stage::new(&[]);
    let (listening, address) = listening().await;
    let answering = tokio::spawn(answering(listening, Arc::new(stage.runner)));
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let asking = tokio::spawn(asked(address));
    // Nothing can come as long as all seats are taken, and it comes with the first one that is free.
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(!asking.is_finished());
    silent.pop();
    asking.await.unwrap();
    answering.abort();
}

#[test]
fn no_other_host_can_reach_what_a_runner_tells() {
    for (address, is_taken) in [
        ("127.0.0.1:9464", true),
        ("[::1]:9464", true),
        ("0.0.0.0:9464", false),
        ("[::]:9464", false),
        ("192.0.2.7:9464", false),
        ("localhost:9464", false),
    ] {
        assert_eq!(address.parse::<Loopback>().is_ok(), is_taken, "{address}");
    }
}
