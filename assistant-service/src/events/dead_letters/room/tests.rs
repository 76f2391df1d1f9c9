use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00:00 UTC);

fn summary(principal: &str, bytes: usize, arrived_at: OffsetDateTime) -> Summary {
    let arrived_at = arrived_at.format(&time::format_description::well_known::Rfc3339).unwrap();
    serde_json::from_value(serde_json::json!({
        "id": "x", "reason": "malformed", "principal": principal, "arrived_at": arrived_at, "mode": "batch",
        "type": null, "source": null, "bytes": bytes,
    }))
    .unwrap()
}

fn places(summaries: &[Summary], letters: usize, bytes: usize) -> Vec<(usize, Because)> {
    victims(&summaries.iter().collect::<Vec<_>>(), Space { letters, bytes }, NOW)
}

#[test]
fn whoever_has_the_most_gives_way_and_others_keep_theirs() {
    // New ones first: `loud` has come after `quiet`.
    let mut all: Vec<_> = (0..8).map(|_| summary("loud", 10, NOW)).collect();
    all.extend((0..3).map(|_| summary("quiet", 10, NOW)));
    let gone: Vec<_> = [7, 6, 5, 4].map(|place| (place, Because::NoRoom)).into();
    assert_eq!(places(&all, 7, 1000), gone);
    assert_eq!(places(&all, 100, 70), gone);
    assert_eq!(places(&all, 100, 1000), []);
    assert_eq!(places(&all, 0, 1000).len(), 11);
}

#[test]
fn few_large_ones_weigh_as_much_as_many_small_ones() {
    let mut all = vec![summary("large", 200_000, NOW), summary("large", 200_000, NOW)];
    all.extend((0..4).map(|_| summary("many", 10, NOW)));
    assert_eq!(places(&all, 100, 300_000), [(1, Because::NoRoom)]);
}

#[test]
fn what_is_too_old_goes_first_and_may_be_enough() {
    let old = datetime!(2026-01-30 12:00:00 UTC);
    let all = [summary("a", 10, NOW), summary("a", 10, NOW), summary("b", 10, old)];
    assert_eq!(places(&all, 2, 1000), [(2, Because::Expired)]);
}

#[test]
fn room_is_taken_until_there_is_none() {
    let room = Space { letters: 2, bytes: 10 };
    let one = Space { letters: 1, bytes: 4 };
    let left = room.minus(one).unwrap();
    assert_eq!(left, Space { letters: 1, bytes: 6 });
    assert_eq!(left.minus(Space { letters: 1, bytes: 7 }), None);
    assert_eq!(left.minus(one).unwrap().minus(one), None);
}
