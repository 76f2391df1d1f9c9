//! Several folders, and folders that change.

use std::time::{Duration, Instant, SystemTime};

use super::*;

/// Long after whatever a test writes, so that a file's stamp says all.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

fn library(folder: &tempfile::TempDir) -> Library {
    Library::of(&[folder.path().to_owned()]).unwrap()
}

fn until_read(current: &CurrentKnowledge) {
    let begun = Instant::now();
    while !current.borrow().is_read() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the documents are not read");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn texts(knowledge: &Knowledge) -> Vec<String> {
    let documents = knowledge.shelves.iter().flat_map(|shelf| &shelf.documents);
    let sections = documents.flat_map(|document| &document.sections);
    sections.map(|indexed| indexed.section.text().trim().to_owned()).collect()
}

#[test]
fn documents_of_several_folders_are_named_by_folder() {
    let root = tempfile::tempdir().unwrap();
    let folders = ["wiki", "code", "other/wiki"].map(|name| root.path().join(name));
    for folder in &folders {
        fs::create_dir_all(folder.join("deep")).unwrap();
        fs::write(folder.join("deep/a.md"), "# A\n\nText.\n").unwrap();
    }
    let [wiki, code, other] = folders;
    let known = Library::of(&[wiki.clone(), code.clone()]).unwrap().look(later()).unwrap().unwrap();
    assert_eq!(files(&known), ["code/deep/a.md", "wiki/deep/a.md"]);
    let dotted = Library::of(&[wiki.join("."), code.join("../code")]).unwrap().look(later()).unwrap().unwrap();
    assert_eq!(files(&dotted), ["code/deep/a.md", "wiki/deep/a.md"]);
    let alone = Library::of(std::slice::from_ref(&wiki)).unwrap().look(later()).unwrap().unwrap();
    assert_eq!(files(&alone), ["deep/a.md"]);

    let refused = Library::of(&[wiki.clone(), other]).err().unwrap();
    assert!(matches!(&refused, CannotLoad::SameName { name } if name == "wiki"), "{refused}");
    let missing = Library::of(&[wiki, root.path().join("nowhere")]).unwrap().look(later()).err().unwrap();
    assert!(missing.to_string().contains("nowhere"), "{missing}");
}

#[test]
fn a_look_reads_what_has_changed_and_nothing_else() {
    let folder = folder_of(&[
        ("a.md", "# A\n\nOne.\n"),
        ("b.md", "# B\n\nTwo.\n"),
        ("c.md", "---\naudience: c\n---\n\nClosed.\n"),
    ]);
    let mut library = library(&folder);
    let first = library.look(later()).unwrap().unwrap();
    assert_eq!((texts(&first).len(), library.files_read), (3, 3));
    assert!(library.look(later()).unwrap().is_none());
    assert_eq!(library.files_read, 3);

    fs::write(folder.path().join("b.md"), "# B\n\nTwo and more.\n").unwrap();
    fs::write(folder.path().join("d.md"), "# D\n\nNew.\n").unwrap();
    fs::remove_file(folder.path().join("a.md")).unwrap();
    let second = library.look(later()).unwrap().unwrap();
    assert_eq!(texts(&second), ["Two and more.", "New.", "Closed."]);
    assert_eq!(library.files_read, 5);
    assert_eq!(texts(&first), ["One.", "Two.", "Closed."], "what was handed out has changed");
    // The shelf of which nothing has changed is the same one.
    let shelf = |knowledge: &Knowledge| Arc::clone(knowledge.shelves.last().unwrap());
    assert!(Arc::ptr_eq(&shelf(&first), &shelf(&second)));
}

#[test]
fn a_document_that_is_closed_or_broken_later_is_closed_from_then_on() {
    let folder = folder_of(&[("a.md", "# A\n\nOne.\n")]);
    let mut library = library(&folder);
    assert_eq!(everybody(&library.look(later()).unwrap().unwrap()).document_count(), 1);
    for (text, documents) in [("---\naudience: a\n---\n\nOne.\n", 1), ("---\naudience: a\n", 0)] {
        fs::write(folder.path().join("a.md"), text).unwrap();
        let knowledge = library.look(later()).unwrap().unwrap();
        assert_eq!((knowledge.document_count(), everybody(&knowledge).document_count()), (documents, 0), "{text:?}");
        assert_eq!(knowledge.skipped().len(), 1 - documents);
    }
}

/// Two changes within one tick of the file system's clock look alike where the length is the same.
#[test]
fn a_file_that_has_just_changed_is_read_again() {
    let folder = folder_of(&[("a.md", "# A\n\nOne.\n")]);
    let mut library = library(&folder);
    let now = SystemTime::now();
    let first = library.look(now).unwrap().unwrap();
    assert!(library.look(now).unwrap().is_none());
    assert_eq!((first.document_count(), library.files_read), (1, 2));
    assert!(library.look(later()).unwrap().is_none());
    assert!(library.look(later()).unwrap().is_none());
    assert_eq!(library.files_read, 3);
}

#[test]
fn a_folder_that_vanishes_is_an_error_and_what_was_known_is_known_when_it_is_back() {
    let root = tempfile::tempdir().unwrap();
    let (here, away) = (root.path().join("here"), root.path().join("away"));
    fs::create_dir(&here).unwrap();
    fs::write(here.join("a.md"), "# A\n\nOne.\n").unwrap();
    let mut library = Library::of(std::slice::from_ref(&here)).unwrap();
    assert!(library.look(later()).unwrap().is_some());
    fs::rename(&here, &away).unwrap();
    for _ in 0..2 {
        assert!(matches!(library.look(later()), Err(CannotLoad::Folder { .. })));
    }
    fs::rename(&away, &here).unwrap();
    assert!(library.look(later()).unwrap().is_none());
    assert_eq!(library.files_read, 1);
}

#[test]
fn what_changes_is_known_within_two_seconds_and_a_vanished_folder_leaves_what_was_known() {
    let folder = folder_of(&[("a.md", "# A\n\nOne.\n")]);
    let current = library(&folder).follow().unwrap();
    let becomes = |expected: &[&str]| {
        let begun = Instant::now();
        while texts(&current.borrow()) != expected {
            assert!(begun.elapsed() < Duration::from_secs(2), "{expected:?}: {:?}", texts(&current.borrow()));
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    becomes(&["One."]);
    fs::write(folder.path().join("a.md"), "# A\n\nTwo.\n").unwrap();
    becomes(&["Two."]);
    fs::write(folder.path().join("b.txt"), "New.\n").unwrap();
    becomes(&["Two.", "New."]);
    fs::remove_file(folder.path().join("a.md")).unwrap();
    becomes(&["New."]);

    // The thread goes on after a folder was gone for more than a look.
    let away = folder.path().with_extension("away");
    fs::rename(folder.path(), &away).unwrap();
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(texts(&current.borrow()), ["New."]);
    fs::rename(&away, folder.path()).unwrap();
    fs::write(folder.path().join("c.txt"), "Back.\n").unwrap();
    becomes(&["New.", "Back."]);
}

#[test]
fn the_thread_ends_when_nobody_wants_to_know() {
    let folder = folder_of(&[("a.md", "# A\n\nOne.\n")]);
    let current = library(&folder).follow_every(Duration::from_millis(1)).unwrap();
    until_read(&current);
    let held_by_the_thread = Arc::downgrade(&current.borrow());
    drop(current);
    let begun = Instant::now();
    while held_by_the_thread.upgrade().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the thread still runs");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Reads as always, and breaks where the text says so.
fn breaking(
    file: String,
    kind: kind::Kind,
    text: String,
    analyzer: &Analyzer,
) -> Result<document::Document, SkipReason> {
    assert!(!text.contains("breaks the reader"));
    document::Document::read(file, kind, text, analyzer)
}

#[test]
fn a_document_that_breaks_its_reader_is_left_out_and_the_others_are_followed_on() {
    // So many that they are read on several threads.
    let others: Vec<_> = (0..40).map(|number| format!("other-{number:02}.md")).collect();
    let mut files: Vec<_> = others.iter().map(|file| (file.as_str(), "# Other\n\nText.\n")).collect();
    files.extend([("a.md", "# A\n\nOpen.\n"), ("b.md", "# B\n\nIt breaks the reader.\n")]);
    let folder = folder_of(&files);
    let mut library = library(&folder);
    library.read_document = breaking;
    let current = library.follow_every(Duration::from_millis(10)).unwrap();
    let until = |is_so: &dyn Fn(&Knowledge) -> bool| {
        let begun = Instant::now();
        while !is_so(&current.borrow()) {
            assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", current.borrow().skipped());
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    let left_out = |known: &Knowledge, names: &[&str]| {
        let is_ours = |skipped: &Skipped| skipped.reason == SkipReason::NotUnderstood;
        let skipped: Vec<_> = known.skipped().iter().filter(|one| is_ours(one)).map(|one| one.file.as_str()).collect();
        skipped == names
    };
    until(&|known| known.document_count() == 41 && left_out(known, &["b.md"]));
    // What was for everybody is for few, and breaks the reader: nothing that was known of it stays.
    fs::write(folder.path().join("a.md"), "---\naudience: few\n---\n# A\n\nIt breaks the reader.\n").unwrap();
    until(&|known| known.document_count() == 40 && left_out(known, &["a.md", "b.md"]));
    fs::write(folder.path().join("b.md"), "# B\n\nMended.\n").unwrap();
    until(&|known| known.document_count() == 41 && left_out(known, &["a.md"]));
    assert!(is_followed(&current));
}
