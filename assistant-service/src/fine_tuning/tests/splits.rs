use std::collections::BTreeSet;

use crate::fine_tuning::likeness::Groups;
use crate::fine_tuning::split::{Split, split};
use crate::fine_tuning::{Origin, Pair};

fn pair(question: &str, answer: &str) -> Pair {
    let (question, answer, topic) = (question.to_owned(), answer.to_owned(), question.to_owned());
    Pair { question, answer, topic, origin: Origin::Faq, from: "a.md".to_owned(), place: String::new() }
}

/// Words without a pattern, the same in each run.
struct Words(u64);

impl Words {
    fn next(&mut self, of: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % of
    }

    fn text(&mut self, count: usize, of: u64) -> String {
        (0..count).map(|_| format!("w{} ", self.next(of))).collect()
    }
}

fn questions(pairs: &[Pair]) -> BTreeSet<&str> {
    pairs.iter().map(|pair| pair.question.as_str()).collect()
}

#[test]
fn the_split_is_the_same_each_time_and_stays_when_more_comes() {
    let mut words = Words(7);
    let mut pairs: Vec<_> = (0..2000).map(|_| pair(&words.text(8, 5000), &words.text(30, 5000))).collect();
    let Split { train, validation } = split(pairs.clone(), 0.1);
    println!("of 2000 examples {} are for validation", validation.len());
    assert!((150..250).contains(&validation.len()) && train.len() + validation.len() == 2000);
    assert_eq!(split(pairs.clone(), 0.1).validation, validation);
    pairs.extend((0..500).map(|_| pair(&words.text(8, 5000), &words.text(30, 5000))));
    pairs.reverse();
    let more = split(pairs, 0.1);
    assert!(questions(&validation).is_subset(&questions(&more.validation)));
    assert!(questions(&train).is_subset(&questions(&more.train)));
}

#[test]
fn what_is_almost_the_same_stands_on_one_side() {
    let mut words = Words(11);
    let mut pairs = Vec::new();
    for number in 0..300 {
        let (question, answer) = (words.text(9, 9000), words.text(40, 9000));
        pairs.push(pair(&question, &answer));
        // One more word; another order and case; other words with almost the same answer.
        pairs.push(pair(&format!("{question} please{number}"), &words.text(40, 9000)));
        pairs.push(pair(
            &question.to_uppercase().split(' ').rev().collect::<Vec<_>>().join("  "),
            &words.text(40, 9000),
        ));
        pairs.push(pair(&words.text(9, 9000), &format!("{answer} indeed{number}")));
    }
    let groups: Vec<Vec<String>> =
        pairs.chunks(4).map(|of| of.iter().map(|pair| pair.question.clone()).collect()).collect();
    let parts = split(pairs, 0.3);
    let validation = questions(&parts.validation);
    let sides = groups.iter().map(|of| of.iter().filter(|question| validation.contains(question.as_str())).count());
    let sides: Vec<_> = sides.collect();
    assert!(sides.iter().all(|count| matches!(count, 0 | 4)), "{sides:?}");
    assert!(sides.contains(&0) && sides.contains(&4));
}

#[test]
fn the_short_way_finds_what_comparing_each_with_each_finds() {
    let mut words = Words(3);
    // Few words, so that many are alike.
    let texts: Vec<_> = (0..250)
        .map(|_| {
            let count = 1 + words.next(9) as usize;
            words.text(count, 7)
        })
        .collect();
    let set = |text: &str| text.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    let mut label: Vec<usize> = (0..texts.len()).collect();
    for one in 0..texts.len() {
        for other in 0..one {
            let (a, b) = (set(&texts[one]), set(&texts[other]));
            let (shared, all) = (a.intersection(&b).count(), a.union(&b).count());
            if shared * 100 >= all * 80 {
                let (from, to) = (label[one].max(label[other]), label[one].min(label[other]));
                label.iter_mut().filter(|label| **label == from).for_each(|label| *label = to);
            }
        }
    }
    let mut groups = Groups::apart(texts.len());
    groups.join_like(texts.iter().map(String::as_str));
    let mut found = vec![0; texts.len()];
    for members in groups.members() {
        for at in &members {
            found[*at] = members[0];
        }
    }
    assert_eq!(found, label);
    assert!(label.iter().collect::<BTreeSet<_>>().len() < 200, "some are alike");
}
