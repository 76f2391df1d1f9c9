//! The connection, the stream and the promise at the real NATS server.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

use assistant_service::backbone::jetstream::{
    CannotConnect, CannotOpenStream, ConnectionSettings, Promise, Untold, User, connect, ensure_stream,
};
use async_nats::connection::State;
use async_nats::jetstream::stream::{Config, StorageType};
use programs::nats::{NatsOptions, NatsServer, Sync};

fn settings(server: &NatsServer, name: &str, password_file: PathBuf) -> ConnectionSettings {
    ConnectionSettings {
        servers: vec![server.url().parse().unwrap()],
        ca: Some(server.ca()),
        certificate: Some((server.certificate(), server.key())),
        user: Some(User { name: name.to_owned(), password_file }),
    }
}

fn replica(server: &NatsServer) -> ConnectionSettings {
    settings(server, server.user(), server.password_file())
}

fn auditor(server: &NatsServer) -> ConnectionSettings {
    settings(server, server.audit_user(), server.audit_password_file())
}

fn start() -> NatsServer {
    NatsServer::start(&NatsOptions::default()).unwrap()
}

#[tokio::test]
async fn a_stream_is_made_once_and_found_again_with_all_it_holds() {
    let server = start();
    let connection = connect(&replica(&server)).await.unwrap();
    let made = ensure_stream(&connection.jetstream, "WATCHGATE", 1).await.unwrap();
    assert_eq!(made.cached_info().config.subjects, ["watchgate.log.>"]);
    connection.jetstream.publish("watchgate.log.1", "record".into()).await.unwrap().await.unwrap();
    let found = ensure_stream(&connection.jetstream, "WATCHGATE", 1).await.unwrap();
    assert_eq!(found.cached_info().state.messages, 1);
}

#[tokio::test]
async fn somebody_elses_stream_is_refused_with_all_that_differs() {
    let server = start();
    let connection = connect(&replica(&server)).await.unwrap();
    let other = Config {
        name: "WATCHGATE".to_owned(),
        subjects: vec!["orders.>".to_owned()],
        storage: StorageType::Memory,
        ..Config::default()
    };
    connection.jetstream.create_stream(other).await.unwrap();
    let refused = ensure_stream(&connection.jetstream, "WATCHGATE", 1).await.unwrap_err();
    let CannotOpenStream::Other { differences, .. } = refused else { panic!("{refused}") };
    let settings: Vec<_> = differences.iter().map(|difference| difference.setting).collect();
    assert_eq!(settings, ["subjects", "storage", "discard"]);
}

#[tokio::test]
async fn three_replicas_cannot_be_had_of_one_server() {
    let server = start();
    let connection = connect(&replica(&server)).await.unwrap();
    let refused = ensure_stream(&connection.jetstream, "WATCHGATE", 3).await.unwrap_err();
    assert_eq!(refused.to_string(), "the stream WATCHGATE cannot be made on 3 server(s)");
    assert!(refused.source().unwrap().to_string().contains("replicas > 1 not supported"), "{refused:?}");
}

#[tokio::test]
async fn a_connection_comes_back_by_itself_after_a_kill() {
    let server = start();
    let connection = connect(&replica(&server)).await.unwrap();
    ensure_stream(&connection.jetstream, "WATCHGATE", 1).await.unwrap();
    server.kill();
    reaches(&connection.client, State::Disconnected).await;
    server.restart().unwrap();
    reaches(&connection.client, State::Connected).await;
    connection.jetstream.publish("watchgate.log.1", "record".into()).await.unwrap().await.unwrap();
}

#[tokio::test]
async fn a_server_that_hangs_is_noticed_within_seconds() {
    let server = start();
    let connection = connect(&replica(&server)).await.unwrap();
    server.pause();
    reaches(&connection.client, State::Disconnected).await;
    server.resume();
    reaches(&connection.client, State::Connected).await;
}

async fn reaches(client: &async_nats::Client, state: State) {
    let reached = async {
        while client.connection_state() != state {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reached).await.expect("the connection stays as it was");
}

#[tokio::test]
async fn a_changed_password_counts_from_the_next_connection_on() {
    let server = start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "wrong").unwrap();
    let settings = settings(&server, server.user(), file.clone());
    let refused = connect(&settings).await.unwrap_err();
    assert!(matches!(&refused, CannotConnect::Refused { name } if name == "watchgate"), "{refused:?}");
    std::fs::write(&file, std::fs::read_to_string(server.password_file()).unwrap() + "\n").unwrap();
    connect(&settings).await.unwrap();
    std::fs::write(&file, "\n").unwrap();
    let refused = connect(&settings).await.unwrap_err();
    assert!(matches!(refused, CannotConnect::NoPassword(_)), "{refused:?}");
}

#[tokio::test]
async fn an_authority_that_did_not_sign_the_server_is_no_reason_to_go_on() {
    let (server, other) = (start(), start());
    let settings = ConnectionSettings { ca: Some(other.ca()), ..replica(&server) };
    let refused = connect(&settings).await.unwrap_err();
    assert!(matches!(refused, CannotConnect::Unreachable { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_user_who_may_not_ask_jetstream_is_told_what_is_missing() {
    let server = start();
    let refused = connect(&auditor(&server)).await.unwrap_err();
    assert!(refused.to_string().contains("$JS.API.>"), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_syncs_always_promises_everything_and_one_that_does_not_says_so() {
    let server = start();
    let promise = Promise::ask(Some(&auditor(&server)), 1).await;
    assert_eq!(promise, Promise::SurvivesPowerLoss { servers: 1 });

    let server = NatsServer::start(&NatsOptions { sync: Sync::Default, ..NatsOptions::default() }).unwrap();
    let promise = Promise::ask(Some(&auditor(&server)), 1).await;
    let interval = Duration::from_secs(120);
    assert_eq!(promise, Promise::SyncsLate { interval, replicas: 1, servers: vec!["nats-1".to_owned()] });
}

#[tokio::test]
async fn a_user_who_may_not_ask_cannot_tell() {
    let server = start();
    let promise = Promise::ask(Some(&replica(&server)), 1).await;
    assert!(matches!(&promise, Promise::CannotTell(Untold::NoAnswer(_))), "{promise}");
}
