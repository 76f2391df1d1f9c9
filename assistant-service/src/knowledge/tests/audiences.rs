//! That a reader knows what his scopes open and nothing else.

use super::*;

const FINANCE: &str = "---\naudience: finance\n---\n\n# Prices\n\nA worker costs nine lanterns.\n";
const OPEN: &str = "# Work\n\nA worker carries lanterns.\n\n# Rest\n\nNobody works at night.\n";

#[test]
fn search_finds_what_the_scopes_open() {
    let folder = folder_of(&[("open.md", OPEN), ("prices.md", FINANCE)]);
    let knowledge = Knowledge::load(folder.path()).unwrap();
    let found = |scopes: &[&str]| {
        let readable = knowledge.for_reader(&scopes.iter().copied().collect());
        let found = readable.search(&readable.question("nine lanterns of a worker"), 5).unwrap();
        let headings: Vec<_> = found.iter().map(|found| found.section.heading.clone()).collect();
        (headings, readable.document_count(), readable.section_count())
    };
    let open = (vec!["Work".to_owned()], 1, 2);
    assert_eq!(found(&[]), open);
    assert_eq!(found(&["finances", "FINANCE", "fin", ""]), open);
    assert_eq!(found(&["other", "finance"]), (vec!["Prices".to_owned(), "Work".to_owned()], 2, 3));
}

#[test]
fn words_of_restricted_documents_do_not_tell_in_weights() {
    let alone = folder_of(&[("open.md", OPEN)]);
    let beside = folder_of(&[("open.md", OPEN), ("prices.md", FINANCE)]);
    let [alone, beside] = [&alone, &beside].map(|folder| Knowledge::load(folder.path()).unwrap());
    for question in ["nine lanterns of a worker", "what costs night", "prices"] {
        assert_eq!(everybody(&alone).question(question), everybody(&beside).question(question), "{question}");
        let insider = beside.for_reader(&["finance"].into_iter().collect());
        assert_ne!(everybody(&beside).question(question), insider.question(question), "{question}");
    }
}

#[test]
fn several_shelves_are_searched_as_one() {
    let closed = OPEN.replace("# Work", "---\naudience: a\n---\n# Work");
    let third = "# Third\n\nLanterns hang over a worker who is not there.\n";
    let one = folder_of(&[("a.md", OPEN), ("b.md", third)]);
    let two = folder_of(&[("a.md", &closed), ("b.md", third)]);
    let [one, two] = [&one, &two].map(|folder| Knowledge::load(folder.path()).unwrap());
    assert_eq!((one.shelves.len(), two.shelves.len()), (1, 2));
    for question in ["lanterns", "worker of the night", "third rest work"] {
        let scopes: Scopes = ["a"].into_iter().collect();
        let [one, two] = [&one, &two].map(|knowledge| {
            let readable = knowledge.for_reader(&scopes);
            let question = readable.question(question);
            let found = readable.search(&question, 2).unwrap();
            (question, found.iter().map(|found| found.section.heading.clone()).collect::<Vec<_>>())
        });
        assert_eq!(one, two, "{question}");
    }
}

/// The rarer word decides which section comes first, and how rare it is must be counted in what the reader may read.
#[test]
fn restricted_documents_do_not_tell_in_the_order() {
    let open = "# One\n\nZebra grass.\n\n# Two\n\nLion grass.\n\n# Three\n\nLion grass.\n";
    let closed = format!("---\naudience: zoo\n---\n\n{}", "# Closed\n\nZebra grass.\n\n".repeat(9));
    let folder = folder_of(&[("open.md", open), ("closed.md", &closed)]);
    let knowledge = Knowledge::load(folder.path()).unwrap();
    let first = |scopes: &[&str]| {
        let readable = knowledge.for_reader(&scopes.iter().copied().collect());
        let found = readable.search(&readable.question("zebra lion"), 1).unwrap();
        found[0].section.heading.clone()
    };
    assert_eq!((first(&[]), first(&["zoo"])), ("One".to_owned(), "Two".to_owned()));
}
