//! What front matter says, and that none that is broken opens a document.

use super::*;

fn reason(text: &str) -> Option<SkipReason> {
    let folder = folder_of(&[("a.md", text)]);
    let knowledge = Knowledge::load(folder.path()).unwrap();
    assert_eq!(knowledge.document_count() + knowledge.skipped().len(), 1, "{text:?}");
    knowledge.skipped().first().map(|skipped| skipped.reason)
}

#[test]
fn front_matter_is_kept_apart_from_the_text_and_lines_still_count_from_the_first() {
    let text =
        "---\nowner: the ä squad\ntitle: Zebra\naudience: [a:b, c]\nreviewed: 2026-01-01\n---\n\n# Heading\n\nText.\n";
    let folder = folder_of(&[("a.md", text)]);
    let knowledge = Knowledge::load(folder.path()).unwrap();
    for scope in ["a:b", "c"] {
        let readable = knowledge.for_reader(&[scope].into_iter().collect());
        let found = readable.search(&readable.question("text"), 5).unwrap();
        let section = &found[0].section;
        assert_eq!((section.heading.as_str(), section.line, section.text().trim()), ("Heading", 8, "Text."));
        let front = section.front_matter();
        assert_eq!((front.owner.as_deref(), front.title.as_deref()), (Some("the ä squad"), Some("Zebra")));
        assert!(readable.search(&readable.question("zebra squad reviewed"), 5).unwrap().is_empty());
    }
    assert_eq!(everybody(&knowledge).document_count(), 0);
}

#[test]
fn text_before_the_first_heading_is_quoted_without_the_front_matter() {
    let folder = folder_of(&[("a.md", "---\nowner: zebras\n---\nLions live here.\n")]);
    let knowledge = Knowledge::load(folder.path()).unwrap();
    let readable = everybody(&knowledge);
    let found = readable.search(&readable.question("lions"), 5).unwrap();
    assert_eq!(quotes(&found[0].section), ["Lions live here."]);
    assert!(!found[0].section.text().contains("zebras"));
}

#[test]
fn a_document_without_an_audience_is_for_everybody() {
    for text in [
        "# A\n\nText.\n",
        "---\nowner: me\nunknown: [1, {two: 3}]\n---\n\n# A\n\nText.\n",
        "---\r\nowner: me\r\n---\r\n\r\n# A\r\n\r\nText.\r\n",
        "---\n---\n\n# A\n\nText.\n",
        "---\nowner: me\n...\n\n# A\n\nText.\n",
        "# A\n\nAudience: whoever is on call.\n",
        "# A\n\n---\n\nNote: text.\n",
    ] {
        let folder = folder_of(&[("a.md", text)]);
        let knowledge = Knowledge::load(folder.path()).unwrap();
        assert_eq!(everybody(&knowledge).document_count(), 1, "{text:?}: {:?}", knowledge.skipped());
    }
}

/// Each of these would be readable by everybody if what is wrong with it were passed over.
#[test]
fn a_document_whose_front_matter_is_broken_is_left_out_with_the_reason() {
    use InvalidFrontMatter::*;
    let body = "\n\n# A\n\nText.\n";
    for (text, expected) in [
        ("---\naudience: a\n", NotClosed),
        ("---\naudience: a\n ---", NotClosed),
        ("---\nowner: [\n---", NotYaml { line: 2 }),
        ("---\njust words\n---", NotYaml { line: 2 }),
        ("---\naudience: a\naudience: b\n---", NotYaml { line: 3 }),
        ("---\nowner:\n---", NoText { key: "owner" }),
        ("---\ntitle:\n  audience: a\n---", NoText { key: "title" }),
        ("---\naudience:\n---", NoScopes),
        ("---\naudience: []\n---", NoScopes),
        ("---\naudience: \"\"\n---", NoScopes),
        ("---\naudience: a b\n---", NoScopes),
        ("---\naudience: [a, [b]]\n---", NoScopes),
        ("---\naudience: {a: b}\n---", NoScopes),
        ("---\naudience: true\n---", NoScopes),
        ("---\naudiance: a\n---", AlmostAudience),
        ("---\nAudience: a\n---", AlmostAudience),
        ("---\nmeta: [{audiences: [a]}]\n---", AlmostAudience),
        ("audience: a\n---", Outside),
        ("----\naudience: a\n----", Outside),
        ("+++\naudience = \"a\"\n+++", Outside),
        ("<!-- audience: a -->", Outside),
        ("# A\n---\naudience: a\n---", Outside),
        ("# A\n\n——\nowner: me\naudience: a\n——", Outside),
        ("---\nowner: me\n---\n---\naudience: a\n---", Outside),
    ] {
        let found = reason(&format!("{text}{body}"));
        let Some(SkipReason::FrontMatter(found)) = found else { panic!("{text:?}: {found:?}") };
        match (found, expected) {
            (NotYaml { .. }, NotYaml { line: 2 }) if text.contains("just") => {}
            _ => assert_eq!(found, expected, "{text:?}"),
        }
    }
}

#[test]
fn front_matter_that_other_programs_would_not_see_closes_a_document_too() {
    for text in [
        "\u{feff}---\naudience: a\n---\n\nText.\n",
        "\n \n---\naudience: a\n---\n\nText.\n",
        " ---\naudience: a\n---\n\nText.\n",
    ] {
        let folder = folder_of(&[("a.md", text)]);
        let knowledge = Knowledge::load(folder.path()).unwrap();
        assert_eq!((knowledge.document_count(), everybody(&knowledge).document_count()), (1, 0), "{text:?}");
    }
}
