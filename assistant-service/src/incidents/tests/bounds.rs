//! However much is told at once, each step fits a store of either form.

use diagnosis::detector::{Direction, Kind};
use diagnosis::engine::{Change, MOST_CHANGES};
use diagnosis::incident::{Incident, MOST_DEVICES, MOST_MOVED, Movement, Similar};
use diagnosis::series::SeriesKey;
use programs::nats::{NatsOptions, NatsServer};

use super::*;
use crate::incidents::hearing::{Changed, Outcome};
use crate::testing::joined::join;

/// As large as an incident can be: names of 64 bytes, each of which takes two in JSON.
fn largest(number: u64) -> Incident {
    let name = |number: usize| format!("{number:02}{}", "\"".repeat(62));
    let movement = |number: usize| Movement {
        series: SeriesKey { device: name(number), build: name(number), scene: name(number), metric: name(number) },
        kind: Kind::LevelShift,
        direction: Direction::Down,
        began_at: 1_772_366_400_000,
        before: -1.234_567_890_123_456e-200,
        now: -1.234_567_890_123_456e-200,
        score: 0.123_456_789_012_345_6,
        is_over: false,
    };
    let similar = || Similar { incident: "a".repeat(32), resemblance: 1.0 / 3.0, title: name(1).repeat(4) };
    Incident {
        moved: (0..MOST_MOVED).map(movement).collect(),
        moved_in_all: 10_000,
        devices: (0..MOST_DEVICES).map(name).collect(),
        devices_in_all: 10_000,
        similar: (0..5).map(|_| similar()).collect(),
        ..super::taking_over::incident(number)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_much_as_one_batch_or_tick_can_change_is_one_step_of_a_shared_log_too() {
    let stage = Stage::new();
    let server = NatsServer::start(&NatsOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let replica = stage.replica_over(join(&server, "BOUNDS", folder.path(), stage.clock.clone()).await);
    send_second(&replica, millis(replica.clock.now()), 0).await;
    let mut following = follower(&replica).await;
    let at = following.place.place.cursor;
    let most = u64::try_from(MOST_CHANGES).unwrap();
    let numbers = |word: u64| (word * most..(word + 1) * most).map(|number| Change::Opened(largest(number)));
    // What two ticks can change at most, heard together.
    let changed = (0..2).map(|word| Changed { at: at + word, heard: 0, changes: numbers(word).collect() }).collect();
    following.tell(Outcome { changed, ..Outcome::default() }).await.unwrap();
    let said = said(&replica).await;
    assert_eq!(of_type(&said, "opened").len(), MOST_CHANGES * 2);
}
