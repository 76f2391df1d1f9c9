use std::time::Duration;

use serde_json::json;
use time::macros::datetime;
use tokio::time::timeout;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00:00 UTC);
const A_MOMENT: Duration = Duration::from_millis(20);

fn brief(state: &str, per_runbook: Option<u32>) -> Option<Brief> {
    let command = json!({
        "state": state,
        "runbook": "tidy",
        "target": {"service": "mailer"},
        "requested_by": {"iss": "https://idp.example.com", "sub": "ana"},
        "requested_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
    });
    let terms = json!({"concurrency": {"per_runbook": per_runbook}, "approval_lifetime_seconds": 3600});
    serde_json::from_value(json!({"command": command, "terms": terms, "timeout_seconds": 60, "fence": 0})).unwrap()
}

fn saw(open: &OpenCommands, key: &str, revision: Revision, brief: Option<Brief>) {
    open.saw(key, revision, brief, (NOW, Duration::ZERO));
}

fn next(open: &OpenCommands) -> Option<Candidate<'_>> {
    open.next_ready("mailer", None, Duration::ZERO, |_| true)
}

#[test]
fn what_somebody_has_in_hand_is_offered_to_nobody_else() {
    let open = OpenCommands::default();
    saw(&open, "a", 1, brief("scheduled", None));
    saw(&open, "b", 2, brief("scheduled", None));
    let first = next(&open).unwrap();
    let second = next(&open).unwrap();
    assert_eq!((first.key.as_str(), second.key.as_str(), next(&open).is_none()), ("a", "b", true));
    drop(first);
    assert_eq!(next(&open).unwrap().key, "a");
    assert!(open.next_ready("mailer", Some("a"), Duration::ZERO, |_| true).is_none());
    assert!(open.next_ready("other", None, Duration::ZERO, |_| true).is_none());
}

#[test]
fn what_was_seen_in_a_later_revision_stays() {
    let open = OpenCommands::default();
    saw(&open, "a", 5, brief("leased", None));
    saw(&open, "a", 4, brief("scheduled", None));
    assert!(next(&open).is_none());
    saw(&open, "a", 6, brief("scheduled", None));
    assert_eq!(next(&open).unwrap().key, "a");
    saw(&open, "a", 7, None);
    assert!(next(&open).is_none());
    assert_eq!(open.counts(&Principal::new("https://idp.example.com", "ana")), (0, 0));
}

#[test]
fn what_is_not_open_is_forgotten_unless_it_came_later() {
    let open = OpenCommands::default();
    for (key, revision) in [("a", 1), ("b", 2), ("c", 3), ("d", 1)] {
        saw(&open, key, revision, brief("scheduled", None));
    }
    open.keep(2, (Bound::Unbounded, Bound::Excluded("d")), |key| key == "b");
    let ana = Principal::new("https://idp.example.com", "ana");
    let mut known = std::collections::BTreeSet::new();
    open.each(|key, _, _| {
        known.insert(key.to_owned());
    });
    assert_eq!(known.into_iter().collect::<Vec<_>>(), ["b", "c", "d"], "what was not looked at stays");
    assert_eq!(open.counts(&ana), (3, 3));
    assert_eq!(open.counts(&Principal::new("https://other.example", "ana")), (3, 0));
    assert_eq!(next(&open).unwrap().key, "b");
}

#[tokio::test]
async fn one_of_many_who_wait_is_woken_and_whoever_breaks_off_passes_it_on() {
    let open = OpenCommands::default();
    let (one, other) = (open.wait_for("mailer"), open.wait_for("mailer"));
    saw(&open, "a", 1, brief("scheduled", None));
    assert!(timeout(A_MOMENT, one.woken()).await.is_ok());
    assert!(timeout(A_MOMENT, other.woken()).await.is_err());
    drop(one.look());
    assert!(timeout(A_MOMENT, other.woken()).await.is_ok());
    other.look().end();
    assert!(timeout(A_MOMENT, one.woken()).await.is_err());
    // A row in which nobody waits is not kept.
    drop((one, other));
    assert!(open.lock().waiting.is_empty());
}

#[tokio::test]
async fn the_end_of_a_command_wakes_only_where_it_frees_a_place() {
    for (bound, is_woken) in [(Some(1), true), (None, false)] {
        let open = OpenCommands::default();
        saw(&open, "a", 1, brief("running", bound));
        saw(&open, "b", 2, brief("scheduled", bound));
        let waiting = open.wait_for("mailer");
        saw(&open, "a", 3, None);
        assert_eq!(timeout(A_MOMENT, waiting.woken()).await.is_ok(), is_woken);
    }
}
