use super::*;

fn summary(principal: &str, bytes: usize) -> Summary {
    serde_json::from_value(serde_json::json!({
        "id": "x", "reason": "malformed", "principal": principal, "arrived_at": "2026-03-01T12:00:00Z", "mode": "batch",
        "type": null, "source": null, "bytes": bytes,
    }))
    .unwrap()
}

fn places(summaries: &[Summary], letters: usize, bytes: usize) -> Vec<usize> {
    victims(&summaries.iter().collect::<Vec<_>>(), Space { letters, bytes })
}

#[test]
fn whoever_has_the_most_gives_way_and_others_keep_theirs() {
    // New ones first: `loud` has come after `quiet`.
    let mut all: Vec<_> = (0..8).map(|_| summary("loud", 10)).collect();
    all.extend((0..3).map(|_| summary("quiet", 10)));
    let gone = [7, 6, 5, 4];
    assert_eq!(places(&all, 7, 1000), gone);
    assert_eq!(places(&all, 100, 70), gone);
    assert_eq!(places(&all, 100, 1000), [0_usize; 0]);
    assert_eq!(places(&all, 0, 1000).len(), 11);
}

#[test]
fn few_large_ones_weigh_as_much_as_many_small_ones() {
    let mut all = vec![summary("large", 200_000), summary("large", 200_000)];
    all.extend((0..4).map(|_| summary("many", 10)));
    assert_eq!(places(&all, 100, 300_000), [1]);
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
