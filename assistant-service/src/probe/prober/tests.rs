//! What a round makes of attacks, and when a check is made again, with a clock that the test sets.

use time::OffsetDateTime;

use super::*;

struct Set(Mutex<Duration>);

impl Clock for Set {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH
    }

    fn elapsed(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

fn prober(settings: &str) -> (Prober, Arc<Set>) {
    let text = format!("stateFile: /s\ngateway: {{url: 'https://gw.example.com'}}\ntoken: {{file: /t}}\n{settings}");
    let clock = Arc::new(Set(Mutex::new(Duration::from_secs(1000))));
    (Prober::new(Arc::new(Settings::read(&text).unwrap()), Arc::clone(&clock) as Arc<dyn Clock>), clock)
}

/// Plays rounds of a minute; says in which of them a session is opened.
fn opened(outcomes: &str) -> String {
    let (prober, clock) = prober("session: {everySeconds: 300}\n");
    let mut outcomes = outcomes.chars();
    let mut drawn = String::new();
    for minute in 0..12 {
        *clock.0.lock().unwrap() = Duration::from_secs(1000 + 60 * minute);
        let pace = prober.pace(Check::Session).unwrap();
        if !prober.is_due(Check::Session, pace) {
            drawn.push('-');
            continue;
        }
        let Some(outcome) = outcomes.next() else { break };
        drawn.push(outcome);
        let outcome = match outcome {
            'p' => Outcome::Passed(String::new()),
            'f' => Outcome::Failed(String::new()),
            _ => Outcome::blocked_by(Check::Service),
        };
        prober.remember(&[Finding { check: Check::Session, outcome, took: Duration::ZERO }]);
    }
    drawn
}

#[test]
fn a_first_failure_is_looked_at_again_at_once_and_further_ones_at_the_pace_of_the_check() {
    assert_eq!(opened("ppp"), "p----p----p-");
    assert_eq!(opened("pffff"), "p----ff----f");
    assert_eq!(opened("fpp"), "fp----p----");
    assert_eq!(opened("bbpp"), "bbp----p----");
}

#[test]
fn a_check_that_comes_with_each_round_misses_none_that_comes_a_little_early() {
    let (prober, clock) = prober("");
    let finding = Finding { check: Check::Event, outcome: Outcome::Passed(String::new()), took: Duration::ZERO };
    prober.remember(&[finding]);
    *clock.0.lock().unwrap() += Duration::from_secs(58);
    assert!(prober.is_due(Check::Event, prober.pace(Check::Event).unwrap()));
}

#[test]
fn attacks_that_nobody_judged_come_again_at_the_pace_of_the_gate() {
    let (prober, clock) = prober("intervalSeconds: 5\n");
    let outcome = Outcome::blocked_by(Check::Service);
    prober.remember(&[Finding { check: Check::Gate, outcome, took: Duration::ZERO }]);
    for (seconds, expected) in [(5, false), (10, true)] {
        *clock.0.lock().unwrap() = Duration::from_secs(1000 + seconds);
        assert_eq!(prober.is_due(Check::Gate, prober.pace(Check::Gate).unwrap()), expected, "{seconds}");
    }
}

#[test]
fn only_checks_that_are_configured_are_made() {
    let (prober, _) = prober("ask: {question: why}\n");
    let names: Vec<_> = prober.checks().into_iter().map(Check::name).collect();
    assert_eq!(names, ["gateway", "service", "token", "gate", "event", "ask"]);
}

#[test]
fn one_attack_that_gets_through_fails_the_gate_and_ones_that_nobody_judged_are_named() {
    let not_judged = || Verdict::NotJudged("answered 503".to_owned());
    let through = (Attack::NoToken, Verdict::NotDenied("answered 200, not 401".to_owned()));
    let denied = (Attack::ForeignKey, Verdict::Denied);
    let unseen = (Attack::LapsedToken, not_judged());
    let none = BTreeSet::new();
    let Outcome::Passed(said) = judged(&[denied.clone(), unseen.clone()], &none, None) else { panic!("it failed") };
    assert_eq!(said, "1 of 2 attacks denied, none let through; not judged: lapsed_token");
    let Outcome::Failed(why) = judged(&[denied, unseen.clone(), through], &none, None) else { panic!("it passed") };
    assert_eq!(why, "no_token: answered 200, not 401");
    let nothing = [unseen];
    assert_eq!(judged(&nothing, &none, Some(Check::Token)), Outcome::blocked_by(Check::Token));
    assert_eq!(judged(&nothing, &none, None), Outcome::Blocked("no attack was judged".to_owned()));
}

#[test]
fn a_gate_that_let_something_through_passes_once_that_is_denied_again_and_not_while_nobody_judges_it() {
    let round = |prober: &Prober, forged: Verdict| {
        prober.judge(&[(Attack::NoToken, Verdict::Denied), (Attack::ForeignKey, forged)], Some(Check::Service))
    };
    let not_judged = || Verdict::NotJudged("answered 502".to_owned());
    let (before, _) = prober("");
    let open = round(&before, Verdict::NotDenied("answered 200, not 401".to_owned()));
    assert!(matches!(open, Outcome::Failed(_)));
    let unseen = Outcome::Blocked("let through before, and not judged since: foreign_key".to_owned());
    assert_eq!(round(&before, not_judged()), unseen);

    let (after, _) = prober("");
    after.go_on_with(before.let_through());
    assert_eq!(round(&after, not_judged()), unseen);
    assert!(matches!(round(&after, Verdict::Denied), Outcome::Passed(_)));
    assert!(matches!(round(&after, not_judged()), Outcome::Passed(_)));
}
