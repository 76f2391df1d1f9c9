use super::super::tests::{append, operation, witness};
use super::*;

/// Two events of one subject and one of another, at positions 1, 2 and 3. The first holder of the first one dies.
const COURSE: &str = "\
tried 0 0\nkept 0 0 1\ntried 0 1\nkept 0 1 2\ntried 4 0\nkept 4 0 3\n\
lease 7 asked\nlease 7 handed 1 11 1 0 0 100 110\nlease 7 handed 3 11 1 4 0 100 110\nlease 7 heard\n\
lease 7 acking 3 11\nlease 7 taken 3 11\nlease 7 killed\n\
lease 8 asked\nlease 8 handed 1 12 2 0 0 1000 1120\nlease 8 heard\nlease 8 acking 1 12\nlease 8 taken 1 12\n\
lease 8 asked\nlease 8 handed 2 13 1 0 1 1200 1210\nlease 8 heard\nlease 8 acking 2 13\nlease 8 taken 2 13\n\
lease 7 acking 1 11\nlease 7 stale 1 11\n";

fn judged(lines: &str, left: Left) -> Verdict {
    let mut stored = Stored::default();
    for posted in [operation(0, 0), operation(0, 1), operation(4, 0)] {
        append(&mut stored, posted.batch(1));
    }
    let witness = witness(lines);
    let mut verdict = super::super::judge(&stored, &witness).unwrap();
    judge_leases(&stored, &witness, left, &mut verdict).unwrap();
    verdict
}

#[test]
fn a_dead_holders_event_that_the_next_one_does_breaks_nothing() {
    let verdict = judged(COURSE, Left::default());
    assert_eq!(verdict.violations, Vec::<String>::new());
    let wanted =
        Leases { taken: 4, died: 1, died_holding: 1, handed_out_again: 1, refused_late: 1, ..Leases::default() };
    assert_eq!(verdict.leases, Some(wanted));
}

#[test]
fn each_broken_promise_about_leases_is_told() {
    let cases = [
        (
            "an outdated word counts",
            "lease 7 stale 1 11",
            "lease 7 taken 1 11",
            "done under fence 11 and handed out under 12",
        ),
        ("two valid holders", "lease 7 stale 1 11", "lease 7 taken 1 11", "was done 2 times"),
        ("twice under one fence", "lease 8 taken 2 13", "lease 8 taken 2 13\nlease 8 taken 2 13", "was done 2 times"),
        ("a lost lease", "lease 8 acking 2 13\nlease 8 taken 2 13\n", "", "nobody was told"),
        (
            "never handed out",
            "lease 8 handed 2 13 1 0 1 1200 1210\nlease 8 heard\nlease 8 acking 2 13\nlease 8 taken 2 13\n",
            "",
            "nobody was told",
        ),
        ("a good word is refused", "lease 8 taken 2 13", "lease 8 stale 2 13", "nobody was handed it after that"),
        ("an attempt twice", "lease 8 handed 1 12 2", "lease 8 handed 1 12 1", "one attempt was handed out twice"),
        ("a hand-out nobody saw", "lease 8 handed 1 12 2", "lease 8 handed 1 12 6", "hand-outs reached nobody"),
        ("a fence that falls", " 1 12", " 1 9", "a fence that does not grow"),
        ("too early", "1000 1120", "1000 1099", "too early"),
        ("out of order", "2 13", "2 12", "was handed out before"),
        ("another event", "handed 2 13 1 0 1", "handed 2 13 1 4 1", "was handed out as"),
        (
            "not stored",
            "lease 8 heard\nlease 8 acking 2",
            "lease 8 handed 9 13 1 0 2 1200 1210\nlease 8 heard\nlease 8 acking 2",
            "is not stored",
        ),
    ];
    for (what, from, to, told) in cases {
        let lines = COURSE.replace(from, to);
        assert_ne!(lines, COURSE, "{what}");
        let verdict = judged(&lines, Left::default());
        assert!(verdict.violations.iter().any(|sentence| sentence.contains(told)), "{what}: {:?}", verdict.violations);
    }
    for left in [
        Left { held: 1, ..Left::default() },
        Left { waiting: 1, ..Left::default() },
        Left { lag: 1, ..Left::default() },
    ] {
        assert_eq!(judged(COURSE, left).violations.len(), 1, "{left:?}");
    }
}

#[test]
fn what_the_answers_that_got_lost_may_have_meant_breaks_nothing() {
    // The word that it is done has no answer and is said again; or its holder is not heard of after it.
    for said in
        ["lease 8 acking 2 13\nlease 8 acking 2 13\nlease 8 stale 2 13\n", "lease 8 acking 2 13\nlease 8 killed\n"]
    {
        let verdict = judged(&COURSE.replace("lease 8 acking 2 13\nlease 8 taken 2 13\n", said), Left::default());
        assert_eq!((verdict.violations, verdict.leases.unwrap().in_doubt), (Vec::new(), 1), "{said}");
    }
    // A holder asked, and what it was handed nobody knows.
    let lost = COURSE.replace("lease 8 handed 1 12 2", "lease 8 handed 1 12 3");
    let verdict = judged(&format!("lease 6 asked\nlease 6 killed\n{lost}"), Left::default());
    assert_eq!((verdict.violations, verdict.leases.unwrap().unheard), (Vec::new(), 1));
}
