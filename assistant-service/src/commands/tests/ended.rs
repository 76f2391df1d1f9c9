//! Ended commands of stores that were made before these expired.

use super::*;
use crate::backbone::{Batch, Entry, Put};

const ENDED: &str = "commands.ended";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn entry(stage: &Stage, command: &Value) -> Option<Entry> {
    stage.state.backbone.get(ENDED, command["id"].as_str().unwrap().to_owned()).await.unwrap()
}

/// A command that has ended and is kept for ever, as earlier versions did.
async fn ended_for_ever(stage: &Stage) -> Value {
    let command = ask(stage, "show-status").await;
    assert_eq!(on(stage, &command, "cancel", "ana", json!({})).await.status, StatusCode::OK);
    let Entry { key, value, revision } = entry(stage, &command).await.unwrap();
    let put = Put { bucket: ENDED, key, value: Some(value), expected_revision: Some(revision), expires_at: None };
    stage.state.backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await.unwrap();
    command
}

#[tokio::test]
async fn what_earlier_versions_kept_for_ever_is_kept_for_ninety_days_from_its_end() {
    let stage = Stage::new();
    let long_ago = ended_for_ever(&stage).await;
    stage.clock.advance(DAY * 91);
    let lately = ended_for_ever(&stage).await;
    stage.clock.advance(DAY * 10);
    let before = entry(&stage, &lately).await.unwrap().value;
    stage.state.commands.let_ended_expire().await;
    assert_eq!(entry(&stage, &long_ago).await, None);
    assert_eq!(entry(&stage, &lately).await.unwrap().value, before);
    stage.clock.advance(DAY * 80 - Duration::from_secs(1));
    assert_eq!(state_of(&stage, &lately).await, "canceled");
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(entry(&stage, &lately).await, None);
}

#[tokio::test]
async fn a_store_whose_ended_commands_all_expire_is_not_gone_through_again() {
    let stage = Stage::new();
    stage.state.commands.let_ended_expire().await;
    let command = ended_for_ever(&stage).await;
    let before = entry(&stage, &command).await;
    let stage = stage.restarted();
    stage.state.commands.let_ended_expire().await;
    assert_eq!(entry(&stage, &command).await, before);
}

#[tokio::test]
async fn of_many_pages_none_is_left_out_and_one_that_cannot_be_read_is_not_kept_for_ever_either() {
    let stage = Stage::new();
    let command = ended_for_ever(&stage).await;
    let value = entry(&stage, &command).await.unwrap().value;
    let put = |number: u32| {
        let value = if number == 60 { b"{\"command\":".to_vec() } else { value.clone() };
        let key = format!("copy-{number:04}");
        Put { bucket: ENDED, key, value: Some(value), expected_revision: None, expires_at: None }
    };
    let puts = (0..120).map(put).collect();
    stage.state.backbone.commit(Batch { events: Vec::new(), puts }).await.unwrap();
    stage.state.commands.let_ended_expire().await;
    stage.clock.advance(DAY * 90);
    assert_eq!(stage.state.backbone.list(ENDED, None, 200).await.unwrap(), []);
}
