//! A runner that is killed in the middle of a playbook, and the one that comes after it.

use std::process::{Command, Stdio};

use super::*;
use crate::runner::journal::{Fact, Journal};
use crate::runner::late;

const WHERE: &str = "WATCHGATE_TEST_WHERE";

#[tokio::test]
#[ignore = "the one that is killed by the test below"]
async fn one_that_is_killed() {
    let Some(told) = std::env::var_os(WHERE) else { return };
    let copy = Copy::new(&[("sleep.yml", SLEEP)], &step("sleep.yml"));
    fs::write(told, copy.stage.folder.path().to_str().unwrap()).unwrap();
    copy.stage.run("play", json!({"value": "a secret"})).await;
}

fn wait_for(path: &Path) -> String {
    let begun = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.starts_with('/') || path.ends_with("began") => return text,
            _ => assert!(begun.elapsed() < Duration::from_secs(120), "{path:?} does not come"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn what_was_begun_does_not_outlive_a_killed_runner_and_the_next_one_tells_what_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("where");
    let mut killed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "runner::ansible::tests::killed::one_that_is_killed"])
        .env(WHERE, &told)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let place = PathBuf::from(wait_for(&told));
    wait_for(&place.join("out/began"));
    killed.kill().unwrap();
    killed.wait().unwrap();

    let journal = Journal::open(&place.join("state")).unwrap();
    late::end_what_was_left(&journal).unwrap();
    let [kept] = &journal.left().unwrap()[..] else { panic!() };
    let marks = kept.facts.iter().filter_map(|fact| match fact {
        Fact::Begun { mark, .. } => Some(mark.as_str()),
        _ => None,
    });
    for mark in marks {
        assert_eq!(processes::end_marked(mark), (0, true), "something outlived it");
    }
    let Some(Truth { fence, ending, .. }) = truth(&journal, kept, None).await else { panic!() };
    assert_eq!(fence, 7);
    let said = "the playbook broke off in the task \"sleep\", of which nobody knows whether it was done";
    assert!(failed(&ending).contains(said), "{ending:?}");
    for file in files_below(&place.join("state")) {
        assert!(!fs::read_to_string(&file).unwrap_or_default().contains("a secret"), "{file:?}");
    }
    fs::remove_dir_all(place).unwrap();
}
