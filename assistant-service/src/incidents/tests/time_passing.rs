//! What time does: whoever is silent is missed, and nobody is for what was not listened to.

use std::sync::Arc;
use std::time::Duration;

use super::between::Between;
use super::*;
use crate::backbone::Standing;

/// One round of whoever follows the log.
async fn go_on(follower: &mut Follower) {
    look(follower).await;
    follower.tick_if_due().await.unwrap();
}

/// All devices have told for long enough to be missed.
async fn heard() -> (Stage, Follower, Millis) {
    heard_on(Stage::new()).await
}

async fn heard_on(stage: Stage) -> (Stage, Follower, Millis) {
    let start = millis(stage.clock.now());
    send_second(&stage, start, 0).await;
    let mut follower = follower(&stage).await;
    for number in 1..100 {
        send_second(&stage, start, number).await;
        go_on(&mut follower).await;
    }
    (stage, follower, start)
}

/// Whether anybody is missed after so many seconds of nothing.
async fn is_missed_after(stage: &Stage, follower: &mut Follower, seconds: u64) -> bool {
    for _ in 0..seconds {
        stage.clock.advance(Duration::from_secs(1));
        go_on(follower).await;
    }
    follower.census().await.alarms > 0
}

#[tokio::test]
async fn time_in_which_this_process_was_halted_is_no_silence_and_what_comes_after_it_is() {
    let (stage, mut follower, _) = heard().await;
    stage.clock.advance(Duration::from_secs(300));
    go_on(&mut follower).await;
    assert_eq!(follower.census().await.alarms, 0);
    assert!(!is_missed_after(&stage, &mut follower, 55).await);
    assert!(is_missed_after(&stage, &mut follower, 10).await);
}

#[tokio::test]
async fn a_wall_clock_that_is_set_makes_nobody_silent_and_blinds_nobody() {
    let (stage, mut follower, start) = heard().await;
    // None of them goes bad any more.
    let mut numbers = IS_WELL_AGAIN..;
    for by in [time::Duration::hours(1), time::Duration::minutes(-50)] {
        stage.clock.step(by);
        assert!(!is_missed_after(&stage, &mut follower, 10).await, "{by}");
        // Who goes on is heard as before, and is missed after its time when nothing more comes.
        for number in numbers.by_ref().take(100) {
            send_second(&stage, start, number).await;
            go_on(&mut follower).await;
            assert_eq!(follower.census().await.alarms, 0, "{by} {number}");
        }
        assert!(!is_missed_after(&stage, &mut follower, 50).await, "{by}");
        assert!(is_missed_after(&stage, &mut follower, 20).await, "{by}");
        send_second(&stage, start, numbers.next().unwrap()).await;
        go_on(&mut follower).await;
    }
}

#[tokio::test]
async fn whoever_is_cut_off_from_the_others_has_not_listened() {
    let stage = Stage::new();
    let between = Arc::new(Between::new(&stage));
    let (stage, mut follower, _) = heard_on(stage.replica_over(between.clone())).await;
    between.standing.send_replace(Standing::Behind);
    assert!(!is_missed_after(&stage, &mut follower, 100).await);
    between.standing.send_replace(Standing::Current);
    assert!(!is_missed_after(&stage, &mut follower, 55).await);
    assert!(is_missed_after(&stage, &mut follower, 10).await);
}

#[tokio::test]
async fn a_backlog_that_takes_its_time_makes_nobody_silent() {
    let (stage, mut follower, start) = heard().await;
    // They come in meanwhile, and nobody has the time for the clock.
    for number in 100..400 {
        send(&stage, DEVICES.map(|(device, _)| event(&second(device, start, number, false)))).await;
        stage.clock.advance(Duration::from_secs(1));
        if number % 50 == 0 {
            follower.look().await.unwrap();
        }
    }
    go_on(&mut follower).await;
    assert_eq!(follower.census().await.alarms, 0);
    assert!(said(&stage).await.is_empty());
}

#[tokio::test]
async fn as_much_as_the_clock_may_have_said_that_nobody_listened_is_said() {
    let (stage, mut follower, _) = heard().await;
    for _ in 0..1200 {
        follower.say(What::Tick).await.unwrap();
    }
    assert_eq!(follower.place.place.said.len(), 1000);
    let before = follower.place.place.checkpoint.number;
    stage.clock.advance(Duration::from_secs(300));
    go_on(&mut follower).await;
    assert_eq!(follower.census().await.alarms, 0);
    let place = &follower.place.place;
    assert_eq!((place.checkpoint.number, place.said.len()), (before + 1, 2), "they are a part of a checkpoint");
    assert!(is_missed_after(&stage, &mut follower, 65).await);
    // Whoever goes on has heard the same.
    let census = follower.census().await;
    follower.write(Vec::new(), Vec::new()).await.unwrap();
    assert_eq!(super::follower(&stage).await.census().await.alarms, census.alarms);
}
