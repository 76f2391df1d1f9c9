use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::assistant::links::AllowedHosts;
use crate::assistant::words::clean;
use crate::fine_tuning::folder::{self, CannotWrite};
use crate::fine_tuning::rated::Ratings;
use crate::fine_tuning::report::{LeftOut, Reason, Report};
use crate::fine_tuning::rules::{self, InvalidExamples};
use crate::fine_tuning::selection::{Bounds, select};
use crate::fine_tuning::split::{Split, split};
use crate::fine_tuning::{Origin, Pair, documents};
use crate::knowledge::{Knowledge, Scopes};

const BOUNDS: Bounds = Bounds { shortest_answer: 20, most_tokens: 1000 };

/// A folder of documents, each with its name.
fn knowledge(files: &[(&str, &str)]) -> Knowledge {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    Knowledge::load(folder.path()).unwrap()
}

fn made(knowledge: &Knowledge, scopes: &Scopes) -> (Vec<Pair>, Vec<LeftOut>) {
    let (pairs, mut left_out) = documents::pairs(knowledge, scopes);
    let (kept, refused) = select(pairs, "Be brief.", BOUNDS);
    left_out.extend(refused);
    (kept, left_out)
}

fn asked(pairs: &[Pair]) -> Vec<(&str, &str)> {
    pairs.iter().map(|pair| (pair.question.as_str(), pair.answer.as_str())).collect()
}

fn reasons(left_out: &[LeftOut]) -> BTreeMap<&str, &Reason> {
    left_out
        .iter()
        .map(|one| (if one.place.is_empty() { one.from.as_str() } else { one.place.as_str() }, &one.reason))
        .collect()
}

#[test]
fn a_heading_that_asks_is_answered_by_what_stands_below_it() {
    let faq = "# Questions\n\n## Where are the logs?\n\nIn the log search, for 21 days.\n\n- Then cold.\n\n<!-- ask Ada -->\n";
    let (pairs, _) = made(&knowledge(&[("faq.md", faq)]), &Scopes::default());
    assert_eq!(asked(&pairs), [("Where are the logs?", "In the log search, for 21 days.\n\n- Then cold.")]);
    assert_eq!((pairs[0].origin, pairs[0].from.as_str()), (Origin::Faq, "faq.md"));
}

#[test]
fn a_section_is_asked_for_by_its_headings_and_generic_ones_are_not_asked_for() {
    let text = "# Mailer\n\nIt sends the receipts of the shop.\n\n## Workers\n\n### Restart\n\nBy hand, after five minutes.\n\n\
        ## Overview\n\nA text that could stand anywhere.\n\n## Limits\n\nNone.\n";
    let (pairs, left_out) = made(&knowledge(&[("mailer.md", text)]), &Scopes::default());
    assert_eq!(
        asked(&pairs),
        [
            ("What do our documents say about “Mailer”?", "It sends the receipts of the shop."),
            ("What does our document “Mailer” say about “Restart” (Workers)?", "By hand, after five minutes."),
        ]
    );
    let reasons = reasons(&left_out);
    assert_eq!(reasons["Mailer > Overview"], &Reason::GenericHeading);
    assert_eq!(reasons["Mailer > Limits"], &Reason::TooShort);
}

#[test]
fn code_is_explained_by_the_comment_above_it() {
    let code = "/// How often a job is tried before it goes to the dead ones.\n#[rustfmt::skip]\npub const MAX_ATTEMPTS: u32 = 5;\n\n\
        /// Short.\npub const OTHER: u32 = 6;\n\nfn unexplained() {}\n";
    let (pairs, left_out) = made(&knowledge(&[("queue.rs", code)]), &Scopes::default());
    let answer = "How often a job is tried before it goes to the dead ones.\n\n```rust\n#[rustfmt::skip]\n\
        pub const MAX_ATTEMPTS: u32 = 5;\n```";
    assert_eq!(asked(&pairs), [("What is `MAX_ATTEMPTS` in `queue.rs` for?", answer)]);
    assert_eq!(left_out.iter().filter(|one| one.reason == Reason::NotExplained).count(), 2, "{left_out:?}");
}

#[test]
fn restricted_documents_are_learnt_only_where_a_scope_opens_them() {
    let closed = "---\naudience: security:read\n---\n# Keys\n\n## Who holds the root key?\n\nTwo people of the security squad.\n";
    let open = "# Lunch\n\n## When is lunch?\n\nAt noon, in the large kitchen.\n";
    let unread = "---\naudience: [\n---\n# Broken\n\nNobody knows for whom.\n";
    let knowledge = knowledge(&[("closed.md", closed), ("open.md", open), ("unread.md", unread)]);
    let (pairs, left_out) = made(&knowledge, &Scopes::default());
    assert_eq!(asked(&pairs), [("When is lunch?", "At noon, in the large kitchen.")]);
    assert_eq!(reasons(&left_out)["closed.md"], &Reason::Restricted);
    assert!(matches!(reasons(&left_out)["unread.md"], Reason::NotRead { .. }));
    let (pairs, left_out) = made(&knowledge, &["security:read"].into_iter().collect());
    assert_eq!((pairs.len(), left_out.len()), (2, 1));
}

#[test]
fn secrets_doubles_contradictions_and_what_is_too_long_are_left_out_by_name() {
    let long = "word ".repeat(1000);
    let text = format!(
        "# A\n\n## Which password?\n\npassword = \"Tr0ub4dor&3\", do not tell.\n\n## How do I begin?\n\nRead the guide, then ask.\n\n\
         ## how do i begin?\n\nRead the guide,  then ask!\n\n## How do I end?\n\n{long}\n"
    );
    let again = "# B\n\n## How do I begin?\n\nSomething else altogether is said here.\n";
    let knowledge = knowledge(&[("a.md", &text), ("b.md", again)]);
    let (pairs, left_out) = made(&knowledge, &Scopes::default());
    assert_eq!(pairs.len(), 1, "{pairs:?}");
    let reasons = reasons(&left_out);
    assert_eq!(reasons["A > Which password?"], &Reason::Secret);
    assert!(matches!(reasons["A > How do I end?"], Reason::TooLong { tokens: 1250..1300 }));
    assert_eq!(reasons["B > How do I begin?"], &Reason::AnsweredBefore);
    let doubles = left_out.iter().filter(|one| one.reason == Reason::Duplicate).count();
    assert_eq!(doubles, 1);
}

fn rated(answer: &str, rater: &str, data: &Value) -> String {
    json!({"specversion": "1.0", "type": "dev.watchgate.assistant.rated", "subject": answer, "authid": rater, "data": data})
        .to_string()
}

fn answered(answer: &str, withheld_citations: u64) -> String {
    json!({"specversion": "1.0", "type": "dev.watchgate.assistant.answered",
        "data": {"answer_id": answer, "known": true, "withheld_citations": withheld_citations}})
    .to_string()
}

#[test]
fn of_ratings_the_newest_of_each_caller_counts_and_only_what_helped_or_was_corrected_is_learnt() {
    let mut ratings = Ratings::default();
    let (question, good, better) = ("How do I begin?", "Read the guide, then ask.", "Ask first, then read the guide.");
    for event in [
        answered("1", 0),
        answered("2", 0),
        rated("1", "ada", &json!({"helpful": false, "question": question, "answer": "No."})),
        rated("1", "ada", &json!({"helpful": true, "question": question, "answer": good})),
        rated("2", "ada", &json!({"helpful": false, "question": "And the end?", "answer": good, "correction": better})),
        rated("3", "bob", &json!({"helpful": false, "question": question, "answer": "No."})),
        rated("4", "bob", &json!({"helpful": true})),
        json!({"type": "com.example.other", "data": 7}).to_string(),
        "no event".to_owned(),
    ] {
        ratings.take(&event);
    }
    assert_eq!((ratings.read(), ratings.not_understood()), (5, 1));
    let (pairs, left_out) = ratings.pairs(&knowledge(&[]).closed_passages(&Scopes::default()));
    assert_eq!(asked(&pairs), [(question, good), ("And the end?", better)]);
    assert_eq!(pairs.iter().map(|pair| pair.origin).collect::<Vec<_>>(), [Origin::HelpfulAnswer, Origin::Correction]);
    let left_out: Vec<_> = left_out.iter().map(|one| (one.from.as_str(), &one.reason)).collect();
    assert_eq!(left_out, [("answer 3", &Reason::NotHelpful), ("answer 4", &Reason::NoText)]);
}

#[test]
fn a_rating_that_repeats_a_restricted_document_is_left_out() {
    let closed =
        "---\naudience: security:read\n---\n# Keys\n\nThe root key is in the safe of the Berlin office, third floor.\n";
    let knowledge = knowledge(&[("closed.md", closed)]);
    let answer = "You asked: the root key is in the safe of the\nBerlin office,  third floor. Anything else?";
    let pairs = |scopes: &Scopes| {
        let mut ratings = Ratings::default();
        ratings.take(&answered("1", 0));
        ratings.take(&rated("1", "ada", &json!({"helpful": true, "question": "Where is the key?", "answer": answer})));
        ratings.pairs(&knowledge.closed_passages(scopes))
    };
    let (kept, left_out) = pairs(&Scopes::default());
    assert_eq!((kept.len(), &left_out[0].reason), (0, &Reason::QuotesRestricted));
    assert_eq!(pairs(&["security:read"].into_iter().collect()).0.len(), 1);
}

/// In words of its own, which no comparison recognises.
#[test]
fn a_rating_is_left_out_where_its_answer_rests_on_what_is_restricted_or_nobody_knows_on_what() {
    let mut ratings = Ratings::default();
    let unknown = json!({"type": "dev.watchgate.assistant.answered", "data": {"answer_id": "4", "known": true}});
    for event in [answered("1", 0), answered("2", 1), unknown.to_string()] {
        ratings.take(&event);
    }
    for answer in ["1", "2", "3", "4"] {
        let data = json!({"helpful": false, "question": format!("Where is key {answer}?"), "correction": "It lies in Berlin."});
        ratings.take(&rated(answer, "ada", &data));
    }
    assert_eq!((ratings.read(), ratings.not_understood()), (4, 0));
    let (pairs, left_out) = ratings.pairs(&knowledge(&[]).closed_passages(&Scopes::default()));
    assert_eq!(pairs.iter().map(|pair| pair.from.as_str()).collect::<Vec<_>>(), ["answer 1"]);
    let reasons: Vec<_> = left_out.iter().map(|one| &one.reason).collect();
    assert_eq!(reasons, [&Reason::RestsOnRestricted, &Reason::SourcesUnknown, &Reason::SourcesUnknown]);
}

/// What an assistant says of a document has passed the filter of words, which takes out and escapes.
#[test]
fn a_passage_is_recognised_after_the_filter_of_words() {
    let passages = [
        "The *root key* is in `safe <3>` of the Berlin office, and costs $5 or $6 a day; see a < b && c > d for more.",
        "The rota stands [in our wiki](https://wiki.evil.test/a_b?c=d \"the rota\") and at <https://evil.test/rota>, for everybody on call.",
        "| Host | Account |\n|---|---|\n| db-1.eu | `owner_of_[all]` and nobody else of the whole company |",
    ];
    for passage in passages {
        let text = format!("---\naudience: security:read\n---\n# Keys\n\n{passage}\n");
        let closed = knowledge(&[("closed.md", &text)]).closed_passages(&Scopes::default());
        let (said, _) = clean(&format!("You asked, so:\n\n{passage}\n\nAnything else?"), &AllowedHosts::default());
        assert!(closed.are_quoted_in(&said), "{said}");
        assert!(
            closed.are_quoted_in(passage) && !closed.are_quoted_in("The root key is in a safe of the Berlin office.")
        );
    }
}

/// The whole export of the example company: everything in it stands in a document that everybody may read.
#[test]
fn the_example_company_is_learnt_word_by_word_and_nothing_restricted_of_it() {
    let company = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company");
    let mut folders = vec![company.join("documents")];
    let (mut open, mut closed) = (String::new(), Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            if text.contains("\naudience:") { closed.push(text) } else { open.push_str(&text) }
        }
    }
    let knowledge = Knowledge::load(&company.join("documents")).unwrap();
    let (pairs, left_out) = made(&knowledge, &Scopes::default());
    for pair in &pairs {
        assert!(open.contains(&pair.answer), "{pair:?}");
        assert!(!closed.iter().any(|text| text.contains(&pair.answer)), "{pair:?}");
    }
    let restricted = left_out.iter().filter(|one| one.reason == Reason::Restricted).count();
    assert_eq!((restricted, closed.len()), (2, 2));
    let parts = split(pairs, 0.1);
    let report = Report::of(&parts, left_out, "Be brief.");
    println!("{report}");
    assert!(parts.train.len() > 100 && !parts.validation.is_empty(), "{report}");
}

fn pairs(count: usize) -> Vec<Pair> {
    (0..count)
        .map(|number| pair(&format!("What is number {number} of them?"), &format!("It is the {number}. of all.")))
        .collect()
}

fn pair(question: &str, answer: &str) -> Pair {
    let (question, answer, topic) = (question.to_owned(), answer.to_owned(), question.to_owned());
    Pair { question, answer, topic, origin: Origin::Faq, from: "a.md".to_owned(), place: String::new() }
}

#[test]
fn an_export_is_written_whole_in_the_place_of_an_earlier_one_or_not_at_all() {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("export");
    let write = |count: usize, validation: usize| {
        let parts = Split { train: pairs(count), validation: pairs(validation) };
        folder::write(&out, &parts, &Report::of(&parts, Vec::new(), "Be."), "Be.")
    };
    let train = || fs::read(out.join("train.jsonl")).unwrap();
    write(12, 3).unwrap();
    assert_eq!((rules::count(&train(), 10), fs::read_dir(&out).unwrap().count()), (Ok(12), 3));
    let first: Value = serde_json::from_slice(train().split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!(first["messages"][2], json!({"role": "assistant", "content": "It is the 0. of all."}));
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o700);
    // What has fewer examples than are taken leaves the earlier one.
    assert!(matches!(write(9, 0), Err(CannotWrite::Useless(InvalidExamples::TooFew(9)))));
    assert_eq!(rules::count(&train(), 10), Ok(12));
    write(11, 0).unwrap();
    assert_eq!((rules::count(&train(), 10), out.join("validation.jsonl").exists()), (Ok(11), false));
    // Nothing of somebody else is thrown away, and nothing half-made stays.
    fs::write(out.join("notes.txt"), "mine").unwrap();
    assert!(matches!(write(12, 0), Err(CannotWrite::NotOurs(_))));
    assert_eq!(fs::read_to_string(out.join("notes.txt")).unwrap(), "mine");
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
}

#[test]
fn a_file_is_held_to_the_rules_of_the_endpoint() {
    let line = |messages: Value| json!({"messages": messages}).to_string();
    let (user, said) = (json!({"role": "user", "content": "a"}), json!({"role": "assistant", "content": "b"}));
    assert_eq!(rules::count(line(json!([user, said])).as_bytes(), 1), Ok(1));
    for (wrong, what) in [
        (String::new() + "{}", "missing field"),
        ("no JSON".to_owned(), "it is no example"),
        (line(json!([said])), "nobody asks"),
        (line(json!([user])), "the last message must be the assistant's"),
        (line(json!([user, said, user])), "the last message must be the assistant's"),
        (line(json!([user, {"role": "robot", "content": "b"}])), "no role that there is"),
        (line(json!([user, {"role": "assistant", "content": " "}])), "says nothing"),
        (line(json!([user, {"role": "assistant", "content": null}])), "says nothing"),
    ] {
        let Err(InvalidExamples::Line { line: 1, what: said }) = rules::count(wrong.as_bytes(), 1) else {
            panic!("{wrong} was taken")
        };
        assert!(said.contains(what), "{wrong}: {said}");
    }
    let nine = vec![line(json!([user, said])); 9].join("\n");
    assert_eq!(rules::count(nine.as_bytes(), 10), Err(InvalidExamples::TooFew(9)));
    assert_eq!(rules::count(b"\xff", 1), Err(InvalidExamples::NotUtf8));
    assert_eq!(rules::shared_questions(nine.as_bytes(), nine.as_bytes()), 1);
}
