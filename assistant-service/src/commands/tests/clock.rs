//! Wall clocks that are set, replicas that start, and stores that do not answer: none of it makes a holder silent.

use super::*;

const HOUR: time::Duration = time::Duration::HOUR;

async fn sweep(stage: &Stage) {
    stage.state.commands.sweep().await.unwrap();
}

async fn beat(stage: &Stage, command: &Value, fence: &Value) -> Answer {
    on(stage, command, "heartbeat", SERVICE, json!({"fence": fence})).await
}

#[tokio::test]
async fn a_clock_step_of_an_hour_in_the_middle_of_a_lease_loses_nothing() {
    for step in [HOUR, -HOUR] {
        let stage = Stage::new();
        let (begun, fence) = running(&stage, "restart-worker").await;
        let (held, _) = leased(&stage, "show-status").await;
        let pending = ask(&stage, "restart-worker").await;
        let scheduled = ask(&stage, "show-status").await;
        stage.clock.advance(Duration::from_secs(15));
        stage.clock.step(step);
        for (command, state) in
            [(&begun, "running"), (&held, "leased"), (&pending, "pending"), (&scheduled, "scheduled")]
        {
            sweep(&stage).await;
            assert_eq!(state_of(&stage, command).await, state, "{step}");
        }
        // Whoever lives says so, and whoever does not is silent 30 seconds after the last word, by no clock.
        assert_eq!(beat(&stage, &begun, &fence).await.status, StatusCode::OK);
        stage.clock.advance(Duration::from_secs(14));
        sweep(&stage).await;
        assert_eq!(state_of(&stage, &held).await, "leased", "{step}");
        stage.clock.advance(Duration::from_secs(1));
        sweep(&stage).await;
        assert_eq!(
            (state_of(&stage, &held).await, state_of(&stage, &begun).await),
            ("scheduled".into(), "running".into())
        );
        stage.clock.advance(Duration::from_secs(15));
        sweep(&stage).await;
        assert_eq!(state_of(&stage, &begun).await, "abandoned", "{step}");
        // What was to wait for an hour still has one, by what this process has seen.
        assert_eq!(decide(&stage, &pending, "ben", "approve").await.json["state"], "scheduled", "{step}");
    }
}

#[tokio::test]
async fn an_hour_is_over_when_it_has_been_seen_to_pass_although_the_clock_was_set_back() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    stage.clock.step(-HOUR * 24);
    stage.clock.advance(Duration::from_secs(3599));
    sweep(&stage).await;
    assert_eq!(state_of(&stage, &command).await, "pending");
    stage.clock.advance(Duration::from_secs(1));
    sweep(&stage).await;
    assert_eq!(state_of(&stage, &command).await, "expired");
}

#[tokio::test]
async fn run_times_are_counted_by_no_clock_either() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "restart-worker").await;
    for (step, state) in [(HOUR, "running"), (-HOUR * 2, "running"), (HOUR, "timeout")] {
        stage.clock.step(step);
        stage.clock.advance(Duration::from_secs(20));
        assert_eq!(beat(&stage, &command, &fence).await.status, StatusCode::OK);
        sweep(&stage).await;
        assert_eq!(state_of(&stage, &command).await, state);
    }
}

#[tokio::test]
async fn a_replica_that_has_just_started_counts_from_what_it_sees_itself() {
    let stage = Stage::new();
    let (begun, _) = running(&stage, "restart-worker").await;
    stage.clock.advance(Duration::from_secs(29));
    let stage = stage.restarted();
    sweep(&stage).await;
    stage.clock.advance(Duration::from_secs(29));
    sweep(&stage).await;
    assert_eq!(state_of(&stage, &begun).await, "running");
    stage.clock.advance(Duration::from_secs(1));
    sweep(&stage).await;
    assert_eq!(state_of(&stage, &begun).await, "abandoned");
}

#[tokio::test]
async fn a_heartbeat_through_one_replica_is_seen_by_the_other_and_each_lease_is_ended_once() {
    let stage = Stage::new();
    let other = stage.replica();
    let (command, fence) = running(&stage, "restart-worker").await;
    sweep(&other).await;
    for _ in 0..2 {
        stage.clock.advance(Duration::from_secs(14));
        assert_eq!(beat(&other, &command, &fence).await.status, StatusCode::OK);
        sweep(&stage).await;
        assert_eq!(state_of(&stage, &command).await, "running");
    }
    stage.clock.advance(Duration::from_secs(30));
    let (one, two) = tokio::join!(stage.state.commands.sweep(), other.state.commands.sweep());
    one.unwrap();
    two.unwrap();
    assert_eq!(trail(&stage, &command).await, ["requested", "pending", "scheduled", "leased", "running", "abandoned"]);
}

#[tokio::test]
async fn what_one_replica_schedules_is_announced_to_those_who_wait_at_another() {
    let stage = Stage::new();
    let other = stage.replica();
    let commands = std::sync::Arc::clone(&other.state.commands);
    let announcing = tokio::spawn(async move { commands.announce_for_ever().await });
    let started = std::time::Instant::now();
    let (leased, asked) = tokio::join!(try_lease(&other, 30), ask(&stage, "show-status"));
    assert_eq!(leased.json["command"]["id"], asked["id"]);
    assert!(started.elapsed() < crate::commands::lease::LOOK_EVERY, "it was found by looking, not by being told");
    announcing.abort();
}
