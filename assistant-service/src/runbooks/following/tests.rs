use std::time::Instant;

use super::super::tests::GOOD;
use super::*;

const RULES: &str = "rules:\n  - {name: all, allow: [run]}\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.yaml"), GOOD).unwrap();
    fs::write(folder.path().join(RIGHTS), RULES).unwrap();
    folder
}

/// What is new when nobody writes any more.
fn settled(follower: &mut Follower) -> Option<FolderCatalogue> {
    let first = follower.look();
    assert!(first.is_none(), "a file was read that somebody may still write");
    follower.look()
}

#[test]
fn a_change_is_taken_once_two_looks_have_found_the_same() {
    let folder = folder();
    let (mut follower, first) = Follower::open(folder.path().to_owned(), Counter::default()).unwrap();
    assert_eq!(first.list().len(), 1);
    assert!(settled(&mut follower).is_none());

    fs::write(folder.path().join("two.yaml"), GOOD.replace("name: restart-worker", "name: other")).unwrap();
    assert_eq!(settled(&mut follower).unwrap().list().len(), 2);
    assert!(settled(&mut follower).is_none());

    fs::remove_file(folder.path().join("two.yaml")).unwrap();
    assert_eq!(settled(&mut follower).unwrap().list().len(), 1);

    fs::remove_file(folder.path().join(RIGHTS)).unwrap();
    assert!(settled(&mut follower).unwrap().rights().is_none());
}

#[test]
fn a_mistake_is_counted_once_and_what_comes_after_it_is_taken() {
    let folder = folder();
    let failed = Counter::default();
    let (mut follower, _) = Follower::open(folder.path().to_owned(), failed.clone()).unwrap();
    fs::write(folder.path().join("one.yaml"), "name: [").unwrap();
    for _ in 0..3 {
        assert!(follower.look().is_none());
    }
    assert_eq!(failed.get(), 1);
    fs::write(folder.path().join("one.yaml"), GOOD.replace("timeout_seconds: 60", "timeout_seconds: 61")).unwrap();
    assert_eq!(settled(&mut follower).unwrap().get("restart-worker").unwrap().timeout_seconds, 61);

    fs::rename(folder.path(), folder.path().with_extension("gone")).unwrap();
    for _ in 0..3 {
        assert!(follower.look().is_none());
    }
    assert_eq!(failed.get(), 2);
    fs::rename(folder.path().with_extension("gone"), folder.path()).unwrap();
    assert_eq!(settled(&mut follower).unwrap().list().len(), 1);
}

#[test]
fn whoever_holds_the_catalogue_sees_a_change_and_keeps_what_was_good() {
    let folder = folder();
    let failed = Counter::default();
    let catalogue = FollowedCatalogue::open(folder.path().to_owned(), failed.clone()).unwrap();
    let holder: Arc<dyn RunbookCatalogue> = Arc::new(catalogue);
    let within_seconds = |seconds: u64, is_so: &dyn Fn() -> bool| {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < Duration::from_secs(seconds), "it has not come to that");
            thread::sleep(Duration::from_millis(10));
        }
    };
    let timeout = || holder.get("restart-worker").unwrap().timeout_seconds;
    fs::write(folder.path().join("one.yaml"), GOOD.replace("timeout_seconds: 60", "timeout_seconds: 7")).unwrap();
    within_seconds(10, &|| timeout() == 7);
    fs::write(folder.path().join("one.yaml"), GOOD.replace("risk: change", "risk: none")).unwrap();
    within_seconds(10, &|| failed.get() == 1);
    assert_eq!(timeout(), 7);
}

#[test]
fn a_reader_that_breaks_does_not_end_the_following() {
    let folder = folder();
    let failed = Counter::default();
    let (mut follower, _) = Follower::open(folder.path().to_owned(), failed.clone()).unwrap();
    follower.load = |_| panic!("a mistake of ours");
    fs::remove_file(folder.path().join(RIGHTS)).unwrap();
    assert!(settled(&mut follower).is_none());
    assert_eq!(failed.get(), 1);
    follower.load = FolderCatalogue::load;
    fs::write(folder.path().join(RIGHTS), RULES).unwrap();
    assert!(settled(&mut follower).unwrap().rights().is_some());
}

#[test]
fn a_folder_with_mistakes_is_not_followed() {
    let folder = folder();
    fs::write(folder.path().join("two.yaml"), GOOD).unwrap();
    let refused = FollowedCatalogue::open(folder.path().to_owned(), Counter::default()).unwrap_err();
    assert!(refused.to_string().contains("there is a runbook restart-worker"), "{refused}");
}
