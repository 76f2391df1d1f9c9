//! Files of watches.

use super::super::watch::read;
use super::*;
use crate::condition;

#[test]
fn the_examples_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company/watches");
    let watches = Watches::load(&folder).unwrap();
    let names: Vec<_> = watches.all().map(|watch| watch.name.as_str()).collect();
    assert_eq!(names, ["full-disk", "stuck-worker"]);
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let text = "name: Not A Name
filter:
  type: com.*.x
  kind: x
where:
  - at: worker
    equals: stuck
  - at: /a
  - at: /b
    equals: [1]
    exists: true
  - at: /c
    greaterThan: much
groupBy: [subject, 'data:', subject, colour]
window: 5 minutes
atLeast: 0
cooldown: 10s
question: How does {this} work?
scopes: ['two scopes']
budget: {insightsPerHour: 2, tokens: 3}
colour: red
";
    let found: Vec<_> =
        read(text).unwrap_err().into_iter().map(|found| (found.line.unwrap(), found.mistake.place)).collect();
    let expected = [
        (21, "colour"),
        (1, "name"),
        (4, "filter.kind"),
        (3, "filter.type"),
        (6, "where[0].at"),
        (8, "where[1]"),
        (10, "where[2].equals"),
        (9, "where[2]"),
        (13, "where[3].greaterThan"),
        (14, "groupBy[1]"),
        (14, "groupBy[2]"),
        (14, "groupBy[3]"),
        (15, "window"),
        (17, "cooldown"),
        (16, "atLeast"),
        (18, "question"),
        (19, "scopes[0]"),
        (20, "budget.tokens"),
    ];
    assert_eq!(found, expected.map(|(line, place)| (line, place.to_owned())));
}

#[test]
fn what_a_watch_needs_is_asked_for() {
    for (text, place) in [
        ("name: a\nquestion: b", "filter"),
        ("name: a\nquestion: b\nfilter: {}", "filter"),
        ("question: b\nfilter: {type: c}", "name"),
        ("name: a\nfilter: {type: c}", "question"),
        ("name: a\nquestion: b\nfilter: {type: dev.watchgate.insight.*}", "filter.type"),
        ("name: a\nquestion: b\nfilter: {type: dev.watchgate.insight.created}", "filter.type"),
    ] {
        let mistakes = read(text).unwrap_err();
        assert_eq!(mistakes.iter().map(|found| found.mistake.place.as_str()).collect::<Vec<_>>(), [place], "{text}");
    }
}

#[test]
fn a_folder_with_mistakes_says_all_of_them_with_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let good = "name: a\nfilter: {type: x}\nquestion: How?\n";
    for (name, text) in [
        ("a.yaml", good),
        ("b.yml", good),
        ("c.yaml", "name: c\nfilter: {type: x}\nquestion: '{'\n"),
        ("d.yaml", "["),
        ("e.txt", "not read"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mistakes = Watches::load(folder.path()).unwrap_err().0;
    let begins = ["b.yml: there is a watch a in ", "c.yaml:3: question: ", "d.yaml:1: "];
    assert_eq!(mistakes.len(), begins.len(), "{mistakes:?}");
    for (mistake, begin) in mistakes.iter().zip(begins) {
        let shown = mistake.strip_prefix(&format!("{}/", folder.path().display())).unwrap();
        assert!(shown.starts_with(begin), "{shown}");
    }
    assert!(Watches::load(&folder.path().join("none")).is_err());
}

#[test]
fn conditions_hold_for_what_they_say_and_for_nothing_else() {
    let data = json!({"state": "stuck", "deep": {"list": [1, 2.5]}, "none": null, "text": "90", "yes": true});
    for (condition, holds) in [
        ("{at: /state, equals: stuck}", true),
        ("{at: /state, equals: Stuck}", false),
        ("{at: /deep/list/0, equals: 1.0}", true),
        ("{at: /yes, equals: true}", true),
        ("{at: /yes, equals: 1}", false),
        ("{at: /absent, equals: stuck}", false),
        ("{at: /none, exists: true}", true),
        ("{at: /absent, exists: true}", false),
        ("{at: /absent, exists: false}", true),
        ("{at: /deep/list/1, greaterThan: 2}", true),
        ("{at: /deep/list/1, greaterThan: 2.5}", false),
        ("{at: /deep/list/1, lessThan: 2.6}", true),
        ("{at: /text, greaterThan: 2}", false),
        ("{at: /absent, lessThan: 2}", false),
    ] {
        let watch = watch(&format!("where: [{condition}]"));
        assert_eq!(watch.conditions.iter().all(|one: &condition::Condition| one.holds(&data)), holds, "{condition}");
    }
}
