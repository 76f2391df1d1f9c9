//! `watchgate events`: what is taken out of a store, put into one, made again, and copied.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod program;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use assistant_service::backbone::retention::Retention;
use assistant_service::backbone::sqlite::SqliteBackbone;
use assistant_service::backbone::{Backbone, Batch, EventFilter, NewEvent, TypeFilter};
use assistant_service::clock::SystemClock;
use program::{Ended, watchgate};
use prometheus_client::metrics::histogram::Histogram;
use rusqlite::Connection;

/// A folder with a file to import and a place for a store.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn import(&self, file: &str) -> Ended {
        watchgate(&["events", "import", "--data-dir", &self.path("data"), file])
    }

    fn export(&self, data: &str, filters: &[&str]) -> Vec<String> {
        let path = self.path(data);
        let ended = watchgate(&[&["events", "export", "--data-dir", &path], filters].concat());
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.stdout.lines().map(str::to_owned).collect()
    }
}

fn line(number: usize) -> String {
    let id = format!("e-{number}");
    // What a parser would write in another way must stay as it is.
    format!(
        r#"{{ "type":"com.example.{}","specversion":"1.0", "id":"{id}","source":"urn:elsewhere","authtype":"app_user","authid":"https://issuer.example#ada","correlationid":"c{}","time":"2020-01-01T00:00:00.123456789+01:00","data":{{"n":1.00000000000000000001,"t":"\u00e4 ä"}}}}"#,
        if number.is_multiple_of(2) { "even" } else { "odd" },
        number / 10,
    )
}

fn lines(count: usize) -> Vec<String> {
    (0..count).map(line).collect()
}

fn text(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn what_was_exported_is_imported_byte_by_byte_and_only_once() {
    let bench = Bench::new();
    let all = lines(2_500);
    let half = bench.write("half.ndjson", &text(&all[..1_200]));
    let ended = bench.import(&half);
    assert_eq!(
        (ended.code, ended.stdout.trim()),
        (0, "1200 events added, 0 that were there, 0 lines rejected"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("does not say that it is whole"), "{ended:?}");
    let whole = bench.write("whole.ndjson", &text(&all));
    assert_eq!(bench.import(&whole).stdout.trim(), "1300 events added, 1200 that were there, 0 lines rejected");

    let mut exported = bench.export("data", &[]);
    let last = exported.pop().unwrap();
    assert_eq!(exported, all);
    assert_eq!(last, r#"{"watchgate":"end","next_after":null,"count":2500}"#);
    // An export is a file to import, with its last line.
    let again = bench.write("again.ndjson", &(text(&exported) + &last + "\n"));
    let ended = bench.import(&again);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    assert_eq!(ended.stdout.trim(), "0 events added, 2500 that were there, 0 lines rejected");
    let cut = bench.write("cut.ndjson", &(text(&exported[..7]) + &last + "\n"));
    let ended = bench.import(&cut);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("cut.ndjson:8: the export had 2500 events, and here are 7 lines"), "{ended:?}");
}

#[test]
fn identities_are_known_on_import_however_old_they_are() {
    let bench = Bench::new();
    let file = bench.write("file.ndjson", &text(&lines(3)));
    bench.import(&file);
    let store = Connection::open(bench.path("data/watchgate.sqlite")).unwrap();
    store.execute("UPDATE events SET arrived = 0", []).unwrap();
    drop(store);
    assert_eq!(bench.import(&file).stdout.trim(), "0 events added, 3 that were there, 0 lines rejected");
}

#[test]
fn exports_are_filtered() {
    let bench = Bench::new();
    bench.import(&bench.write("file.ndjson", &text(&lines(40))));
    for (filters, count) in [
        (&["--type", "com.example.odd"][..], 20),
        (&["--type", "com.example.*", "--correlation-id", "c3"], 10),
        (&["--principal", "https://issuer.example#ada", "--after", "35"], 5),
        (&["--text", "\"id\":\"e-7\""], 1),
        (&["--until", "2020-02-01T00:00:00Z"], 0),
        (&["--since", "2020-02-01T00:00:00Z", "--source", "urn:elsewhere"], 40),
        (&["--subject", "none"], 0),
    ] {
        assert_eq!(bench.export("data", filters).len(), count + 1, "{filters:?}");
    }
    let data = bench.path("nowhere");
    let ended = watchgate(&["events", "export", "--data-dir", &data]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("there is no store"), "{ended:?}");
}

#[test]
fn bad_lines_are_named_and_kept_beside_the_file_and_the_others_are_taken() {
    let bench = Bench::new();
    let bad = [
        "not json".to_owned(),
        line(1).replace(r#""specversion":"1.0","#, ""),
        line(2).replace("urn:elsewhere", "not a uri"),
        line(3).replace(r#""id":"e-3""#, r#""id":"e-3","id":"e-3""#),
    ];
    let all = [bad[0].clone(), line(10), bad[1].clone(), bad[2].clone(), String::new(), line(11), bad[3].clone()];
    let file = bench.write("file.ndjson", &text(&all));
    let strict = watchgate(&["events", "import", "--strict", "--data-dir", &bench.path("strict"), &file]);
    assert_eq!((strict.code, strict.stdout.trim()), (1, "0 events added, 0 that were there, 1 lines rejected"));
    assert!(!Path::new(&bench.path("file.ndjson.rejected")).exists());

    let ended = bench.import(&file);
    assert_eq!((ended.code, ended.stdout.trim()), (1, "2 events added, 0 that were there, 4 lines rejected"));
    for named in
        ["file.ndjson:1: body is not", ":3: specversion is missing", ":4: source must be", ":7: id is there more"]
    {
        assert!(ended.stderr.contains(named), "{named}: {ended:?}");
    }
    assert_eq!(std::fs::read_to_string(bench.path("file.ndjson.rejected")).unwrap(), text(&bad));
    assert_eq!(bench.export("data", &[]).len(), 3);
}

#[test]
fn an_import_that_finds_no_room_is_done_again_and_adds_nothing_twice() {
    let bench = Bench::new();
    let padding = "x".repeat(20_000);
    let all: Vec<_> = (0..1_000).map(|number| line(number).replace("ä", &padding)).collect();
    let file = bench.write("file.ndjson", &text(&all));
    // No file may become larger than 8 MiB.
    let script = "ulimit -f 8192; exec \"$@\"";
    let watchgate = env!("CARGO_BIN_EXE_watchgate");
    let arguments = ["-c", script, "bash", watchgate, "events", "import", "--data-dir", &bench.path("data"), &file];
    let output = std::process::Command::new("bash").args(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("stopped at line") && said.contains("do it again later"), "{said}");
    let there = bench.export("data", &[]).len() - 1;
    assert!(there > 0 && there < all.len(), "{there}");
    let added = all.len() - there;
    let expected = format!("{added} events added, {there} that were there, 0 lines rejected");
    assert_eq!(bench.import(&file).stdout.trim(), expected);
    let mut exported = bench.export("data", &[]);
    exported.pop();
    assert_eq!(exported, all);
}

/// All that a store holds beside its indexes, and what is found by each of them.
fn contents(data: &str) -> Vec<String> {
    let store = Connection::open(Path::new(data).join("watchgate.sqlite")).unwrap();
    let whole: String = store.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let mut found = Vec::new();
    for sql in [
        "SELECT json_array(position, arrived, class, source, id, type, subject, correlation_id, principal, json) FROM events ORDER BY position",
        "SELECT json_array(class, first, last, newest, events, bytes) FROM segments ORDER BY class, first",
        "SELECT json_array(class, name, floor, erased) FROM classes",
        "SELECT json_array(position, revision) FROM stand",
        "SELECT json_array(term, position) FROM terms ORDER BY term, position",
    ] {
        let mut statement = store.prepare(sql).unwrap();
        found.extend(statement.query_map([], |row| row.get(0)).unwrap().map(Result::<String, _>::unwrap));
    }
    found
}

#[test]
fn a_rebuilt_store_is_the_same_as_before_it_was_spoilt() {
    let bench = Bench::new();
    bench.import(&bench.write("file.ndjson", &text(&lines(5_000))));
    let data = bench.path("data");
    let rebuild = || watchgate(&["events", "rebuild", "--data-dir", &data]);
    let ended = rebuild();
    assert_eq!((ended.code, ended.stderr.trim()), (0, "5000 events, 0 of them mended"), "{ended:?}");
    let before = contents(&data);
    assert!(before.len() > 5_000 * 4, "{}", before.len());

    let store = Connection::open(Path::new(&data).join("watchgate.sqlite")).unwrap();
    store
        .execute_batch(
            "UPDATE events SET type = 'spoilt', subject = 'x' WHERE position % 3 = 0;
             UPDATE events SET principal = NULL, correlation_id = 'x' WHERE position % 5 = 0;
             UPDATE events SET source = 'x', id = 'x' WHERE position = 4;
             UPDATE events SET class = 99 WHERE position > 4990;
             UPDATE stand SET position = 7;
             DELETE FROM terms WHERE position % 7 = 0;
             INSERT INTO terms SELECT term, 3 FROM terms WHERE position = 2 ON CONFLICT DO NOTHING;
             DELETE FROM segments;",
        )
        .unwrap();
    drop(store);
    assert_ne!(contents(&data), before);
    let ended = rebuild();
    assert_eq!((ended.code, ended.stderr.trim()), (0, "5000 events, 2334 of them mended"), "{ended:?}");
    assert_eq!(contents(&data), before);

    let store = Connection::open(Path::new(&data).join("watchgate.sqlite")).unwrap();
    store.execute("UPDATE events SET json = '{' WHERE position = 5", []).unwrap();
    drop(store);
    let ended = rebuild();
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("event 5 is left as it is"), "{ended:?}");
}

#[test]
fn a_rebuild_that_was_killed_is_done_again() {
    let bench = Bench::new();
    bench.import(&bench.write("file.ndjson", &text(&lines(20_000))));
    let data = bench.path("data");
    assert_eq!(watchgate(&["events", "rebuild", "--data-dir", &data]).code, 0);
    let before = contents(&data);
    let store = Connection::open(Path::new(&data).join("watchgate.sqlite")).unwrap();
    store.execute_batch("UPDATE events SET type = 'spoilt'; DELETE FROM segments").unwrap();
    let mut rebuilding = std::process::Command::new(env!("CARGO_BIN_EXE_watchgate"))
        .args(["events", "rebuild", "--data-dir", &data])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let first = "SELECT type FROM events WHERE position = 1";
    while store.query_row(first, [], |row| row.get::<_, String>(0)).unwrap() == "spoilt" {
        assert!(rebuilding.try_wait().unwrap().is_none());
    }
    rebuilding.kill().unwrap();
    rebuilding.wait().unwrap();
    drop(store);
    // Whoever opens it meanwhile finds what was mended by what it says.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (opened, event_type) = (open(Path::new(&data)), type_of_first(&before));
    let filter = EventFilter { event_type: Some(TypeFilter::Exact(event_type)), limit: 1, ..EventFilter::default() };
    let found = runtime.block_on(opened.query(filter)).unwrap();
    assert_eq!(found.events.first().map(|event| event.position), Some(1));
    drop(opened);
    assert_eq!(watchgate(&["events", "rebuild", "--data-dir", &data]).code, 0);
    assert_eq!(contents(&data), before);
}

/// Of a store's contents.
fn type_of_first(contents: &[String]) -> String {
    let first: serde_json::Value = serde_json::from_str(contents.first().unwrap()).unwrap();
    first.get(5).unwrap().as_str().unwrap().to_owned()
}

fn open(folder: &Path) -> SqliteBackbone {
    SqliteBackbone::open(folder, Retention::default(), Arc::new(SystemClock), Histogram::new([1.0])).unwrap()
}

fn event(number: u64) -> NewEvent {
    NewEvent::from_json(format!(r#"{{"specversion":"1.0","id":"e-{number}","source":"urn:x","type":"t"}}"#)).unwrap()
}

#[test]
fn a_backup_beside_a_running_service_holds_what_was_acknowledged_and_is_restored_into_an_empty_folder() {
    let bench = Bench::new();
    let running = open(Path::new(&bench.path("data")));
    let (acknowledged, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let commit = |store: &SqliteBackbone, number| {
        let batch = Batch { events: vec![event(number)], puts: Vec::new() };
        runtime.block_on(store.commit(batch)).unwrap()
    };
    for number in 1..=200 {
        commit(&running, number);
    }
    acknowledged.store(200, Ordering::Release);
    let to = bench.path("backup.sqlite");
    let backup = || watchgate(&["events", "backup", "--data-dir", &bench.path("data"), "--to", &to]);
    let (before, ended) = std::thread::scope(|scope| {
        let copying = scope.spawn(|| {
            let before = acknowledged.load(Ordering::Acquire);
            let ended = backup();
            is_over.store(true, Ordering::Release);
            (before, ended)
        });
        let mut number = 200;
        while !is_over.load(Ordering::Acquire) {
            number += 1;
            commit(&running, number);
            acknowledged.store(number, Ordering::Release);
        }
        copying.join().unwrap()
    });
    assert_eq!(ended.code, 0, "{ended:?}");
    let after = acknowledged.load(Ordering::Acquire);
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!Path::new(&bench.path("backup.sqlite.partial")).exists());
    let refused = backup();
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("is there already"), "{refused:?}");
    // Beside a running service events are read, and nothing else is done.
    assert_eq!(bench.export("data", &["--after", "199"]).len(), usize::try_from(after - 199).unwrap() + 1);
    let import = bench.import(&bench.write("file.ndjson", &text(&lines(1))));
    assert_eq!(import.code, 2);
    assert!(import.stderr.contains("another process uses it"), "{import:?}");
    let rebuild = watchgate(&["events", "rebuild", "--data-dir", &bench.path("data")]);
    assert_eq!(rebuild.code, 2);

    std::fs::create_dir(bench.path("restored")).unwrap();
    std::fs::copy(&to, bench.path("restored/watchgate.sqlite")).unwrap();
    let restored = open(Path::new(&bench.path("restored")));
    let held = *restored.newest_position().borrow();
    assert!((before..=after).contains(&held), "{before} {held} {after}");
    let page = runtime.block_on(restored.query(EventFilter { limit: 1000, ..EventFilter::default() })).unwrap();
    assert_eq!(page.events.len(), usize::try_from(held.min(1000)).unwrap());
    assert_eq!(commit(&restored, 1).events[0].position, 1, "an identity of the backup is not known");
    assert!(commit(&restored, 1_000_000).events[0].position > held);
}
