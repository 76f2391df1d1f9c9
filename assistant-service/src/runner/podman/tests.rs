//! Against a Podman that keeps its containers in a list; the real one is asked in the tests of the host.

mod broken_off;
mod fake;
mod real;

use serde_json::{Value, json};

use crate::runner::tests::{Stage, Told, failed, hostile, runbook};
use crate::runner::work::{Ending, Work};

use super::*;
use fake::Fake;

const RESTART: &str = "podman: {restart: {container: {parameter: value}}}";
const ROLL: &str = "podman: {roll: {container: web, image: {parameter: value}, healthy_within_seconds: 2}}";
const SCALE: &str = "podman: {scale: {pod: shop, image: 'a:1', replicas: {parameter: value}}}";

fn stage(action: &str) -> (Stage, Fake) {
    let kind = if action == SCALE { "integer" } else { "string" };
    let mut stage = Stage::new(&[runbook("act", &format!("steps: [{{name: act, {action}}}]"))
        .replace("value: {}}", &format!("value: {{type: {kind}}}}}, required: [value]"))]);
    let socket = stage.folder.path().join("podman.sock");
    let fake = Fake::listen(&socket);
    stage.runner.kinds.podman = Some(Podman::open(&socket).unwrap());
    (stage, fake)
}

async fn act(stage: &Stage, value: Value) -> (Ending, String) {
    stage.run("act", json!({"value": value})).await
}

fn what(ending: &Ending) -> String {
    let Ending::Succeeded(result) = ending else { panic!("{ending:?}") };
    result["steps"][0]["what"].as_str().unwrap().to_owned()
}

fn with_check() -> Value {
    json!({"Config": {"Cmd": ["serve"], "Healthcheck": {"Test": ["CMD", "true"]}}})
}

#[tokio::test]
async fn a_restart_is_seen_to_have_happened_and_a_dry_run_only_looks() {
    let (stage, fake) = stage(RESTART);
    fake.add("web", "a:1", json!({}));
    let dry = Work { dry_run: true, ..stage.work("act", json!({"value": "web"})) };
    let (ending, _) = stage.carry_out(&dry).await;
    assert!(
        what(&ending).starts_with("would restart the container web, running since 2026-01-01")
            && fake.changes().is_empty()
    );
    let (ending, _) = act(&stage, json!("web")).await;
    assert!(what(&ending).starts_with("the container web was restarted, running since 2026-02-02"), "{ending:?}");
    let (ending, _) = act(&stage, json!("gone")).await;
    assert!(failed(&ending).contains("there is no container gone"), "{ending:?}");
}

#[tokio::test]
async fn names_that_podman_does_not_give_are_refused_and_never_asked_for() {
    let (stage, fake) = stage(RESTART);
    for value in hostile::values() {
        let (ending, _) = act(&stage, json!(value)).await;
        assert!(failed(&ending).contains("refused"), "{value:.99}: {ending:?}");
    }
    // Some are good names of containers that are not there.
    let asked = fake.asked.lock().unwrap().clone();
    let harmless =
        |asked: &&String| ["yes", "null", "0x10", "1e3"].iter().any(|name| asked.contains(&format!("/{name}/json")));
    let other: Vec<_> = asked.iter().filter(|asked| !harmless(asked)).filter(|asked| asked.len() < 500).collect();
    assert!(other.is_empty() && asked.len() <= 4, "{other:?}");
    for value in [json!(1), json!(["web"]), json!({"a": 1}), json!(null)] {
        let (ending, _) = act(&stage, value).await;
        assert!(failed(&ending).contains("refused"), "{ending:?}");
    }
}

#[tokio::test]
async fn a_pod_is_scaled_by_copies_of_the_oldest_and_loses_the_newest_first() {
    let (stage, fake) = stage(SCALE);
    fake.add("one", "a:1", json!({"Pod": "shop"}));
    fake.add("other", "b:1", json!({"Pod": "shop"}));
    let (ending, _) = act(&stage, json!(3)).await;
    assert_eq!(what(&ending), "of a:1 in the pod shop 3 containers run; before there were 1");
    let spec = fake.containers.lock().unwrap().last().unwrap()["Spec"].clone();
    assert_eq!((&spec["pod"], &spec["env"], &spec["image"]), (&json!("shop"), &json!({"MODE": "fast"}), &json!("a:1")));
    assert_eq!(spec["volumes"], json!([{"Name": "data", "Dest": "/data", "Options": ["nosuid"]}]));
    assert_eq!((&spec["restart_policy"], spec.get("command"), spec.get("netns")), (&json!("always"), None, None));
    let (ending, _) = act(&stage, json!(1)).await;
    assert!(matches!(ending, Ending::Succeeded(_)), "{ending:?}");
    let names: Vec<_> = fake.list().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["one", "other"]);
    for wrong in [json!(0), json!(33), json!(-1), json!(1.5), json!("2"), json!(u64::MAX)] {
        let (ending, _) = act(&stage, wrong).await;
        assert!(failed(&ending).contains("refused"), "{ending:?}");
    }
}

#[tokio::test]
async fn a_container_is_replaced_once_the_new_one_is_healthy() {
    let (stage, fake) = stage(ROLL);
    fake.add("web", "a:1", with_check());
    let (ending, _) = act(&stage, json!("a:2")).await;
    assert!(what(&ending).starts_with("the container web was replaced"), "{ending:?}");
    assert_eq!(fake.list(), [("web".to_owned(), true, "a:2".to_owned())]);
    assert!(!fake.changes().iter().any(|change| change.contains("/stop")), "the old one served until then");
}

#[tokio::test]
async fn one_that_does_not_become_healthy_is_taken_away_and_the_old_one_put_back() {
    for (members, was_stopped) in [
        (json!({}), false),
        (json!({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}, "NetworkMode": "bridge"}}), true),
    ] {
        let (stage, fake) = stage(ROLL);
        let mut all = with_check();
        all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        fake.add("web", "a:1", all);
        *fake.health.lock().unwrap() = "unhealthy";
        let (ending, _) = act(&stage, json!("a:2")).await;
        let said = failed(&ending);
        assert!(said.contains("was not healthy within 2 s; the old one was put back"), "{ending:?}");
        assert_eq!(fake.list(), [("web".to_owned(), true, "a:1".to_owned())]);
        assert_eq!(fake.changes().iter().any(|change| change.contains("/stop")), was_stopped);
    }
}

#[tokio::test]
async fn a_roll_that_is_to_be_stopped_puts_the_old_one_back() {
    let (stage, fake) = stage(&ROLL.replace("healthy_within_seconds: 2", "healthy_within_seconds: 20"));
    fake.add("web", "a:1", with_check());
    *fake.health.lock().unwrap() = "starting";
    let told = Told::default();
    let work = stage.work("act", json!({"value": "a:2"}));
    let stop = async {
        while !fake.changes().iter().any(|change| change.contains("/start")) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        told.ask_to_stop();
    };
    let (ending, ()) = tokio::join!(stage.runner.carry_out(&work, &told), stop);
    assert!(matches!(ending, Ending::Canceled(_)), "{ending:?}");
    assert_eq!(fake.list(), [("web".to_owned(), true, "a:1".to_owned())]);
}

#[tokio::test]
async fn what_is_not_copied_whole_is_not_copied_and_an_image_that_is_not_there_is_not_pulled() {
    let (stage, fake) = stage(ROLL);
    fake.add("web", "a:1", json!({"HostConfig": {"Privileged": true}}));
    for (image, why) in [("a:2", "is privileged"), ("gone:1", "is not on this host"), ("../a", "no image's name")] {
        let (ending, _) = act(&stage, json!(image)).await;
        assert!(failed(&ending).contains(why) && fake.changes().is_empty(), "{ending:?}");
    }
}

#[tokio::test]
async fn a_later_runner_says_what_it_sees_of_a_container_and_no_more() {
    let (stage, fake) = stage(RESTART);
    let podman = stage.runner.kinds.podman.as_ref().unwrap();
    let handle = |id: &str, started_at: &str| Handle::Container {
        name: "web".to_owned(),
        id: id.to_owned(),
        image: String::new(),
        started_at: started_at.to_owned(),
    };
    let new = Handle::NewContainer { name: "web".to_owned() };
    assert_eq!(podman.found(&new).await, "there is no container web now");
    fake.add("web", "a:1", json!({}));
    let (id, then) = ("web0123456789abcdef", "2026-01-01T00:00:00Z");
    for (handle, seen) in [
        (handle(id, then), "is as it was"),
        (handle(id, "2025-01-01T00:00:00Z"), "was started again"),
        (handle("another", then), "is another one now"),
        (new, "there is a container web now"),
    ] {
        assert!(podman.found(&handle).await.contains(seen), "{handle:?}");
    }
    std::fs::remove_file(stage.folder.path().join("podman.sock")).unwrap();
    assert!(podman.found(&handle(id, then)).await.contains("nobody knows"));
}
