mod letting_go;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use rusqlite::Connection;

use super::*;
use crate::backbone::{Appended, NewEvent, Order, Put, TypeFilter};
use crate::clock::SystemClock;

fn try_open(folder: &Path) -> Result<SqliteBackbone, CannotOpen> {
    SqliteBackbone::open(folder, Retention::default(), Arc::new(SystemClock), Histogram::new([1.0]))
}

fn open(folder: &Path) -> SqliteBackbone {
    try_open(folder).unwrap()
}

fn event(id: &str, event_type: &str, json: &str) -> NewEvent {
    NewEvent {
        source: "urn:test".to_owned(),
        id: id.to_owned(),
        event_type: event_type.to_owned(),
        subject: Some(format!("subject-{id}")),
        correlation_id: None,
        principal: None,
        json: json.to_owned(),
    }
}

fn put(key: &str, value: Option<&str>, expected_revision: Option<u64>) -> Put {
    Put {
        bucket: "box",
        key: key.to_owned(),
        value: value.map(|text| text.as_bytes().to_vec()),
        expected_revision,
        expires_at: None,
    }
}

fn events(events: Vec<NewEvent>) -> Batch {
    Batch { events, puts: Vec::new() }
}

fn puts(puts: Vec<Put>) -> Batch {
    Batch { events: Vec::new(), puts }
}

async fn positions(store: &SqliteBackbone, filter: EventFilter) -> (Vec<u64>, Option<u64>) {
    let page = store.query(filter).await.unwrap();
    (page.events.iter().map(|event| event.position).collect(), page.next_after)
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_store_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(events(vec![event("a", "t", "{}")])).await.unwrap();
    store.commit(puts(vec![put("k", Some("v"), None)])).await.unwrap();
    drop(store);
    let is_log = |name: &str| name.ends_with("-wal");
    let files = std::fs::read_dir(folder.path()).unwrap();
    assert!(!files.map(|file| file.unwrap().file_name().into_string().unwrap()).any(|name| is_log(&name)));

    let again = open(folder.path());
    assert_eq!(*again.newest_position().borrow(), 1);
    assert_eq!(again.query(EventFilter { limit: 9, ..EventFilter::default() }).await.unwrap().events.len(), 1);
    assert_eq!(again.get("box", "k".to_owned()).await.unwrap().unwrap().value, b"v");
}

#[tokio::test]
async fn a_second_event_of_the_same_identity_gives_the_first_position_and_keeps_the_first_body() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let first = store.commit(events(vec![event("a", "t", r#"{"n":1}"#)])).await.unwrap();
    let second = store.commit(events(vec![event("b", "t", "{}"), event("a", "t", r#"{"n":2}"#)])).await.unwrap();
    assert_eq!(first.events, [Appended { position: 1, is_duplicate: false }]);
    assert_eq!(
        second.events,
        [Appended { position: 2, is_duplicate: false }, Appended { position: 1, is_duplicate: true }]
    );
    let page = store.query(EventFilter { limit: 9, ..EventFilter::default() }).await.unwrap();
    assert_eq!(page.events[0].json, r#"{"n":1}"#);
}

#[tokio::test]
async fn a_conflict_changes_nothing_of_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let revision = store.commit(puts(vec![put("k", Some("one"), None)])).await.unwrap().revisions[0];
    for stale in [
        put("k", Some("two"), None),
        put("k", Some("two"), Some(revision + 1)),
        put("k", None, Some(revision + 1)),
        put("k", None, None),
        put("missing", Some("two"), Some(revision)),
    ] {
        let batch = Batch { events: vec![event("a", "t", "{}")], puts: vec![put("other", Some("x"), None), stale] };
        let refused = store.commit(batch).await.unwrap_err();
        assert!(matches!(refused, BackboneError::Conflict { .. }), "{refused}");
    }
    assert_eq!(store.get("box", "k".to_owned()).await.unwrap().unwrap().value, b"one");
    assert_eq!(store.get("box", "other".to_owned()).await.unwrap(), None);
    assert_eq!(*store.newest_position().borrow(), 0);
}

#[tokio::test]
async fn a_removed_entry_does_not_come_back_under_its_old_revision() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let first = store.commit(puts(vec![put("k", Some("one"), None)])).await.unwrap().revisions[0];
    store.commit(puts(vec![put("k", None, Some(first))])).await.unwrap();
    let second = store.commit(puts(vec![put("k", Some("one"), None)])).await.unwrap().revisions[0];
    assert!(second > first);
    assert!(store.commit(puts(vec![put("k", Some("two"), Some(first))])).await.is_err());
}

#[tokio::test]
async fn of_many_writers_with_one_revision_one_wins_and_its_neighbours_in_the_commit_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let alone = store.commit(events(vec![event(&format!("e{number}"), "t", "{}")])).await;
                let raced = store.commit(puts(vec![put("k", Some(&number.to_string()), None)])).await;
                (alone.is_ok(), raced.is_ok())
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        let (alone, raced) = task.await.unwrap();
        assert!(alone);
        won += usize::from(raced);
    }
    assert_eq!(won, 1);
    assert_eq!(*store.newest_position().borrow(), 64);
}

#[tokio::test]
async fn queries_match_filters_and_page_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let types = ["a.b", "a.b.c", "a.bc", "a.b.d", "z"];
    let all = types.iter().enumerate().map(|(number, name)| event(&number.to_string(), name, "{}")).collect();
    store.commit(events(all)).await.unwrap();
    let every = EventFilter { limit: 2, ..EventFilter::default() };
    let below = |text: &str| Some(TypeFilter::Below(text.to_owned()));

    for (filter, expected) in [
        (every.clone(), (vec![1, 2], Some(2))),
        (EventFilter { after: Some(2), ..every.clone() }, (vec![3, 4], Some(4))),
        (EventFilter { after: Some(4), ..every.clone() }, (vec![5], None)),
        (EventFilter { order: Order::Descending, ..every.clone() }, (vec![5, 4], Some(4))),
        (EventFilter { order: Order::Descending, after: Some(2), ..every.clone() }, (vec![1], None)),
        (EventFilter { event_type: below("a.b"), ..every.clone() }, (vec![2, 4], None)),
        (EventFilter { event_type: Some(TypeFilter::Exact("a.b".into())), ..every.clone() }, (vec![1], None)),
        (EventFilter { subject: Some("subject-4".into()), ..every.clone() }, (vec![5], None)),
        (EventFilter { source: Some("urn:other".into()), ..every.clone() }, (vec![], None)),
        (EventFilter { correlation_id: Some("x".into()), ..every.clone() }, (vec![], None)),
    ] {
        assert_eq!(positions(&store, filter.clone()).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_page_ends_with_the_event_that_passes_four_mebibytes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mebibyte = "x".repeat(1024 * 1024);
    let seven = (0..7).map(|number| event(&number.to_string(), "t", &mebibyte)).collect();
    store.commit(events(seven)).await.unwrap();
    store.commit(events(vec![event("huge", "t", &mebibyte.repeat(5)), event("z", "t", "{}")])).await.unwrap();
    let after = |after| EventFilter { after, limit: 9, ..EventFilter::default() };
    assert_eq!(positions(&store, after(None)).await, (vec![1, 2, 3, 4, 5], Some(5)));
    assert_eq!(positions(&store, after(Some(7))).await, (vec![8], Some(8)));
    assert_eq!(positions(&store, after(Some(8))).await, (vec![9], None));
}

#[tokio::test]
async fn entries_are_read_while_every_reader_of_events_is_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let _all = store.readers.all_events().await;
    assert_eq!(store.get("box", "k".to_owned()).await.unwrap(), None);
    assert!(store.list("box", None, 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn lists_go_from_the_largest_key_down() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(puts(["a", "b", "c"].map(|key| put(key, Some(key), None)).into())).await.unwrap();
    let keys = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.key).collect::<Vec<_>>();
    assert_eq!(keys(store.list("box", None, 2).await.unwrap()), ["c", "b"]);
    assert_eq!(keys(store.list("box", Some("b".to_owned()), 2).await.unwrap()), ["a"]);
    assert!(store.list("other", None, 2).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_the_store_works_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let setting = ("max_page_count", 40);
    let store = SqliteBackbone::open_with_setting(folder.path(), setting, Arc::new(SystemClock), Histogram::new([1.0]));

    let large = "x".repeat(200_000);
    let refused = store.commit(events(vec![event("large", "t", &large)])).await.unwrap_err();
    assert!(matches!(refused, BackboneError::Full), "{refused}");
    store.commit(events(vec![event("small", "t", "{}")])).await.unwrap();
    let page = store.query(EventFilter { limit: 9, ..EventFilter::default() }).await.unwrap();
    assert_eq!(page.events.iter().map(|event| event.json.as_str()).collect::<Vec<_>>(), ["{}"]);
}

#[tokio::test]
async fn a_store_that_became_read_only_is_unavailable_and_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).commit(events(vec![event("a", "t", "{}")])).await.unwrap();
    let (setting, clock) = (("query_only", 1), Arc::new(SystemClock));
    let store = SqliteBackbone::open_with_setting(folder.path(), setting, clock, Histogram::new([1.0]));
    let refused = store.commit(events(vec![event("b", "t", "{}")])).await.unwrap_err();
    assert!(matches!(refused, BackboneError::Unavailable(_)), "{refused}");
    assert_eq!(positions(&store, EventFilter { limit: 9, ..EventFilter::default() }).await, (vec![1], None));
}

#[tokio::test]
async fn nobody_else_may_read_the_store_whether_it_is_new_or_was_open_to_all() {
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let set_mode = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    for _ in ["new", "open to all"] {
        let store = open(&folder);
        store.commit(events(vec![event("a", "t", "{}")])).await.unwrap();
        assert_eq!(mode(&folder), 0o700);
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 5, "{files:?}");
        assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
        drop(store);
        set_mode(&folder.join("watchgate.sqlite"), 0o644);
        set_mode(&folder.join("lock"), 0o644);
        set_mode(&folder, 0o755);
    }
}

#[test]
fn a_newer_schema_and_a_second_process_are_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let refusal = || try_open(folder.path()).err().unwrap().to_string();
    assert!(refusal().starts_with("another process uses it"), "{}", refusal());
    drop(store);
    Connection::open(folder.path().join("watchgate.sqlite")).unwrap().pragma_update(None, "user_version", 7).unwrap();
    assert!(refusal().contains("schema version 7, this program knows 2"), "{}", refusal());
}
