//! What a runner that was killed would find.

use std::io::Write;

use super::*;
use crate::runner::journal::{Fact, Handle, Phase, Said, Trail};
use crate::runner::late::Truth;

#[tokio::test]
async fn an_end_that_was_not_told_is_told_as_it_was() {
    let (service, _) = service();
    let stage = Stage::new(&[runbook("tell", &format!("steps:\n{}", post(&service, "/")))]).with_webhooks(&service);
    let work = stage.work("tell", json!({"value": "a secret"}));
    let (ending, _) = stage.carry_out(&work).await;
    assert_eq!(stage.truths().await, [Truth { command: work.id, fence: 7, ending }]);
    for file in files_below(&stage.state()) {
        assert!(!fs::read_to_string(&file).unwrap_or_default().contains("a secret"), "{file:?}");
    }
}

#[tokio::test]
async fn a_command_that_broke_off_is_told_step_by_step_and_what_nobody_knows_is_unknown() {
    let stage = Stage::new(&[]);
    let work = Work {
        id: "c-1".to_owned(),
        fence: 3,
        runbook: "r".to_owned(),
        runbook_digest: String::new(),
        parameters: json!({}),
        timeout_seconds: 1,
        dry_run: false,
        attempt: 2,
    };
    let trail = Trail::begin(&stage.runner.journal, &work).await.unwrap();
    assert!(stage.truths().await.is_empty(), "it is still in hand");
    let first = trail.step(Phase::Steps, 1, "webhook", "one").await.unwrap();
    first.done(Said { outcome: "succeeded".to_owned(), what: "answered 200".to_owned() }).await.unwrap();
    let second = trail.step(Phase::Steps, 2, "webhook", "two").await.unwrap();
    second.handle(Handle::Request { url: "https://hooks.example.com/".to_owned() }).await.unwrap();
    trail.step(Phase::Steps, 3, "podman", "three").await.unwrap();
    drop(trail);

    // It was killed while it wrote, in the middle of a character.
    let file = stage.state().join("c-1.3.jsonl");
    let mut torn = fs::OpenOptions::new().append(true).open(&file).unwrap();
    torn.write_all(b"{\"fact\":\"done\",\"mark\":\"\xc3").unwrap();
    let [truth] = &stage.truths().await[..] else { panic!() };
    assert_eq!((truth.command.as_str(), truth.fence), ("c-1", 3));
    assert_eq!(
        failed(&truth.ending),
        "the runner stopped in the middle of the command; step 1 (one): succeeded: answered 200; step 2 (two): nobody knows \
         whether the request to https://hooks.example.com/ was sent; step 3 (three): it was not begun"
    );
}

#[tokio::test]
async fn what_is_found_out_later_is_added_behind_the_last_whole_line() {
    let stage = Stage::new(&[]);
    let taken =
        r#"{"fact":"taken","command":"c-1","fence":1,"attempt":1,"runbook":"r","runbook_digest":"","dry_run":false}"#;
    fs::write(stage.state().join("c-1.1.jsonl"), format!("{taken}\n{{\"fact\":\"done\",\"ma")).unwrap();
    let done = Fact::Done { mark: "m".to_owned(), said: Said { outcome: "failed".to_owned(), what: "x".to_owned() } };
    let mut left = stage.runner.journal.left().unwrap();
    left[0].add(done.clone()).unwrap();
    let again = stage.runner.journal.left().unwrap();
    assert_eq!((again[0].facts.len(), again[0].facts.last()), (2, Some(&done)));
    assert_eq!(again[0].facts, left[0].facts);
}

#[tokio::test]
async fn a_file_of_no_use_is_put_aside_and_one_that_was_never_begun_says_nothing() {
    let stage = Stage::new(&[]);
    fs::write(stage.state().join("c-1.1.jsonl"), "not json\n").unwrap();
    fs::write(stage.state().join("c-2.1.jsonl"), "{\"fact\":").unwrap();
    assert!(stage.truths().await.is_empty());
    assert!(stage.state().join("c-1.1.unreadable").exists());
    assert_eq!(stage.runner.journal.left().unwrap().len(), 1);
}

#[test]
fn two_runners_do_not_share_a_journal() {
    let stage = Stage::new(&[]);
    assert!(Journal::open(&stage.state()).err().unwrap().to_string().contains("another runner"));
    let state = stage.state();
    let Stage { runner, folder } = stage;
    drop(runner);
    Journal::open(&state).unwrap();
    drop(folder);
}

#[tokio::test]
async fn without_a_journal_nothing_is_begun() {
    let (service, heard) = service();
    let stage = Stage::new(&[runbook("tell", &format!("steps:\n{}", post(&service, "/")))]).with_webhooks(&service);
    let work = stage.work("tell", json!({"value": 1}));
    fs::remove_dir_all(stage.state()).unwrap();
    let (ending, _) = stage.carry_out(&work).await;
    assert!(failed(&ending).contains("journal cannot be written"), "{ending:?}");
    assert!(heard.lock().unwrap().is_empty());
}

#[test]
fn what_an_earlier_runner_left_running_is_ended_before_anything_else() {
    let stage = Stage::new(&[]);
    let mark = uuid::Uuid::now_v7().simple().to_string();
    let taken = Fact::Taken {
        command: "c-1".to_owned(),
        fence: 1,
        attempt: 1,
        runbook: "r".to_owned(),
        runbook_digest: String::new(),
        dry_run: false,
    };
    let begun = Fact::Begun {
        phase: Phase::Steps,
        number: 1,
        kind: "ansible".to_owned(),
        name: "one".to_owned(),
        mark: mark.clone(),
    };
    let lines: String = [taken, begun].iter().map(|fact| serde_json::to_string(fact).unwrap() + "\n").collect();
    fs::write(stage.state().join("c-1.1.jsonl"), lines).unwrap();
    let mut left =
        std::process::Command::new("sleep").arg("300").env(crate::runner::processes::MARK, &mark).spawn().unwrap();
    crate::runner::late::end_what_was_left(&stage.runner.journal).unwrap();
    assert!(!left.wait().unwrap().success());
}
