//! Against the real Podman, with the containers and images that `scripts/with-podman.sh` has made.

use std::path::PathBuf;

use super::*;

fn real(action: &str, kind: &str) -> Stage {
    let socket = std::env::var_os("WATCHGATE_TEST_PODMAN").map(PathBuf::from).unwrap();
    let text = runbook("act", &format!("steps: [{{name: act, {action}}}]"));
    let mut stage = Stage::new(&[text.replace("value: {}}", &format!("value: {{type: {kind}}}}}, required: [value]"))]);
    stage.runner.kinds.podman = Some(Podman::open(&socket).unwrap());
    stage
}

async fn image_of(stage: &Stage, name: &str) -> (String, bool) {
    let podman = stage.runner.kinds.podman.as_ref().unwrap();
    let container = Container::read(&podman.api, name).await.unwrap();
    (container.image_name, container.is_running)
}

#[tokio::test]
#[ignore = "needs Podman: see scripts/test-host.sh"]
async fn real_podman_restarts_shows_lines_rolls_puts_back_and_scales() {
    let stage = real(RESTART, "string");
    let info = stage.runner.kinds.podman.as_ref().unwrap().api.look(&["info"]).await.unwrap().unwrap();
    assert_eq!(info["host"]["security"]["rootless"], true);
    let (ending, _) = act(&stage, json!("web")).await;
    assert!(what(&ending).contains("was restarted"), "{ending:?}");
    let (ending, _) = act(&stage, json!("nobody")).await;
    assert!(failed(&ending).contains("there is no container nobody"), "{ending:?}");

    let stage = real("podman: {logs: {container: {parameter: value}, tail: 1}}", "string");
    let (ending, told) = act(&stage, json!("web")).await;
    assert!(what(&ending).starts_with("1 lines") && told.contains("hello\n"), "{ending:?} {told}");

    let stage = real(ROLL, "string");
    let (ending, _) = act(&stage, json!("localhost/watchgate-test:2")).await;
    assert!(what(&ending).contains("was replaced"), "{ending:?}");
    assert_eq!(image_of(&stage, "web").await, ("localhost/watchgate-test:2".to_owned(), true));
    for bad in ["localhost/watchgate-test:ends", "localhost/watchgate-test:gone"] {
        let (ending, _) = act(&stage, json!(bad)).await;
        failed(&ending);
        assert_eq!(image_of(&stage, "web").await, ("localhost/watchgate-test:2".to_owned(), true), "{ending:?}");
    }

    // With a health check, and a port of its pod's that two could not have.
    let healthy = ROLL.replace("container: web", "container: shop-one").replace("seconds: 2", "seconds: 20");
    let stage = real(&healthy, "string");
    let (ending, _) = act(&stage, json!("localhost/watchgate-test:2")).await;
    assert!(what(&ending).contains("was replaced"), "{ending:?}");
    let stage = real(&healthy.replace("seconds: 20", "seconds: 3"), "string");
    let (ending, _) = act(&stage, json!("localhost/watchgate-test:ill")).await;
    assert!(failed(&ending).contains("the old one was put back"), "{ending:?}");
    assert_eq!(image_of(&stage, "shop-one").await, ("localhost/watchgate-test:2".to_owned(), true));

    let stage = real(&SCALE.replace("a:1", "localhost/watchgate-test:2"), "integer");
    for (replicas, before) in [(3, 1), (1, 3)] {
        let (ending, _) = act(&stage, json!(replicas)).await;
        assert!(
            what(&ending).contains(&format!("{replicas} containers run; before there were {before}")),
            "{ending:?}"
        );
    }
    assert_eq!(image_of(&stage, "shop-one").await, ("localhost/watchgate-test:2".to_owned(), true));
}
