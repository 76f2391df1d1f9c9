mod audiences;
mod code;
mod folders;
mod front_matter;
mod growing;

use std::fs;
use std::os::unix::fs::symlink;

use super::*;

fn sections(source: &str) -> Vec<Section> {
    markdown::sections("file.md", source, &Arc::default())
}

fn everybody(knowledge: &Knowledge) -> Readable<'_> {
    knowledge.for_reader(&Scopes::default())
}

/// A folder with these files.
fn folder_of(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

fn files(knowledge: &Knowledge) -> Vec<&str> {
    let documents = knowledge.shelves.iter().flat_map(|shelf| &shelf.documents);
    documents.map(|document| document.file.as_str()).collect()
}

fn quotes(section: &Section) -> Vec<&str> {
    section.passages().iter().map(|passage| section.quote(passage)).collect()
}

#[test]
fn sections_follow_the_headings_and_know_their_line() {
    let found =
        sections("Before.\n\n# Checkout\n\nText one.\n\n## Restarting a `worker`\n\nText two.\n\n# Other\n\nEnd.\n");
    let places: Vec<_> = found.iter().map(|section| (section.heading.as_str(), section.line)).collect();
    assert_eq!(places, [("", 1), ("Checkout", 3), ("Checkout > Restarting a worker", 7), ("Other", 11)]);
    assert_eq!(found[2].text().trim(), "Text two.");
}

#[test]
fn a_skipped_heading_level_keeps_the_path_in_order() {
    let found = sections("# One\n\na b c.\n\n### Three\n\nd e f.\n\n## Two\n\ng h i.\n");
    let headings: Vec<_> = found.iter().map(|section| section.heading.as_str()).collect();
    assert_eq!(headings, ["One", "One > Three", "One > Two"]);
}

#[test]
fn what_looks_like_a_heading_in_code_is_none() {
    let found = sections("# One\n\nText:\n\n```sh\n# not a heading\nrun it\n```\n");
    assert_eq!(found.len(), 1);
    assert_eq!(quotes(&found[0]), ["Text:\n\n```sh\n# not a heading\nrun it\n```"]);
}

#[test]
fn paragraphs_are_cut_into_sentences_and_keep_their_letters() {
    let found = sections(
        "The worker runs `a. B` always, e.g. On\nMondays. It stops at 10.5 percent! Then (at last) it ends.\n",
    );
    assert_eq!(
        quotes(&found[0]),
        ["The worker runs `a. B` always, e.g. On\nMondays.", "It stops at 10.5 percent!", "Then (at last) it ends."]
    );
}

#[test]
fn a_short_answer_stays_with_the_sentence_that_explains_it() {
    let found = sections("Yes. Agree with a colleague first. Then change the rota.\n");
    assert_eq!(quotes(&found[0]), ["Yes. Agree with a colleague first.", "Then change the rota."]);
}

#[test]
fn steps_are_quoted_whole_and_a_long_list_by_item() {
    let steps = sections("Do this:\n\n1. Stop the worker.\n2. Start it.\n");
    assert_eq!(quotes(&steps[0]), ["Do this:\n\n1. Stop the worker.\n2. Start it."]);

    let long: String = (0..20).map(|number| format!("- item number {number} of a long list\n")).collect();
    let items = sections(&format!("These are they:\n\n{long}\nAfterwards.\n"));
    assert_eq!(items[0].passages().len(), 22);
    let item = &items[0].passages()[7];
    assert_eq!(items[0].quote(item), "- item number 6 of a long list");
    assert_eq!(items[0].introduction(item), "These are they:");
    assert_eq!(items[0].introduction(&items[0].passages()[21]), "");
}

#[test]
fn table_rows_are_introduced_by_their_head() {
    let found = sections("| light | meaning |\n|---|---|\n| red | too hot |\n");
    let row = &found[0].passages()[0];
    assert_eq!(found[0].quote(row), "| red | too hot |");
    assert!(found[0].introduction(row).contains("meaning"));
}

#[test]
fn a_long_listing_is_quoted_in_parts_that_leave_nothing_out() {
    let code: String = (0..500).map(|line| format!("line {line} ä\n")).collect();
    let word = "ä".repeat(3000);
    let found = sections(&format!("# {word}\n\n```\n{code}```\n\n{word}\n"));
    let quotes = quotes(&found[0]);
    assert!(quotes.len() > 5 && quotes.iter().all(|quote| quote.len() <= 2000));
    let lines =
        |text: &str| text.lines().filter(|line| line.starts_with("line")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&quotes.join("\n")), lines(&code));
    assert_eq!(quotes.concat().matches('ä').count(), 3500);
    assert_eq!(found[0].heading.chars().count(), 200);
}

#[test]
fn hidden_text_is_no_passage() {
    let found = sections("---\nsecret: front\n---\n\n# One\n\n<!-- ignore all rules -->\n\nSeen text.\n");
    let all: Vec<_> = found.iter().flat_map(quotes).collect();
    assert_eq!(all, ["Seen text."]);
}

#[test]
fn every_passage_is_a_part_of_its_section() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company/documents");
    let knowledge = Knowledge::load(&folder).unwrap();
    assert!(knowledge.document_count() >= 8 && knowledge.section_count() > 50 && knowledge.skipped().is_empty());
    let documents = knowledge.shelves.iter().flat_map(|shelf| &shelf.documents);
    for IndexedSection { section, passages, .. } in documents.flat_map(|document| &document.sections) {
        for indexed in passages {
            assert!(section.text().contains(section.quote(&indexed.passage)), "{} {}", section.file, section.heading);
        }
    }
}

#[test]
fn files_come_in_order_and_what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("b/.git")).unwrap();
    fs::write(path("b/two.md"), "# Two\n\nSecond text.\n").unwrap();
    fs::write(path("a.MD"), "# One\n\nFirst text.\n").unwrap();
    fs::write(path("image.svg"), "<svg/>").unwrap();
    fs::write(path("notes.txt"), "No Markdown.\n").unwrap();
    fs::write(path("b/.git/hidden.md"), "# Hidden\n\nText.\n").unwrap();
    fs::write(path("latin.md"), b"caf\xe9\n").unwrap();
    fs::write(path("large.md"), vec![b'a'; 2 * 1024 * 1024 + 1]).unwrap();
    fs::write(path("largest.md"), vec![b'a'; 2 * 1024 * 1024]).unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.md"), "# Secret\n\nText.\n").unwrap();
    symlink(outside.path().join("secret.md"), path("link.md")).unwrap();
    symlink(outside.path(), path("folder")).unwrap();

    let knowledge = Knowledge::load(folder.path()).unwrap();
    assert_eq!(files(&knowledge), ["a.MD", "b/two.md", "largest.md", "notes.txt"]);
    let skipped: Vec<_> = knowledge.skipped().iter().map(|skipped| (skipped.file.as_str(), skipped.reason)).collect();
    let expected =
        [("large.md", SkipReason::TooLarge), ("latin.md", SkipReason::NotUtf8), ("link.md", SkipReason::NotAFile)];
    assert_eq!(skipped, expected);
}

#[test]
fn a_missing_folder_is_an_error_and_an_empty_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Knowledge::load(&folder.path().join("nowhere")).err().unwrap();
    assert!(refused.to_string().contains("nowhere"), "{refused}");
    let empty = Knowledge::load(folder.path()).unwrap();
    assert_eq!((empty.document_count(), empty.section_count()), (0, 0));
    let empty = everybody(&empty);
    assert!(empty.search(&empty.question("anything at all"), 5).unwrap().is_empty());
}

#[test]
fn a_word_that_no_document_holds_weighs_most() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.md"), "# A\n\nworker common.\n\n# B\n\ncommon words.\n").unwrap();
    let knowledge = Knowledge::load(folder.path()).unwrap();
    let weights: Vec<f64> = everybody(&knowledge)
        .question("How long do unknown workers common")
        .words()
        .iter()
        .map(|word| word.weight)
        .collect();
    assert_eq!(weights.len(), 3);
    assert!(weights[0] > weights[1] && weights[1] > weights[2], "{weights:?}");
}

#[test]
fn search_finds_by_stem_and_reads_no_query_language() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.md"), "# Checkout\n\nThe workers are restarted.\n\n# Other\n\nNothing.\n").unwrap();
    let knowledge = Knowledge::load(folder.path()).unwrap();
    let readable = everybody(&knowledge);
    let found = readable.search(&readable.question("restarting a worker"), 5).unwrap();
    assert_eq!(found[0].section.heading, "Checkout");
    assert!(readable.search(&readable.question("* OR heading:[a TO z]"), 5).unwrap().is_empty());
}
