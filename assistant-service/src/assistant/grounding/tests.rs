//! What a model says against what it was shown.

use std::fs;
use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::assistant::Confidence;
use crate::assistant::links::AllowedHosts;
use crate::assistant::redaction::Redactor;
use crate::assistant::words::Words;
use crate::knowledge::{Knowledge, Scopes};

const DOCUMENT: &str = "# Mailer\n\nThe **mailer** sends\nreceipts within `15 days`; it's \u{201c}slow\u{201d}.\n\n- first step_one\n- then step two\n";

/// Everybody's document, and one that the asker may not read.
static SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mailer.md"), DOCUMENT).unwrap();
    fs::write(folder.path().join("pay.md"), "---\naudience: hr\n---\n# Pay\n\nThe mailer earns 7000 a month.\n")
        .unwrap();
    let knowledge = Arc::new(Knowledge::load(folder.path()).unwrap());
    let mut shown =
        Shown::for_question(Arc::clone(&knowledge), Scopes::default(), "When does the mailer send receipts?");
    let readable = knowledge.for_reader(&Scopes::default());
    for found in readable.search(&readable.question("mailer"), 9).unwrap() {
        shown.add_section(found.section.clone());
    }
    let event = r#"{"id":"7","source":"urn:x","type":"com.example.stuck","data":{"line":"the queue is stuck"}}"#;
    let text = Redactor::default().event(event);
    shown.add_event(ShownEvent::new("7".to_owned(), "urn:x".to_owned(), "com.example.stuck".to_owned(), text));
    shown
});

fn heard(text: &str) -> (String, Grounded, Vec<Removed>) {
    let grounding = Grounding::in_what_was(&SHOWN, Defences::default());
    let mut words = Words::new(AllowedHosts::default(), Defences::default(), grounding);
    let mut left = words.push(text);
    let (rest, removed, grounding) = words.finish();
    left.push_str(&rest);
    (left, grounding.finish(), removed)
}

#[test]
fn quoted_words_become_a_citation_of_what_stands_there_letter_for_letter() {
    for (words, quote) in [
        ("mailer sends receipts within 15 days", "mailer** sends\nreceipts within `15 days"),
        ("The mailer sends\n  receipts", "The **mailer** sends\nreceipts"),
        ("it's \"slow\".", "it's \u{201c}slow\u{201d}."),
        ("first stepone - then step two", "first step_one\n- then step two"),
        ("first step_one", "first step_one"),
    ] {
        let (text, grounded, removed) = heard(&format!("It does. [c1: \"{words}\"]"));
        assert_eq!((text.as_str(), removed), ("It does. [1]", vec![]), "{words}");
        assert_eq!(grounded.citations[0].quote(), quote);
        assert!(DOCUMENT.contains(quote) && grounded.citations[0].file() == "mailer.md");
    }
}

#[test]
fn what_does_not_hold_is_taken_out_and_told() {
    for (mark, what, why) in [
        ("[c9: \"The mailer sends\"]", "citation", "it names nothing that was shown"),
        ("[c2: \"The mailer earns 7000 a month.\"]", "citation", "it names nothing that was shown"),
        ("[c0: \"The mailer sends\"]", "citation", "it names nothing that was shown"),
        ("[c1: \"The mailer never sends receipts\"]", "quote", "the words do not stand there"),
        ("[c1: \"receipts within 5 days\"]", "quote", "the words do not stand there"),
        ("[c1: \"receipts … slow\"]", "quote", "the words do not stand there"),
        ("[c1: \"mailer\"]", "quote", "it is too short to support anything"),
        ("[c1]", "quote", "it is too short to support anything"),
        ("[e1: \"the queue is empty\"]", "quote", "the words do not stand there"),
        ("[e2: \"the queue is stuck\"]", "citation", "it names nothing that was shown"),
    ] {
        let (text, grounded, removed) = heard(&format!("It does {mark}."));
        assert_eq!(text, "It does .", "{mark}");
        assert!(grounded.citations.is_empty() && grounded.events.is_empty(), "{mark}");
        assert_eq!(removed, [Removed { what, why: why.to_owned() }], "{mark}");
    }
    let (text, grounded, removed) = heard("It does [c1: \"The mailer sends and has no end");
    assert_eq!(text, "It does \"The mailer sends and has no end");
    assert!(grounded.citations.is_empty() && removed.len() == 1);
}

#[test]
fn an_event_is_cited_as_it_was_shown_and_one_place_has_one_number() {
    let (text, grounded, _) = heard(
        "It is stuck [e1: \"the queue is stuck\"]. It sends [c1: \"The mailer sends receipts\"], it does [c1: \u{201c}The mailer sends receipts\u{201d}].",
    );
    assert_eq!(text, "It is stuck [e1]. It sends [1], it does [1].");
    assert_eq!((grounded.events.len(), grounded.citations.len()), (1, 1));
    assert_eq!(grounded.events[0].quote(), "the queue is stuck");
}

#[test]
fn confidence_is_the_share_of_sentences_that_a_citation_holds() {
    let of = |text: &str| confidence(Support::of(text), false);
    for (text, sure) in [
        ("The mailer sends receipts within days [1].", Confidence::High),
        ("The mailer sends receipts within days. [1]", Confidence::High),
        ("The mailer sends receipts within days. [1] Then the queue is emptied [2].", Confidence::High),
        (
            "# Mailer 7\n\nThe mailer sends receipts within days. [1]\n\n```sh\nrun 7 all of it now please\n```\n",
            Confidence::High,
        ),
        ("Do it like this here:\n- the first thing is done [1]\n- the other thing is done [2]", Confidence::High),
        ("The mailer sends receipts within days. [1] It takes 17 minutes on the whole.", Confidence::Low),
        (
            "The mailer sends receipts within days [1]. Then it rests for a while. Receipts are kept [2].",
            Confidence::Medium,
        ),
        (
            "The mailer sends receipts within days [1]. Then the queue of Ada is emptied. Receipts are kept [2].",
            Confidence::Medium,
        ),
        (
            "It sends all of them by night [1]. Then it rests for a long while. Then nothing else happens. And so it is done.",
            Confidence::Low,
        ),
        ("The mailer sends receipts within days.", Confidence::None),
        ("", Confidence::None),
        ("[1]", Confidence::None),
    ] {
        assert_eq!(of(text), sure, "{text}: {:?}", Support::of(text));
    }
    let text = "The mailer sends receipts within days [1].";
    assert_eq!(confidence(Support::of(text), true), Confidence::Medium, "what was taken out is not forgotten");
    assert_eq!(
        first_sentence("# A\n\nIt is the mailer that sends. Then more."),
        Some("It is the mailer that sends.".to_owned())
    );
}

const PARTS: [&str; 26] = [
    "[c1: \"",
    "[c2: \"",
    "[c9: '",
    "[e1: \"",
    "\"]",
    "']",
    "]",
    "The mailer sends receipts",
    "The **mailer** sends\nreceipts",
    "within",
    " 15 days",
    "`15 days`",
    "5 days",
    "slow",
    "7000 a month",
    "the queue is stuck",
    " ",
    "\n",
    "\"",
    "\\",
    "[",
    "c1",
    ": ",
    ". ",
    "first step_one",
    "\u{200b}",
];

proptest! {
    #[test]
    fn whatever_a_model_says_every_citation_stands_in_what_the_asker_was_shown(parts in vec(select(PARTS.to_vec()), 0..16)) {
        let text = parts.concat();
        let (left, grounded, _) = heard(&text);
        for citation in &grounded.citations {
            prop_assert_eq!(citation.file(), "mailer.md");
            prop_assert!(DOCUMENT.contains(citation.quote()) && weight(citation.quote()) >= SHORTEST_QUOTE, "{:?}", citation);
        }
        for event in &grounded.events {
            prop_assert!("{\"line\":\"the queue is stuck\"}".contains(event.quote()) || event.quote().contains("7"), "{:?}", event);
        }
        // Every number that is left has its citation.
        for number in 1..9 {
            prop_assert!(!left.contains(&format!("[{number}]")) || grounded.citations.len() >= number, "{:?}: {:?}", text, left);
        }
    }

    #[test]
    fn a_quote_is_found_however_its_space_and_emphasis_are_written(words in vec("[a-z]{1,6}", 3..9), from in 0_usize..3) {
        let text = words.iter().enumerate().map(|(at, word)| match at % 3 { 0 => format!("**{word}**"), 1 => format!("{word} \n"), _ => format!("`{word}`") });
        let text = text.collect::<Vec<_>>().join(" ");
        let wanted = words[from.min(words.len() - 1)..].join("  ");
        let found = quote::verbatim(&text, &wanted).map(|found| text.contains(found));
        prop_assert_eq!(found, Some(true), "{:?} in {:?}", wanted, text);
    }
}
