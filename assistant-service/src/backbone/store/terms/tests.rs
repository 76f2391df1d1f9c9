//! Events are found wherever they stand: in the index, on their way into it, or before it.

use rusqlite::OptionalExtension;
use time::macros::datetime;

use super::super::apply::{Classed, Ledger};
use super::super::{Durability, Outcome, query, schema};
use super::*;
use crate::backbone::{Appended, EventFilter, NewEvent, Order};

const SUBJECTS: usize = 40;

fn store(folder: &tempfile::TempDir) -> Connection {
    let connection = Connection::open(folder.path().join("store")).unwrap();
    schema::prepare(&connection, Durability::Truth).unwrap();
    connection
}

fn event(number: usize) -> NewEvent {
    let subject = number.is_multiple_of(2).then(|| format!("subject-{}", number % SUBJECTS));
    NewEvent {
        source: "urn:source".to_owned(),
        id: format!("id-{number}"),
        event_type: "t".to_owned(),
        subject,
        correlation_id: Some(format!("order-{}", number / 8)),
        principal: None,
        json: format!(r#"{{"id":"id-{number}"}}"#),
    }
}

fn append(ledger: &mut Ledger, numbers: impl IntoIterator<Item = usize>) -> Vec<Appended> {
    let events: Vec<_> = numbers.into_iter().map(event).collect();
    let outcome = ledger.together(|ledger| {
        let events = events.iter().map(|event| Classed { event, class: "default" });
        ledger.apply(events, &[], datetime!(2026-03-01 12:00:00 UTC))
    });
    match outcome.unwrap() {
        Outcome::Done(committed) => committed.events,
        Outcome::Conflict(_) => unreachable!("nothing was put"),
    }
}

fn indexed(connection: &Connection) -> Position {
    connection.query_row("SELECT indexed FROM stand", [], |row| row.get(0)).unwrap()
}

fn entries(connection: &Connection) -> Vec<(Term, Position)> {
    let mut statement = connection.prepare("SELECT term, position FROM terms ORDER BY 1, 2").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

fn found(connection: &Connection, filter: &EventFilter) -> Vec<Position> {
    let page = query::query_within(query::LOOK.saturating_mul(100), connection, filter).unwrap();
    page.events.into_iter().map(|event| event.position).collect()
}

/// That looks give what going through all events gives.
fn check(connection: &Connection, count: usize) {
    let wanted = |subject: usize| {
        let numbers = (0..count).filter(move |number| number % 2 == 0 && number % SUBJECTS == subject);
        numbers.map(|number| Position::try_from(number).unwrap() + 1)
    };
    for subject in [0, 8, SUBJECTS - 2] {
        let filter =
            EventFilter { subject: Some(format!("subject-{subject}")), limit: 100_000, ..EventFilter::default() };
        let all: Vec<_> = wanted(subject).collect();
        assert_eq!(found(connection, &filter), all, "{subject} of {count}");
        let newest: Vec<_> = all.iter().rev().copied().collect();
        let descending = EventFilter { order: Order::Descending, ..filter.clone() };
        assert_eq!(found(connection, &descending), newest);
        // A page after the other, from either end.
        for (order, all) in [(Order::Ascending, all), (Order::Descending, newest)] {
            let mut after = None;
            for part in all.chunks(97) {
                assert_eq!(found(connection, &EventFilter { after, order, limit: 97, ..filter.clone() }), part);
                after = part.last().copied();
            }
        }
    }
}

#[test]
fn an_event_is_found_at_every_moment_of_its_way_into_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::over(store(&folder)).unwrap();
    let reader = store(&folder);
    let (mut count, mut in_the_middle) = (0, 0);
    while count < 2 * PART_EVENTS + 2000 {
        append(&mut ledger, count..count + 500);
        count += 500;
        let terms = u64::try_from(entries(&reader).len()).unwrap();
        // Four or five terms each.
        in_the_middle += usize::from(terms > 5 * indexed(&reader));
        if count % 3000 == 0 {
            check(&reader, count);
        }
        let again = append(&mut ledger, [0, count / 2, count - 1]);
        assert!(again.iter().all(|event| event.is_duplicate), "{count}: {again:?}");
        // Duplicates take places of their own, which stay empty.
        ledger.begin_record(ledger_stand(count), "");
    }
    assert!(in_the_middle > 5, "{in_the_middle}");
    assert_eq!(indexed(&reader), u64::try_from(PART_EVENTS).unwrap());

    for _ in 0..100 {
        ledger.settle();
    }
    let left = count - usize::try_from(indexed(&reader)).unwrap();
    assert!(left < FEW_EVENTS, "{left}");
    check(&reader, count);

    // What grew is what is made at once.
    let (grown, up_to) = (entries(&reader), indexed(&reader));
    make_again(&reader).unwrap();
    let made = entries(&reader);
    assert_eq!(made.iter().filter(|(_, position)| *position <= up_to).copied().collect::<Vec<_>>(), grown);
    assert_eq!(usize::try_from(indexed(&reader)).unwrap(), count);
    check(&reader, count);
}

fn ledger_stand(count: usize) -> super::super::Stand {
    let position = u64::try_from(count).unwrap();
    super::super::Stand { position, revision: 0, sequence: 0 }
}

#[test]
fn a_term_fits_in_six_bytes() {
    for kind in Kind::ALL {
        for number in 0..1000 {
            let term = kind.term(&format!("value-{number}"));
            // SQLite's serial type 5: a signed integer of 48 bits.
            assert!((0..1 << 47).contains(&term), "{kind:?}: {term}");
            assert_eq!(term >> HASH_BITS, kind.number());
        }
    }
}

/// Makes a transaction of so many events that fails.
fn fail(ledger: &mut Ledger, numbers: std::ops::Range<usize>) {
    let events: Vec<_> = numbers.map(event).collect();
    let failed: Result<(), _> = ledger.together(|ledger| {
        let events = events.iter().map(|event| Classed { event, class: "default" });
        ledger.apply(events, &[], datetime!(2026-03-01 12:00:00 UTC))?;
        Err(rusqlite::Error::QueryReturnedNoRows)
    });
    assert!(failed.is_err());
}

#[test]
fn transactions_that_fail_change_nothing_of_what_comes_in() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut ledger, mut plain) = (Ledger::over(store(&folder)).unwrap(), Ledger::over(store(&other)).unwrap());
    let (reader, plain_reader) = (store(&folder), store(&other));
    for first in (0..3 * PART_EVENTS).step_by(700) {
        // Some only add, some bring entries in, some begin a part, and one begins two.
        fail(&mut ledger, 100_000..100_700);
        if first % 4900 == 0 {
            fail(&mut ledger, 100_000..100_000 + 2 * PART_EVENTS + 500);
        }
        append(&mut ledger, first..first + 700);
        append(&mut plain, first..first + 700);
        assert_eq!(indexed(&reader), indexed(&plain_reader), "{first}");
    }
    assert!(indexed(&reader) > 0);
    assert_eq!(entries(&reader), entries(&plain_reader));
    assert!(append(&mut ledger, (0..3 * PART_EVENTS).step_by(97)).iter().all(|event| event.is_duplicate));
}

#[test]
fn what_was_rolled_back_is_neither_found_nor_a_duplicate() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::over(store(&folder)).unwrap();
    append(&mut ledger, 0..10);
    fail(&mut ledger, 10..20);
    let first = append(&mut ledger, 5..15);
    let duplicates: Vec<_> = first.iter().map(|event| event.is_duplicate).collect();
    assert_eq!(duplicates, [[true; 5], [false; 5]].concat());
    assert!(append(&mut ledger, 0..15).iter().all(|event| event.is_duplicate));
}

#[test]
fn what_is_erased_leaves_no_term_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::over(store(&folder)).unwrap();
    let reader = store(&folder);
    for first in (0..PART_EVENTS + 1000).step_by(500) {
        append(&mut ledger, first..first + 500);
    }
    assert!(!entries(&reader).is_empty() && indexed(&reader) == 0, "a part is on its way");
    let newest = ledger.stand().position;
    ledger.together(|ledger| ledger.let_go("default", newest - 100)).unwrap();
    while ledger.erase_some(1000).unwrap() {}
    for _ in 0..100 {
        ledger.settle();
    }
    append(&mut ledger, 50_000..50_000 + 2 * FEW_EVENTS);
    for _ in 0..100 {
        ledger.settle();
    }
    let orphan = "SELECT term FROM terms WHERE position NOT IN (SELECT position FROM events) LIMIT 1";
    assert_eq!(reader.query_row(orphan, [], |row| row.get::<_, Term>(0)).optional().unwrap(), None);
    assert_eq!(indexed(&reader), ledger.stand().position);
    let order = format!("order-{}", (newest - 1) / 8);
    let filter = EventFilter { correlation_id: Some(order), limit: 100, ..EventFilter::default() };
    assert!(!found(&reader, &filter).is_empty());
}

#[test]
fn a_store_of_version_2_gets_its_index_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::over(store(&folder)).unwrap();
    append(&mut ledger, 0..1000);
    drop(ledger);
    let connection = store(&folder);
    connection
        .execute_batch(
            "DROP TABLE terms; ALTER TABLE stand DROP COLUMN indexed;
             CREATE INDEX events_by_identity ON events (source, id);
             CREATE INDEX events_by_source ON events (source);
             CREATE INDEX events_by_type ON events (type);
             CREATE INDEX events_by_subject ON events (subject) WHERE subject IS NOT NULL;
             CREATE INDEX events_by_correlation ON events (correlation_id) WHERE correlation_id IS NOT NULL;
             CREATE INDEX events_by_principal ON events (principal) WHERE principal IS NOT NULL;
             PRAGMA user_version = 2;",
        )
        .unwrap();
    schema::prepare(&connection, Durability::Truth).unwrap();
    check(&connection, 1000);
    assert_eq!(indexed(&connection), 0);
    catch_up(&connection, 1000).unwrap();
    assert_eq!(indexed(&connection), 1000);
    check(&connection, 1000);
    let mut ledger = Ledger::over(connection).unwrap();
    assert!(append(&mut ledger, [0, 999]).iter().all(|event| event.is_duplicate));
}
