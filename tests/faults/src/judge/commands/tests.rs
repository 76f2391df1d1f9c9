use serde_json::json;

use super::*;

/// One command of a runbook that is tried again, and one of a runbook that is not and that somebody else had to agree to. The first
/// one's holder fails, and the next attempt succeeds; the second one's holder falls silent and reports too late.
const TERMS: [Terms; 2] = [
    Terms { runbook: "rebuild", retries: 1, at_once: Some(1) },
    Terms { runbook: "restart", retries: 0, at_once: None },
];

/// The second of a minute, state, fence and further members of each change.
const COURSE: &str = r#"
00 a requested 0 {}
00 a scheduled 0 {}
01 a leased 1 {}
02 a running 1 {}
02 a output 0 {"offset": 0, "text": "begun\n"}
03 a scheduled 0 {"attempts_failed": [{"because": "failed", "message": "a under fence 1"}]}
04 a leased 2 {}
05 a running 2 {}
06 a verifying 2 {}
07 a succeeded 0 {"result": {"outcome": "succeeded", "result": {"word": "a under fence 2"}}, "attempts_failed": [{"because": "failed", "message": "a under fence 1"}]}
10 b requested 0 {}
10 b pending 0 {}
11 b scheduled 0 {"approval": {"decided": [{"by": {"sub": "ben"}, "decision": "approve"}]}}
12 b leased 1 {}
13 b running 1 {}
15 b running 1 {"stop_asked_by": {"sub": "ana"}}
45 b abandoned 0 {"stop_asked_by": {"sub": "ana"}, "approval": {"decided": [{"by": {"sub": "ben"}, "decision": "approve"}]}}
46 b late_result 1 {}
"#;

fn event(line: &str) -> Value {
    let words: Vec<_> = line.splitn(5, ' ').collect();
    let (id, kind, fence): (&str, &str, u64) = (words[1], words[2], words[3].parse().unwrap());
    let mut data: Value = serde_json::from_str(words[4]).unwrap();
    if kind == "late_result" {
        data["fence"] = json!(fence);
    } else if kind != "output" {
        let runbook = if id.starts_with('a') { "rebuild" } else { "restart" };
        data["runbook"] = json!(runbook);
        data["state"] = json!(kind);
        data["digest"] = json!(id);
        data["parameters"] = json!({"number": id});
        data["requested_by"] = json!({"sub": "ana"});
        if fence > 0 {
            data["lease"] = json!({"fence": fence});
        }
    }
    let time = format!("2026-03-01T12:00:{}Z", words[0]);
    json!({"type": format!("dev.watchgate.command.{kind}"), "subject": id, "time": time, "data": data})
}

fn lease(id: &str, fence: u64) -> Lease {
    Lease { id: id.to_owned(), fence }
}

/// What everybody was answered.
fn lines() -> Vec<Line> {
    let asked = |id: &str, runbook: &str| Line::Asked {
        id: id.to_owned(),
        by: "ana".to_owned(),
        body: json!({"runbook": runbook, "parameters": {"number": id}}),
    };
    let sent = time::OffsetDateTime::from_unix_timestamp(1_772_366_414).unwrap();
    vec![
        asked("a", "rebuild"),
        Line::Leased(lease("a", 1)),
        Line::Written { lease: lease("a", 1), bytes: 6 },
        Line::Taken { lease: lease("a", 1), end: End::Failed },
        Line::Begun { lease: lease("a", 2) },
        Line::Ended { lease: lease("a", 2), end: End::Succeeded },
        asked("b", "restart"),
        Line::Decided { id: "b".to_owned(), by: "ben".to_owned(), decision: "approve" },
        Line::Alive { lease: lease("b", 1), sent },
        Line::AskedToStop { id: "b".to_owned() },
        Line::Unanswered,
        Line::Died { lease: lease("b", 1) },
        Line::Refused { lease: lease("b", 1) },
    ]
}

fn told(course: &str) -> Told {
    let events: Vec<_> = course.lines().filter(|line| !line.is_empty()).map(event).collect();
    let mut commands = BTreeMap::new();
    for event in &events {
        if event["data"]["digest"].is_string() {
            commands.insert(event["subject"].as_str().unwrap().to_owned(), event["data"].clone());
        }
    }
    Told { events, commands }
}

#[test]
fn a_command_that_is_tried_again_and_one_that_is_abandoned_break_nothing() {
    let verdict = judge_commands(&lines(), &told(COURSE), &TERMS).unwrap();
    assert_eq!(verdict.violations, Vec::<String>::new());
    let wanted = Commands {
        asked: 2,
        ends: [("succeeded".to_owned(), 1), ("abandoned".to_owned(), 1)].into(),
        changes: 16,
        leases: 3,
        tried_again: 1,
        results: 1,
        late_results: 1,
        handlers: 1,
        unanswered: 1,
        died: 1,
        ..Commands::default()
    };
    assert_eq!(verdict.commands, Some(wanted));
}

#[test]
fn each_broken_promise_about_commands_is_told() {
    let last = COURSE.lines().find(|line| line.starts_with("07 a succeeded")).unwrap();
    let cases = [
        ("lost", "10 b requested 0 {}\n10 b pending 0 {}\n", "", "went from \"\" to scheduled"),
        ("never ended", last, "07 a verifying 2 {}", "never ended"),
        ("not in the table", "06 a verifying 2 {}", "06 a pending 0 {}", "from \"running\" to pending"),
        ("on from its end", "45 b abandoned", "14 b failed 0 {}\n45 b abandoned", "from \"failed\" to abandoned"),
        ("a fence that falls", "04 a leased 2", "04 a leased 1", "was leased under fence 1 after 1"),
        ("an old fence", "06 a verifying 2", "06 a verifying 1", "changed under fence 1"),
        ("begun twice", "15 b running 1 {", "15 b scheduled 0 {}\n15 b leased 2 {}\n15 b running 2 {", "begun 2 times"),
        ("too early", "45 b abandoned", "43 b abandoned", "was taken from its holder"),
        (
            "a lease that is lost too early",
            "12 b leased 1 {}",
            "11 b leased 1 {}\n12 b scheduled 0 {}\n12 b leased 2 {}",
            "was taken from its holder",
        ),
        ("a result that is lost", "\"because\": \"failed\"", "\"because\": \"abandoned\"", "it ended as"),
        ("another result", "{\"word\": \"a under fence 2\"}", "{\"word\": \"b\"}", "no late result is there"),
        ("a decision that is lost", "\"sub\": \"ben\"", "\"sub\": \"cyd\"", "the decision is not kept"),
        (
            "a stop that is lost",
            "\"stop_asked_by\": {\"sub\": \"ana\"}, \"approval\"",
            "\"approval\"",
            "nobody asked for it",
        ),
        ("output that is lost", "\"begun\\n\"", "\"beg\"", "3 bytes are in the log"),
        ("a late result that is lost", "46 b late_result 1 {}\n", "", "no late result is there"),
        ("two late results", "46 b late_result", "46 b late_result 1 {}\n46 b late_result", "two late results"),
        ("nobody asked", "10 b requested", "00 b2 requested 0 {}\n10 b requested", "nobody was told that b2"),
        (
            "two at once",
            "00 a requested",
            "00 a2 requested 0 {}\n00 a2 scheduled 0 {}\n00 a2 leased 1 {}\n00 a requested",
            "at once",
        ),
    ];
    for (what, from, to, expected) in cases {
        let course = COURSE.replace(from, to);
        assert_ne!(course, COURSE, "{what}");
        let mut told = told(&course);
        told.commands.retain(|id, _| id.len() == 1);
        let verdict = judge_commands(&lines(), &told, &TERMS).unwrap();
        let is_told = verdict.violations.iter().any(|sentence| sentence.contains(expected));
        assert!(is_told, "{what}: {:?}", verdict.violations);
    }
}

#[test]
fn what_the_service_says_of_a_command_is_held_against_the_log_and_the_request() {
    type Change<'a> = &'a dyn Fn(&mut Told);
    let cases: [(&str, Change<'_>, &str); 5] = [
        ("gone", &|told| drop(told.commands.remove("b")), "was acknowledged as"),
        ("otherwise", &|told| told.commands.get_mut("b").unwrap()["progress"] = json!(1), "tells something else of b"),
        ("of another", &|told| told.commands.get_mut("b").unwrap()["requested_by"] = json!({}), "was acknowledged as"),
        (
            "by an old lease",
            &|told| {
                told.events.push(event("08 a scheduled 0 {}"));
                told.events.push(event("09 a leased 3 {}"));
            },
            "and no late result is there",
        ),
        (
            "made twice",
            &|told| {
                for event in &mut told.events {
                    event["data"]["parameters"] = json!({"number": "a"});
                }
            },
            "one request made a and b",
        ),
    ];
    for (what, change, expected) in cases {
        let mut told = told(COURSE);
        change(&mut told);
        let verdict = judge_commands(&lines(), &told, &TERMS).unwrap();
        let is_told = verdict.violations.iter().any(|sentence| sentence.contains(expected));
        assert!(is_told, "{what}: {:?}", verdict.violations);
    }
}
