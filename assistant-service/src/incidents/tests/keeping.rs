//! What is kept of devices: in pieces, twice, and out of memory while they are idle.

use diagnosis::engine::Limits;

use super::*;
use crate::backbone::Backbone;
use crate::incidents::kept_bytes::{KeptBytes, PieceToWrite};

const BUCKET: &str = "test";

async fn write(backbone: &dyn Backbone, kept: &mut KeptBytes, pieces: &[PieceToWrite], checkpoint: u64) {
    for piece in pieces {
        let puts = vec![piece.put.clone()];
        let committed = backbone.commit(backbone::Batch { events: Vec::new(), puts }).await.unwrap();
        kept.wrote(piece, checkpoint, committed.revisions[0]);
    }
}

#[tokio::test]
async fn wherever_a_write_is_cut_off_what_held_before_is_there_and_the_next_write_holds() {
    let stage = Stage::new();
    let backbone = &*stage.state.backbone;
    let bytes = |checkpoint: u64, count: usize| vec![u8::try_from(checkpoint).unwrap(); count];
    let sizes = [10, 500_000, 0, 200_000, 900_000, 30];
    let mut held = 0;
    for (round, size) in (1..).zip(sizes) {
        // Each time cut off after another number of pieces, by somebody who knows only what is kept.
        for cut in 0..6 {
            let (mut kept, before) = KeptBytes::read(backbone, BUCKET, "a/b", 0..=held).await.unwrap();
            let cut_off = bytes(99, 700_000 - 100_000 * cut);
            let pieces = kept.pieces(&cut_off, held, held + 1, None);
            write(backbone, &mut kept, &pieces[..cut.min(pieces.len())], held + 1).await;
            let after = KeptBytes::read(backbone, BUCKET, "a/b", 0..=held).await.unwrap().1;
            assert_eq!(after, before, "round {round}, cut off after {cut} pieces");
        }
        let (mut kept, _) = KeptBytes::read(backbone, BUCKET, "a/b", 0..=held).await.unwrap();
        let content = bytes(round, size);
        let pieces = kept.pieces(&content, held, held + 1, None);
        write(backbone, &mut kept, &pieces, held + 1).await;
        // It holds as soon as the place says so, and not before.
        held += 1;
        let read = KeptBytes::read(backbone, BUCKET, "a/b", 0..=held).await.unwrap().1;
        assert_eq!(read, Some(content), "round {round}");
    }
}

#[tokio::test]
async fn of_devices_that_there_is_no_room_for_nothing_stays() {
    let stage = Stage::new();
    let start = millis(stage.clock.now());
    send_second(&stage, start, 0).await;
    let mut following = follower(&stage).await;
    following.limit(Limits { devices: 5, ..Limits::default() }).await;
    for number in 1..=60 {
        let new = (0..3).map(|one| event(&second(&format!("console-{number}-{one}"), start, number, false)));
        send(&stage, new).await;
        stage.clock.advance(std::time::Duration::from_secs(1));
        look_and_tick(&mut following).await;
        if number % 20 == 10 {
            following.begin_checkpoint().await.unwrap();
        }
        following.write_some().await.unwrap();
        assert!(following.kept_devices().0 <= 5 + 5, "{number}: {:?}", following.kept_devices());
    }
    let known = following.census().await.devices;
    assert_eq!(known, 5);
    for _ in 0..2 {
        following.begin_checkpoint().await.unwrap();
        while following.write_some().await.unwrap() {}
    }
    assert_eq!(following.kept_devices(), (5, 0));
    let entries = stage.state.backbone.list("incidents.series", None, 100).await.unwrap();
    assert_eq!(entries.len(), 5, "{:?}", entries.iter().map(|entry| &entry.key).collect::<Vec<_>>());
}

/// A minute of samples, eleven minutes of nothing, another good minute and then a bad one.
async fn play_with_a_gap(parks: bool) -> Vec<Value> {
    let stage = Stage::new();
    let start = millis(stage.clock.now());
    send_second(&stage, start, 0).await;
    let mut following = follower(&stage).await;
    for number in 1..60 {
        send_second(&stage, start, number).await;
        look_and_tick(&mut following).await;
    }
    stage.clock.advance(std::time::Duration::from_secs(11 * 60));
    look_and_tick(&mut following).await;
    assert_eq!(following.census().await.series, 8);
    if parks {
        following.begin_checkpoint().await.unwrap();
        while following.write_some().await.unwrap() {}
        assert_eq!(following.census().await.series, 0);
    }
    let start = millis(stage.clock.now()) - (GOES_BAD - 60) * 1000;
    for number in GOES_BAD - 60..GOES_BAD + 60 {
        send_second(&stage, start, number).await;
        look_and_tick(&mut following).await;
    }
    assert_eq!(following.census().await.series, 8);
    said(&stage).await.iter().map(|event| json!({"id": event["id"], "data": event["data"]})).collect()
}

#[tokio::test]
async fn an_idle_device_leaves_memory_and_comes_back_as_it_was() {
    let (parked, never) = (play_with_a_gap(true).await, play_with_a_gap(false).await);
    assert!(parked.iter().any(|said| said["data"]["moved"][0]["metric"] == "FrameTime"), "{parked:?}");
    assert_eq!(parked, never);
}
