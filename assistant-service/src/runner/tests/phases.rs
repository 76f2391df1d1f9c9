//! Steps, checks and undoing, in the order of their outcomes.

use super::*;

fn of(service: &Provider, steps: &[&str], verify: &[&str], rollback: &[&str]) -> String {
    let mut text = String::new();
    for (member, paths) in [("steps", steps), ("verify", verify), ("rollback", rollback)] {
        if !paths.is_empty() {
            let posts: String = paths.iter().map(|path| post(service, path)).collect();
            text.push_str(&format!("{member}:\n{posts}"));
        }
    }
    runbook("tell", &text)
}

fn paths(heard: &Mutex<Vec<String>>) -> Vec<String> {
    let heard = heard.lock().unwrap();
    heard.iter().map(|request| request.split(' ').nth(1).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_done_and_holds_has_succeeded_with_an_entry_for_each_step() {
    let (service, heard) = service();
    let stage = Stage::new(&[of(&service, &["/a", "/b"], &["/check"], &["/undo"])]).with_webhooks(&service);
    let (ending, told) = stage.run("tell", json!({"value": 1})).await;
    let Ending::Succeeded(result) = ending else { panic!("{ending:?}") };
    let entry = |phase: &str, path: &str| {
        json!({
            "phase": phase, "name": format!("tell {path}"), "kind": "webhook", "outcome": "succeeded",
            "what": "localhost answered 200",
        })
    };
    assert_eq!(result, json!({"steps": [entry("steps", "/a"), entry("steps", "/b"), entry("verify", "/check")]}));
    assert_eq!(paths(&heard), ["/a", "/b", "/check"]);
    assert!(told.starts_with("[0% step 1 of 2: tell /a]\n") && told.contains("[verifying]"), "{told}");
    assert!(told.contains("[50% "), "{told}");
}

#[tokio::test]
async fn a_step_or_a_check_that_fails_leads_back_and_no_further() {
    for (steps, verify, expected, why) in [
        (&["/fails", "/never"][..], &[][..], &["/fails", "/undo"][..], "answered 500"),
        (&["/a"], &["/fails", "/never"], &["/a", "/fails", "/undo"], "did not hold"),
        (&["/a", "/elsewhere"], &[], &["/a", "/elsewhere", "/undo"], "leads elsewhere"),
    ] {
        let (service, heard) = service();
        let stage = Stage::new(&[of(&service, steps, verify, &["/undo"])]).with_webhooks(&service);
        let (ending, told) = stage.run("tell", json!({"value": 1})).await;
        assert!(failed(&ending).contains(why) && failed(&ending).ends_with("it was rolled back"), "{ending:?}");
        assert_eq!(paths(&heard), expected);
        assert!(told.contains("[rolling back]"), "{told}");
    }
}

#[tokio::test]
async fn a_rollback_that_is_missing_or_fails_is_said() {
    for (rollback, why) in [
        (&[][..], "the runbook has no rollback"),
        (&["/elsewhere"], "the rollback failed: undoing 1 (tell /elsewhere)"),
    ] {
        let (service, _) = service();
        let stage = Stage::new(&[of(&service, &["/fails"], &[], rollback)]).with_webhooks(&service);
        let (ending, _) = stage.run("tell", json!({"value": 1})).await;
        assert!(failed(&ending).contains(why), "{ending:?}");
    }
}

#[tokio::test]
async fn a_command_that_is_to_be_stopped_ends_rolls_back_and_is_canceled() {
    let (service, heard) = service();
    let stage = Stage::new(&[of(&service, &["/a", "/silence", "/never"], &[], &["/undo"])]).with_webhooks(&service);
    let told = Told::default();
    let work = stage.work("tell", json!({"value": 1}));
    let stop = async {
        while paths(&heard).len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        told.ask_to_stop();
    };
    let (ending, ()) = tokio::join!(stage.runner.carry_out(&work, &told), stop);
    let Ending::Canceled(why) = ending else { panic!("{ending:?}") };
    assert!(why.contains("somebody asked") && why.ends_with("it was rolled back"), "{why}");
    assert_eq!(paths(&heard), ["/a", "/silence", "/undo"]);
}

#[tokio::test]
async fn a_phase_ends_a_little_before_the_commands_time() {
    let (service, _) = service();
    let stage = Stage::new(&[of(&service, &["/silence"], &[], &[])]).with_webhooks(&service);
    let begun = std::time::Instant::now();
    let (ending, _) = stage.carry_out(&Work { timeout_seconds: 2, ..stage.work("tell", json!({"value": 1})) }).await;
    assert!(failed(&ending).contains("time was over"), "{ending:?}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(2));
}

#[tokio::test]
async fn a_dry_run_does_nothing_and_neither_checks_nor_undoes() {
    let (service, heard) = service();
    let stage = Stage::new(&[of(&service, &["/a"], &["/check"], &["/undo"])]).with_webhooks(&service);
    let (ending, told) = stage.carry_out(&Work { dry_run: true, ..stage.work("tell", json!({"value": 1})) }).await;
    assert!(matches!(ending, Ending::Succeeded(_)), "{ending:?}");
    assert!(told.contains("a webhook has no dry run") && heard.lock().unwrap().is_empty(), "{told}");
}
