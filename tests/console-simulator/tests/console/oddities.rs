//! A portal that does not behave.

use std::num::NonZeroU32;

use super::*;

async fn odd(oddities: Oddities) -> (tempfile::TempDir, Simulator) {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup { oddities, ..setup(20.0, Output::File(folder.path().join("game"))) };
    let simulator = Simulator::start(setup).await.unwrap();
    (folder, simulator)
}

async fn next(socket: &mut Socket) -> Option<Result<Message, Error>> {
    tokio::time::timeout(PATIENCE * 3, socket.next()).await.unwrap()
}

#[tokio::test]
async fn a_foreign_certificate_names_neither_the_address_nor_the_device() {
    let (_folder, simulator) = odd(Oddities { is_certificate_foreign: true, ..Oddities::default() }).await;
    let refused = client(&simulator).get(format!("{}/api/os/info", simulator.url())).send().await.unwrap_err();
    assert!(refused.is_connect(), "{refused:?}");
    assert!(simulator.pin.starts_with("sha256/"));
}

#[tokio::test]
async fn a_portal_without_a_socket_opens_none() {
    let (_folder, simulator) = odd(Oddities { is_without_socket: true, ..Oddities::default() }).await;
    let Err(Error::Http(refusal)) = open(&simulator, Some(simulator.url())).await else { panic!("it opens") };
    assert_eq!(refusal.status().as_u16(), 404);
}

#[tokio::test]
async fn a_socket_is_broken_off_after_so_many_messages_and_one_of_them_is_no_json() {
    let oddities = Oddities { cut_socket: NonZeroU32::new(5), garble: NonZeroU32::new(3), ..Oddities::default() };
    let (_folder, simulator) = odd(oddities).await;
    let mut socket = open(&simulator, Some(simulator.url())).await.unwrap();
    let mut is_json = Vec::new();
    while let Some(Ok(Message::Text(text))) = next(&mut socket).await {
        is_json.push(serde_json::from_str::<Value>(&text).is_ok());
    }
    assert_eq!(is_json, [true, true, false, true, true]);
}
