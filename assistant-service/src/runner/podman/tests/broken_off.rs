//! Rolls that broke off at each of their points.

use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::runner::journal::{Handle, Phase, Replacement, Said, Trail};
use crate::runner::late;
use crate::runner::podman::broken_off::settle;

const OLD: &str = "web0123456789abcdef";
const NEW: &str = "web-next-x0123456789abcdef";

fn roll() -> Replacement {
    Replacement {
        name: "web".to_owned(),
        id: OLD.to_owned(),
        was_running: true,
        beside: "web-next-x".to_owned(),
        aside: "web-before-x".to_owned(),
    }
}

fn called(name: &str, is_running: bool) -> Value {
    let state = if is_running { "running" } else { "exited" };
    json!({"Name": name, "State": {"Running": is_running, "Status": state, "StartedAt": "2026-01-01T00:00:00Z"}})
}

/// What becomes of an old one and a new one with these names, which run or not.
async fn settled(old: Option<(&str, bool)>, new: Option<(&str, bool)>) -> (Vec<(String, bool, String)>, Said) {
    let (stage, fake) = stage(ROLL);
    if let Some((name, is_running)) = old {
        fake.add("web", "a:1", called(name, is_running));
    }
    if let Some((name, is_running)) = new {
        fake.add("web-next-x", "a:2", called(name, is_running));
    }
    let podman = stage.runner.kinds.podman.as_ref().unwrap();
    let said = podman.settle(&roll(), Some(NEW)).await.unwrap();
    (fake.list(), said)
}

#[tokio::test]
async fn wherever_a_roll_breaks_off_one_whole_container_is_left_under_the_name() {
    let (web, next, before) = ("web", "web-next-x", "web-before-x");
    let cases = [
        // Before the new one was there, and while it was not known to be healthy.
        (Some((web, true)), None, "a:1"),
        (Some((web, false)), None, "a:1"),
        (Some((web, true)), Some((next, false)), "a:1"),
        (Some((web, true)), Some((next, true)), "a:1"),
        (Some((web, false)), Some((next, true)), "a:1"),
        // While the name went over.
        (Some((before, true)), Some((next, true)), "a:2"),
        (Some((before, false)), Some((web, true)), "a:2"),
        (Some((before, true)), Some((next, false)), "a:1"),
        (Some((before, false)), Some((web, false)), "a:1"),
        (Some((before, false)), None, "a:1"),
        (None, Some((web, true)), "a:2"),
    ];
    let all = cases.map(|(old, new, image)| async move {
        let (list, said) = settled(old, new).await;
        assert_eq!(list, [("web".to_owned(), true, image.to_owned())], "{old:?} {new:?}");
        assert_eq!(said.outcome, if image == "a:2" { "succeeded" } else { "failed" }, "{old:?} {new:?}: {said:?}");
    });
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn what_somebody_else_has_done_meanwhile_is_left_as_it_is() {
    for (old, new) in [
        (None, None),
        (None, Some(("web-next-x", true))),
        (Some(("elsewhere", true)), Some(("web", true))),
        (Some(("web", true)), Some(("elsewhere", true))),
    ] {
        let (list, said) = settled(old, new).await;
        let both: Vec<_> = [old, new].into_iter().flatten().map(|(name, _)| name).collect();
        assert!(list.len() == both.len() && list.iter().all(|(name, ..)| both.contains(&name.as_str())), "{list:?}");
        assert_eq!(said.outcome, "unknown", "{said:?}");
    }
}

#[tokio::test]
async fn one_that_podman_makes_after_its_caller_is_gone_is_waited_for_and_taken_away() {
    let (stage, fake) = stage(ROLL);
    fake.add("web", "a:1", called("web", false));
    let podman = stage.runner.kinds.podman.as_ref().unwrap();
    let late = async {
        let looks = || fake.asked.lock().unwrap().iter().filter(|asked| asked.contains("web-next-x/json")).count();
        until(|| looks() >= 5).await;
        fake.add("web-next-x", "a:2", called("web-next-x", false));
    };
    let roll = roll();
    let (said, ()) = tokio::join!(settle(&podman.api, &roll, None, Duration::from_secs(8)), late);
    assert_eq!(said.unwrap().outcome, "failed");
    assert_eq!(fake.list(), [("web".to_owned(), true, "a:1".to_owned())]);
}

#[tokio::test]
async fn a_roll_whose_lease_is_lost_puts_the_old_one_back_before_anything_else_is_changed() {
    let port = json!({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}, "NetworkMode": "bridge"}});
    let (stage, fake) = stage(&ROLL.replace("seconds: 2", "seconds: 20"));
    let mut members = with_check();
    members.as_object_mut().unwrap().extend(port.as_object().unwrap().clone());
    fake.add("web", "a:1", members);
    *fake.health.lock().unwrap() = "starting";
    tokio::select! {
        ended = act(&stage, json!("a:2")) => panic!("{ended:?}"),
        () = until(|| fake.changes().iter().any(|change| change.contains("/start"))) => {}
    }
    *fake.health.lock().unwrap() = "healthy";
    let (ending, _) = act(&stage, json!("a:3")).await;
    assert!(what(&ending).contains("was replaced"), "{ending:?}");
    assert_eq!(fake.list(), [("web".to_owned(), true, "a:3".to_owned())]);
    let changes = fake.changes();
    let place = |wanted: &str| changes.iter().rposition(|change| change.contains(wanted)).unwrap();
    assert!(place(&format!("{OLD}/start")) < place("/create"), "{changes:?}");
}

#[tokio::test]
async fn the_next_runner_puts_in_order_what_a_killed_one_has_left_and_tells_it() {
    let (stage, fake) = stage(ROLL);
    fake.add("web", "a:1", called("web", false));
    fake.add("web-next-x", "a:2", called("web-next-x", true));
    let trail = Trail::begin(&stage.runner.journal, &stage.work("act", json!({"value": "a:2"}))).await.unwrap();
    let step = trail.step(Phase::Steps, 1, "podman", "act").await.unwrap();
    step.handle(Handle::Replaced(roll())).await.unwrap();
    step.handle(Handle::Made { id: NEW.to_owned() }).await.unwrap();
    drop(trail);
    let podman = stage.runner.kinds.podman.as_ref().unwrap();
    for _ in 0..2 {
        late::put_in_order(&stage.runner.journal, podman).await.unwrap();
        assert_eq!(fake.list(), [("web".to_owned(), true, "a:1".to_owned())]);
        let [truth] = &stage.truths().await[..] else { panic!() };
        let told = failed(&truth.ending);
        assert!(told.contains("step 1 (act): failed: the container web is the old one, running since"), "{told}");
    }
    // What was found out is found out once: whoever stops it from now on has stopped it.
    let changes = fake.changes().len();
    fake.containers.lock().unwrap()[0]["State"]["Running"] = json!(false);
    late::put_in_order(&stage.runner.journal, podman).await.unwrap();
    assert_eq!(fake.changes().len(), changes);
}

#[tokio::test]
async fn what_a_killed_runner_made_for_a_pod_and_did_not_start_goes_and_what_runs_stays() {
    for (state, is_running, left) in [("created", false, 0), ("running", true, 1), ("exited", false, 1)] {
        let (stage, fake) = stage(SCALE);
        let shown = json!({"State": {"Running": is_running, "Status": state, "StartedAt": ""}});
        fake.add("shop-x-1", "a:1", shown);
        let trail = Trail::begin(&stage.runner.journal, &stage.work("act", json!({"value": 2}))).await.unwrap();
        let step = trail.step(Phase::Steps, 1, "podman", "act").await.unwrap();
        step.handle(Handle::NewContainer { name: "shop-x-1".to_owned() }).await.unwrap();
        drop(trail);
        let podman = stage.runner.kinds.podman.as_ref().unwrap();
        late::put_in_order(&stage.runner.journal, podman).await.unwrap();
        assert_eq!(fake.list().len(), left, "{state}");
    }
}

async fn until(condition: impl Fn() -> bool) {
    let seen = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), seen).await.unwrap();
}
