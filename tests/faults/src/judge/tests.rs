use assistant_service::backbone::Batch;

use super::*;

/// A witness who has heard these lines.
pub(super) fn witness(lines: &str) -> Witness {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    std::fs::write(&journal, lines).unwrap();
    let mut witness = Witness::default();
    witness.hear(&journal);
    witness.read().unwrap();
    witness
}

pub(super) fn append(stored: &mut Stored, batch: Batch) {
    for event in batch.events {
        let position = stored.events.last().map_or(1, |last| last.position + 1);
        stored.events.push(StoredEvent { position, json: event.json });
    }
    for put in batch.puts {
        stored.entries.insert(put.key, (put.value.unwrap(), 1));
    }
}

pub(super) fn operation(writer: u32, number: u64) -> Operation {
    Operation { writer, number }
}

/// One of each kind at positions 1, 2 and 3, 4, 5.
fn whole() -> (Stored, &'static str) {
    let mut stored = Stored::default();
    append(&mut stored, operation(0, 0).batch(1));
    append(&mut stored, operation(1, 0).batch(1));
    append(&mut stored, operation(2, 0).batch(1));
    append(&mut stored, operation(3, 0).count(1, None, 1));
    (stored, "tried 0 0\nkept 0 0 1\ntried 1 0\nkept 1 0 2\ntried 2 0\nkept 2 0 4\ntried 3 0\nkept 3 0 5\n")
}

#[test]
fn what_was_acknowledged_and_is_there_breaks_nothing() {
    let (stored, lines) = whole();
    let verdict = judge(&stored, &witness(lines)).unwrap();
    assert_eq!(verdict.violations, Vec::<String>::new());
    assert_eq!((verdict.acknowledged, verdict.stored, verdict.counter), (4, 5, (1, 1, 1)));
}

#[test]
fn each_broken_promise_is_told() {
    type Spoil = fn(&mut Stored);
    let cases: [(&str, Spoil, &str); 8] = [
        ("lost", |stored| drop(stored.events.remove(0)), ""),
        ("stored at", |stored| append(stored, operation(0, 0).batch(1)), ""),
        ("half there", |stored| drop(stored.events.remove(2)), ""),
        ("half there", |stored| drop(stored.entries.remove("2-0")), ""),
        ("without its event", |stored| drop(stored.events.remove(3)), ""),
        ("nobody asked for it", |stored| append(stored, operation(4, 9).batch(1)), ""),
        (
            "was refused and is there",
            |stored| append(stored, operation(4, 9).batch(1)),
            "tried 4 9\nrefused 4 9 full\n",
        ),
        (
            "the counter says",
            |stored| {
                stored.entries.insert(COUNTER.to_owned(), (b"7".to_vec(), 9));
            },
            "",
        ),
    ];
    for (told, spoil, more) in cases {
        let (mut stored, lines) = whole();
        spoil(&mut stored);
        let verdict = judge(&stored, &witness(&format!("{lines}{more}"))).unwrap();
        assert!(verdict.violations.iter().any(|sentence| sentence.contains(told)), "{told}: {:?}", verdict.violations);
    }
}

#[test]
fn a_writer_whose_second_operation_stands_before_its_first_is_told() {
    let mut stored = Stored::default();
    append(&mut stored, operation(0, 1).batch(1));
    append(&mut stored, operation(0, 0).batch(1));
    let verdict = judge(&stored, &witness("tried 0 0\nkept 0 0 2\ntried 0 1\nkept 0 1 1\n")).unwrap();
    assert_eq!(verdict.out_of_order, 1);
}

#[test]
fn what_has_no_answer_may_be_there_or_not() {
    for is_there in [true, false] {
        let mut stored = Stored::default();
        if is_there {
            append(&mut stored, operation(0, 0).batch(1));
        }
        let verdict = judge(&stored, &witness("tried 0 0\nunknown 0 0 why\ntried 0 0\n")).unwrap();
        assert!(verdict.violations.is_empty() && verdict.in_doubt == 1, "{:?}", verdict.violations);
    }
}
