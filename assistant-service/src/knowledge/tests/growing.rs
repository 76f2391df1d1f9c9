//! An index that has grown with its documents answers as one that was made of them at once.

use std::time::{Duration, SystemTime};

use super::*;

const WORDS: [&str; 12] = [
    "lantern", "burns", "carries", "worker", "queue", "night", "restart", "tokens", "region", "player", "pays",
    "slowly",
];
const QUESTIONS: [&str; 8] = [
    "lanterns burn",
    "which worker restarts the queue at night",
    "player",
    "what pays the player of a region for tokens",
    "slow",
    "nothing of this stands anywhere",
    "lantrens brun and wroker tokesn",
    "lanternlike playercount",
];

/// Chance that is the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    /// Few words and short texts, so that many sections score alike.
    fn text(&mut self) -> String {
        let audience = ["", "", "", "---\naudience: a\n---\n", "---\naudience: [a, b]\n---\n"][self.below(5)];
        let mut text = audience.to_owned();
        for _ in 0..1 + self.below(4) {
            text.push_str(&format!("\n# {}\n\n", WORDS[self.below(WORDS.len())]));
            for _ in 0..1 + self.below(9) {
                text.push_str(WORDS[self.below(WORDS.len())]);
                text.push(' ');
            }
        }
        text
    }
}

/// What readers with some scopes see: weights and all that is found, in its order.
fn seen(knowledge: &Knowledge) -> Vec<String> {
    let mut seen = Vec::new();
    for scopes in [&[][..], &["a"], &["b"], &["a", "b"]] {
        let readable = knowledge.for_reader(&scopes.iter().copied().collect());
        seen.push(format!("{scopes:?}: {} {}", readable.document_count(), readable.section_count()));
        for text in QUESTIONS {
            let question = readable.question(text);
            seen.push(format!("{question:?}"));
            for limit in [1, 12, 1000] {
                let found = readable.search(&question, limit).unwrap();
                let found = found.iter().map(|found| (&found.section.file, found.section.line));
                seen.push(format!("{limit}: {:?}", found.collect::<Vec<_>>()));
            }
        }
    }
    seen
}

#[test]
fn documents_that_came_and_went_leave_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::of(&[folder.path().to_owned()]).unwrap();
    let mut dice = Dice(5);
    let mut most_segments = 0;
    for round in 0..40 {
        for _ in 0..1 + dice.below(6) {
            let path = folder.path().join(format!("{:02}.md", dice.below(60)));
            if dice.below(4) == 0 {
                let _ = fs::remove_file(path);
            } else {
                fs::write(path, dice.text()).unwrap();
            }
        }
        let grown = library.look(SystemTime::now()).unwrap();
        // A round may remove what is not there.
        let Some(grown) = grown else { continue };
        most_segments =
            grown.shelves.iter().map(|shelf| shelf.index.segment_count()).max().max(Some(most_segments)).unwrap();
        let at_once = Knowledge::load(folder.path()).unwrap();
        assert_eq!(seen(&grown), seen(&at_once), "round {round}");
    }
    assert!(most_segments > 1, "nothing was ever added to an index");
    assert!(most_segments < 20, "{most_segments} segments");
}

#[test]
fn a_change_keeps_the_shelves_of_other_audiences_and_what_was_handed_out() {
    let folder = folder_of(&[("a.md", "# A\n\nLanterns.\n"), ("b.md", "---\naudience: b\n---\n\nLanterns.\n")]);
    let mut library = Library::of(&[folder.path().to_owned()]).unwrap();
    let later = SystemTime::now() + Duration::from_secs(60);
    let first = library.look(later).unwrap().unwrap();
    let before = seen(&first);
    fs::write(folder.path().join("a.md"), "# A\n\nCandles.\n").unwrap();
    fs::write(folder.path().join("c.md"), "# C\n\nLanterns burn.\n").unwrap();
    let second = library.look(later).unwrap().unwrap();
    let same = |audience: usize| Arc::ptr_eq(&first.shelves[audience], &second.shelves[audience]);
    assert_eq!((first.shelves.len(), second.shelves.len(), same(0), same(1)), (2, 2, false, true));
    assert_eq!(seen(&first), before);
    let found = |knowledge: &Knowledge, text: &str| {
        let readable = everybody(knowledge);
        let found = readable.search(&readable.question(text), 9).unwrap();
        found.iter().map(|found| found.section.file.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        (found(&first, "lanterns"), found(&second, "lanterns")),
        (vec!["a.md".to_owned()], vec!["c.md".to_owned()])
    );
    assert_eq!(found(&second, "candles"), ["a.md"]);
}

#[test]
fn equals_come_by_their_names_and_the_better_ones_first() {
    let name = |number: usize| format!("{number:03}.md");
    let text = |number: usize| format!("# Page {number}\n\nLanterns {} hang here.\n", "burn and ".repeat(number % 7));
    let folder = tempfile::tempdir().unwrap();
    for number in 0..300 {
        fs::write(folder.path().join(name(number)), text(number)).unwrap();
    }
    let known = Knowledge::load(folder.path()).unwrap();
    let readable = everybody(&known);
    let found = readable.search(&readable.question("lanterns burn"), 10).unwrap();
    let found: Vec<_> = found.iter().map(|found| found.section.file.clone()).collect();
    // The more often it burns, the better.
    assert_eq!(found, (0..10).map(|at| name(at * 7 + 6)).collect::<Vec<_>>());
}
