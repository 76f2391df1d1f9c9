//! What every form of the backbone promises. Nothing here knows which one it is held against.

use std::collections::HashSet;
use std::time::Duration;

use assistant_service::backbone::{
    Appended, Backbone, BackboneError, Batch, EventFilter, Freshness, NewEvent, Order, Page, Position, Put, TypeFilter,
};
use time::OffsetDateTime;

use crate::form::Form;

pub(crate) fn event(id: &str, event_type: &str) -> NewEvent {
    NewEvent {
        source: "urn:test".to_owned(),
        id: id.to_owned(),
        event_type: event_type.to_owned(),
        subject: Some(format!("subject-{id}")),
        correlation_id: None,
        principal: Some("https://issuer.example#ada".to_owned()),
        json: json(id, event_type, 1),
    }
}

fn json(id: &str, event_type: &str, data: i32) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"urn:test","type":"{event_type}","subject":"subject-{id}","authid":"https://issuer.example#ada","data":{data}}}"#
    )
}

pub(crate) fn put(key: &str, value: Option<&str>, expected_revision: Option<u64>) -> Put {
    let value = value.map(|text| text.as_bytes().to_vec());
    Put { bucket: "box", key: key.to_owned(), value, expected_revision, expires_at: None }
}

pub(crate) fn events(events: Vec<NewEvent>) -> Batch {
    Batch { events, puts: Vec::new() }
}

pub(crate) fn puts(puts: Vec<Put>) -> Batch {
    Batch { events: Vec::new(), puts }
}

pub(crate) fn all() -> EventFilter {
    EventFilter { limit: 1000, ..EventFilter::default() }
}

async fn append(store: &dyn Backbone, batch: Vec<NewEvent>) -> Vec<Appended> {
    store.commit(events(batch)).await.unwrap().events
}

async fn value(store: &dyn Backbone, key: &str) -> Option<String> {
    let entry = store.get("box", key.to_owned()).await.unwrap();
    entry.map(|entry| String::from_utf8(entry.value).unwrap())
}

fn positions(page: &Page) -> Vec<Position> {
    page.events.iter().map(|event| event.position).collect()
}

pub(crate) async fn what_was_answered_is_there_after_it_was_opened_again(form: Form) {
    let store = form.open().await;
    let position = append(&*store, vec![event("a", "t")]).await[0].position;
    let revision = store.commit(puts(vec![put("k", Some("v"), None)])).await.unwrap().revisions[0];
    drop(store);
    let again = form.open().await;
    assert_eq!((*again.newest_position().borrow(), *again.newest_revision().borrow()), (position, revision));
    assert_eq!(positions(&again.query(all()).await.unwrap()), [position]);
    assert_eq!(value(&*again, "k").await.as_deref(), Some("v"));
    let next = append(&*again, vec![event("b", "t")]).await[0];
    assert!(next.position > position && !next.is_duplicate);
}

pub(crate) async fn a_second_event_of_the_same_identity_is_the_first_one(form: Form) {
    let store = form.open().await;
    let first = append(&*store, vec![event("a", "t")]).await[0];
    let other = NewEvent { json: json("a", "t", 2), ..event("a", "t") };
    let both = append(&*store, vec![event("b", "t"), other.clone(), event("b", "t")]).await;
    assert_eq!(both[1], Appended { position: first.position, is_duplicate: true });
    assert_eq!(both[2], Appended { position: both[0].position, is_duplicate: true });
    let page = store.query(all()).await.unwrap();
    assert_eq!(positions(&page), [first.position, both[0].position]);
    assert_eq!(page.events[0].json, json("a", "t", 1));
    let foreign =
        NewEvent { source: "urn:other".to_owned(), json: other.json.replace("urn:test", "urn:other"), ..other };
    assert!(!append(&*store, vec![foreign]).await[0].is_duplicate);
}

pub(crate) async fn of_a_thousand_equal_events_at_once_one_is_kept(form: Form) {
    let store = form.open().await;
    let posts = (0..1000).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { append(&*store, vec![event("a", "t")]).await[0] })
    });
    let (mut new, mut places) = (0, HashSet::new());
    for post in posts.collect::<Vec<_>>() {
        let appended = post.await.unwrap();
        new += usize::from(!appended.is_duplicate);
        places.insert(appended.position);
    }
    assert_eq!((new, places.len()), (1, 1));
    assert_eq!(store.query(all()).await.unwrap().events.len(), 1);
}

pub(crate) async fn a_conflict_changes_nothing_of_its_batch(form: Form) {
    let store = form.open().await;
    let revision = store.commit(puts(vec![put("k", Some("one"), None)])).await.unwrap().revisions[0];
    for stale in [
        put("k", Some("two"), None),
        put("k", Some("two"), Some(revision + 1)),
        put("k", None, Some(revision + 1)),
        put("k", None, None),
        put("missing", Some("two"), Some(revision)),
    ] {
        let batch = Batch { events: vec![event("a", "t")], puts: vec![put("other", Some("x"), None), stale.clone()] };
        let refused = store.commit(batch).await.unwrap_err();
        let BackboneError::Conflict { bucket, key } = refused else { panic!("{refused}") };
        assert_eq!((bucket, key), ("box", stale.key));
    }
    assert_eq!(value(&*store, "k").await.as_deref(), Some("one"));
    assert_eq!(value(&*store, "other").await, None);
    assert_eq!(store.query(all()).await.unwrap(), Page::default());
}

pub(crate) async fn events_and_entries_change_together(form: Form) {
    let store = form.open().await;
    let batch = Batch {
        events: vec![event("a", "t"), event("b", "t")],
        puts: vec![put("k", Some("one"), None), put("l", Some("two"), None)],
    };
    let done = store.commit(batch).await.unwrap();
    assert_eq!((done.events.len(), done.revisions.len()), (2, 2));
    assert!(done.events[0].position < done.events[1].position && done.revisions[0] < done.revisions[1]);
    // A move: one goes, another comes, in one step.
    let moved = vec![put("k", None, Some(done.revisions[0])), put("m", Some("one"), None)];
    store.commit(puts(moved)).await.unwrap();
    assert_eq!((value(&*store, "k").await, value(&*store, "m").await.as_deref()), (None, Some("one")));
    let again = store.commit(puts(vec![put("k", Some("x"), Some(done.revisions[0]))])).await;
    assert!(again.is_err(), "a removed entry came back under its old revision");
    let anew = store.commit(puts(vec![put("k", Some("new"), None)])).await.unwrap();
    assert!(anew.revisions[0] > done.revisions[1]);
}

pub(crate) async fn of_many_writers_with_one_revision_one_wins_and_nobody_else_suffers(form: Form) {
    let store = form.open().await;
    let writers = (0..64).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let alone = store.commit(events(vec![event(&format!("e{number}"), "t")])).await;
            let raced = store.commit(puts(vec![put("k", Some(&number.to_string()), None)])).await;
            (alone.is_ok(), raced.is_ok())
        })
    });
    let mut won = 0;
    for writer in writers.collect::<Vec<_>>() {
        let (alone, raced) = writer.await.unwrap();
        assert!(alone);
        won += usize::from(raced);
    }
    assert_eq!(won, 1);
    assert_eq!(store.query(all()).await.unwrap().events.len(), 64);
}

pub(crate) async fn an_entry_that_has_expired_is_absent(form: Form) {
    let store = form.open().await;
    let end = OffsetDateTime::now_utc() + Duration::from_millis(700);
    let short = Put { expires_at: Some(end), ..put("k", Some("short"), None) };
    let long = Put { expires_at: Some(end + Duration::from_secs(3600)), ..put("l", Some("long"), None) };
    let revisions = store.commit(puts(vec![short, long])).await.unwrap().revisions;
    assert_eq!(value(&*store, "k").await.as_deref(), Some("short"));
    assert!(store.commit(puts(vec![put("k", Some("x"), None)])).await.is_err(), "it is there");
    while OffsetDateTime::now_utc() <= end + Duration::from_millis(50) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(value(&*store, "k").await, None);
    let keys: Vec<_> = store.list("box", None, 9).await.unwrap().into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, ["l"]);
    assert!(store.commit(puts(vec![put("k", Some("x"), Some(revisions[0]))])).await.is_err(), "it is gone");
    store.commit(puts(vec![put("k", Some("again"), None)])).await.unwrap();
    assert_eq!(value(&*store, "k").await.as_deref(), Some("again"));
}

pub(crate) async fn changes_are_told_in_order_with_what_was_removed(form: Form) {
    let store = form.open().await;
    let mut newest = store.newest_revision();
    let before = *newest.borrow_and_update();
    let first =
        store.commit(puts(["a", "b", "c"].map(|key| put(key, Some(key), None)).into())).await.unwrap().revisions;
    let other = Put { bucket: "other", ..put("z", Some("z"), None) };
    store
        .commit(puts(vec![put("a", Some("again"), Some(first[0])), put("b", None, Some(first[1])), other]))
        .await
        .unwrap();
    newest.changed().await.unwrap();
    let told = store.changes("box", before, 9).await.unwrap();
    let told: Vec<_> = told.iter().map(|change| (change.key.as_str(), change.value.as_deref())).collect();
    assert_eq!(told, [("c", Some(&b"c"[..])), ("a", Some(b"again")), ("b", None)]);
    let one = store.changes("box", before, 1).await.unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(store.changes("box", one[0].revision, 9).await.unwrap().len(), 2);
    assert!(store.changes("box", *newest.borrow(), 9).await.unwrap().is_empty());
}

pub(crate) async fn lists_go_from_the_largest_key_down(form: Form) {
    let store = form.open().await;
    store.commit(puts(["a", "b", "c"].map(|key| put(key, Some(key), None)).into())).await.unwrap();
    let keys = async |before: Option<&str>, bucket| {
        let entries = store.list(bucket, before.map(str::to_owned), 2).await.unwrap();
        entries.into_iter().map(|entry| entry.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(None, "box").await, ["c", "b"]);
    assert_eq!(keys(Some("b"), "box").await, ["a"]);
    assert!(keys(None, "other").await.is_empty());
}

pub(crate) async fn queries_match_filters_and_page_in_both_directions(form: Form) {
    let store = form.open().await;
    let types = ["a.b", "a.b.c", "a.bc", "a.b.d", "z"];
    let batch = types.iter().enumerate().map(|(number, name)| event(&number.to_string(), name)).collect();
    let places: Vec<_> = append(&*store, batch).await.iter().map(|event| event.position).collect();
    let two = EventFilter { limit: 2, ..all() };
    let below = |text: &str| Some(TypeFilter::Below(text.to_owned()));
    for (filter, expected, has_more) in [
        (two.clone(), vec![0, 1], true),
        (EventFilter { after: Some(places[1]), ..two.clone() }, vec![2, 3], true),
        (EventFilter { after: Some(places[3]), ..two.clone() }, vec![4], false),
        (EventFilter { order: Order::Descending, ..two.clone() }, vec![4, 3], true),
        (EventFilter { order: Order::Descending, after: Some(places[1]), ..two.clone() }, vec![0], false),
        (EventFilter { event_type: below("a.b"), ..two.clone() }, vec![1, 3], false),
        (EventFilter { event_type: Some(TypeFilter::Exact("a.b".into())), ..two.clone() }, vec![0], false),
        (EventFilter { subject: Some("subject-4".into()), ..two.clone() }, vec![4], false),
        (EventFilter { source: Some("urn:other".into()), ..two.clone() }, vec![], false),
        (EventFilter { correlation_id: Some("x".into()), ..two.clone() }, vec![], false),
        (EventFilter { principal: Some("https://issuer.example#ada".into()), ..two.clone() }, vec![0, 1], true),
        (EventFilter { text: Some("\"a.bc\"".into()), ..two.clone() }, vec![2], false),
        (EventFilter { text: Some("nowhere".into()), ..two.clone() }, vec![], false),
    ] {
        let page = store.query(filter.clone()).await.unwrap();
        assert_eq!(
            positions(&page),
            expected.iter().map(|&place: &usize| places[place]).collect::<Vec<_>>(),
            "{filter:?}"
        );
        assert_eq!(page.next_after.is_some(), has_more, "{filter:?}");
        if has_more {
            let rest = store.query(EventFilter { after: page.next_after, ..filter.clone() }).await.unwrap();
            assert!(positions(&rest).iter().all(|place| !positions(&page).contains(place)), "{filter:?}");
        }
    }
}

pub(crate) async fn events_are_found_by_when_they_came(form: Form) {
    let store = form.open().await;
    let mut times = Vec::new();
    for number in 0..5 {
        append(&*store, vec![event(&number.to_string(), "t")]).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        times.push(OffsetDateTime::now_utc());
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let count = async |since: Option<usize>, until: Option<usize>| {
        let time = |place: Option<usize>| place.map(|place| times[place]);
        let filter = EventFilter { since: time(since), until: time(until), ..all() };
        let ascending = store.query(filter.clone()).await.unwrap().events;
        let mut descending = store.query(EventFilter { order: Order::Descending, ..filter }).await.unwrap().events;
        descending.reverse();
        assert_eq!(ascending, descending);
        ascending.len()
    };
    assert_eq!(count(Some(1), None).await, 3);
    assert_eq!(count(None, Some(1)).await, 2);
    assert_eq!(count(Some(0), Some(3)).await, 3);
    assert_eq!(count(Some(3), Some(0)).await, 0);
    assert_eq!(count(Some(4), None).await, 0);
}

pub(crate) async fn a_page_of_large_events_ends_early(form: Form) {
    let store = form.open().await;
    let large = format!("\"{}\"", "x".repeat(1024 * 1024));
    let mut places = Vec::new();
    for number in 0..7 {
        let id = number.to_string();
        let json = json(&id, "t", 1).replace("\"data\":1", &format!("\"data\":{large}"));
        places.push(append(&*store, vec![NewEvent { json, ..event(&id, "t") }]).await[0].position);
    }
    let page = store.query(all()).await.unwrap();
    assert_eq!((positions(&page), page.next_after), (places[..4].to_vec(), Some(places[3])));
    let rest = store.query(EventFilter { after: page.next_after, ..all() }).await.unwrap();
    assert_eq!((positions(&rest), rest.next_after), (places[4..].to_vec(), None));
}

pub(crate) async fn whoever_is_told_of_a_position_finds_all_up_to_it(form: Form) {
    let store = form.open().await;
    let mut newest = store.newest_position();
    let reading = {
        let store = store.clone();
        tokio::spawn(async move {
            let (mut seen, mut after) = (Vec::new(), 0);
            while seen.len() < 400 {
                newest.changed().await.unwrap();
                let told = *newest.borrow_and_update();
                let filter = EventFilter { after: Some(after), freshness: Freshness::Known, ..all() };
                let places = positions(&store.query(filter).await.unwrap());
                assert!(places.iter().is_sorted() && places.last().is_some_and(|last| *last >= told) || told <= after);
                after = places.last().copied().unwrap_or(after);
                seen.extend(places);
            }
            seen
        })
    };
    let mut writers = Vec::new();
    for writer in 0..8 {
        let store = store.clone();
        writers.push(tokio::spawn(async move {
            let mut last = 0;
            for number in 0..50 {
                let place = append(&*store, vec![event(&format!("{writer}-{number}"), "t")]).await[0].position;
                assert!(place > last, "what came later stands earlier");
                last = place;
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let seen = reading.await.unwrap();
    assert!(seen.is_sorted() && seen.iter().collect::<HashSet<_>>().len() == 400);
}

pub(crate) async fn a_batch_of_a_thousand_is_one_step(form: Form) {
    let store = form.open().await;
    let batch = (0..1000).map(|number| event(&number.to_string(), "t")).collect();
    let appended = append(&*store, batch).await;
    assert_eq!(appended.len(), 1000);
    assert!(appended.iter().map(|event| event.position).is_sorted());
    let page = store.query(all()).await.unwrap();
    assert_eq!((page.events.len(), page.next_after), (1000, None));
}
