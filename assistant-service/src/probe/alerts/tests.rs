use std::time::Duration;

use super::*;

const MINUTE: i64 = 60_000;

/// Plays a row of findings of one check, a minute apart, and says what was told of each: `f`ailed, `p`assed, `b`locked.
fn told(alerts: &mut Alerts, findings: &str) -> Vec<Option<Notice>> {
    let outcome = |letter| match letter {
        'f' => Outcome::Failed("no citation".to_owned()),
        'p' => Outcome::Passed("cited".to_owned()),
        _ => Outcome::blocked_by(Check::Service),
    };
    let take = |(minute, letter): (i64, char)| {
        let finding = Finding { check: Check::Ask, outcome: outcome(letter), took: Duration::ZERO };
        alerts.take(&finding, minute * MINUTE)
    };
    (0..).zip(findings.chars()).map(take).collect()
}

/// `!` where an alert begins, `.` where it ends, `-` where nothing is told.
fn drawn(findings: &str) -> String {
    let mark = |notice: Option<Notice>| match notice {
        None => '-',
        Some(Notice { ended: None, .. }) => '!',
        Some(_) => '.',
    };
    told(&mut Alerts::default(), findings).into_iter().map(mark).collect()
}

#[test]
fn two_failures_in_a_row_are_one_alert_and_one_success_ends_it() {
    for (findings, expected) in [
        ("ppfp", "----"),
        ("pffp", "--!."),
        ("ffffffp", "-!----."),
        ("fpfpfp", "------"),
        ("ffpffp", "-!.-!."),
        ("ffpfpf", "-!.---"),
    ] {
        assert_eq!(drawn(findings), expected, "{findings}");
    }
}

#[test]
fn what_was_not_looked_at_begins_no_alert_and_ends_none() {
    for (findings, expected) in
        [("fbf", "---"), ("fbbff", "----!"), ("bbbb", "----"), ("ffbbp", "-!--."), ("ffbf", "-!--")]
    {
        assert_eq!(drawn(findings), expected, "{findings}");
    }
}

#[test]
fn an_alert_begins_with_its_first_failure_and_its_end_is_of_the_same_one() {
    let notices: Vec<_> = told(&mut Alerts::default(), "pffp").into_iter().flatten().collect();
    let [begun, ended] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!((begun.alert.since, begun.alert.reason.as_str()), (MINUTE, "no citation"));
    assert_eq!((ended.alert.id, ended.ended), (begun.alert.id, Some(3 * MINUTE)));
}

#[test]
fn an_alert_of_before_a_restart_is_not_told_again_and_ends() {
    let mut before = Alerts::default();
    told(&mut before, "ff");
    let moved = Origin { gateway: "https://elsewhere.example.com".to_owned(), labels: BTreeMap::new() };
    let mut after = Alerts::of(before.all().cloned(), moved);
    assert!(told(&mut after, "ff").into_iter().flatten().next().is_none());
    let ended: Vec<_> = told(&mut after, "p").into_iter().flatten().collect();
    // The same one in everything, although the probe looks at another gateway by now.
    assert_eq!(&ended[0].alert, before.all().next().unwrap());
    assert_eq!(after.all().count(), 0);
}

#[test]
fn a_long_reason_is_cut_between_two_characters() {
    let mut alerts = Alerts::default();
    let reason = format!("a{}", "é".repeat(MAX_REASON_BYTES));
    let finding = Finding { check: Check::Gate, outcome: Outcome::Failed(reason.clone()), took: Duration::ZERO };
    let notice = [0, 1].into_iter().find_map(|now| alerts.take(&finding, now)).unwrap();
    assert_eq!(notice.alert.reason.len(), MAX_REASON_BYTES - 1);
    assert!(reason.starts_with(&notice.alert.reason));
}

#[test]
fn one_check_says_nothing_of_another() {
    let mut alerts = Alerts::default();
    for check in [Check::Ask, Check::Event, Check::Ask] {
        let finding = Finding { check, outcome: Outcome::Failed(String::new()), took: Duration::ZERO };
        let notice = alerts.take(&finding, 0);
        assert_eq!(notice.is_some(), alerts.all().count() == 1);
    }
    assert!(alerts.all().map(|alert| alert.check).eq([Check::Ask]));
}

#[test]
fn the_alert_of_a_check_that_is_made_no_more_ends() {
    let mut alerts = Alerts::default();
    told(&mut alerts, "ff");
    assert!(alerts.keep_only(&[Check::Ask], 0).is_empty());
    let ended = alerts.keep_only(&[Check::Event], 7);
    assert_eq!((ended.len(), ended[0].ended, alerts.all().count()), (1, Some(7), 0));
}
