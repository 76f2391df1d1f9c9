mod letting_go;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use rusqlite::Connection;

use super::*;
use crate::backbone::{NewEvent, Put};
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
async fn entries_are_read_while_every_reader_of_events_is_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let _all = store.readers.all_events().await;
    assert_eq!(store.get("box", "k".to_owned()).await.unwrap(), None);
    assert!(store.list("box", None, 1).await.unwrap().is_empty());
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
    assert!(refusal().contains("schema version 7, this program knows 3"), "{}", refusal());
}

#[test]
fn what_a_replica_made_of_a_log_is_not_taken_for_a_store() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let store = Connection::open(folder.path().join("watchgate.sqlite")).unwrap();
    store.execute("UPDATE stand SET sequence = 7", []).unwrap();
    assert!(matches!(try_open(folder.path()), Err(CannotOpen::Copy)));
}
