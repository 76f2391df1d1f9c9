//! Documents one after another, for whoever works through all that a reader may know.

use std::sync::LazyLock;

use regex::Regex;

use super::{Knowledge, Readable, Scopes, Section};

/// A shorter passage, such as `None.`, stands in many documents and tells nothing of any.
const TELLING_PASSAGE_BYTES: usize = 40;

impl<'a> Readable<'a> {
    /// Every section, by file and by its place in it.
    pub(crate) fn sections(&self) -> Vec<&'a Section> {
        let documents = self.shelves.iter().flat_map(|shelf| &shelf.documents);
        let mut sections: Vec<_> = documents.flat_map(|document| &document.sections).map(|one| &one.section).collect();
        sections.sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
        sections
    }
}

impl Knowledge {
    /// The documents that a reader with these scopes may not read, by name.
    pub(crate) fn closed_to(&self, scopes: &Scopes) -> Vec<&str> {
        let shelves = self.shelves.iter().filter(|shelf| !shelf.audience.admits(scopes));
        let mut files: Vec<_> =
            shelves.flat_map(|shelf| &shelf.documents).map(|document| document.file.as_str()).collect();
        files.sort_unstable();
        files
    }

    /// What stands in the documents that a reader with these scopes may not read.
    pub(crate) fn closed_passages(&self, scopes: &Scopes) -> ClosedPassages {
        let shelves = self.shelves.iter().filter(|shelf| !shelf.audience.admits(scopes));
        let sections = shelves.flat_map(|shelf| &shelf.documents).flat_map(|document| &document.sections);
        let passages = sections
            .flat_map(|indexed| indexed.passages.iter().map(|one| plain_words(indexed.section.quote(&one.passage))));
        ClosedPassages(passages.filter(|passage| passage.len() >= TELLING_PASSAGE_BYTES).collect())
    }
}

/// Passages that somebody may not read. They come out of here as a yes or a no alone.
pub(crate) struct ClosedPassages(Vec<String>);

impl ClosedPassages {
    /// Whether a text repeats all words of a passage, whatever stands between them: what an assistant says has other marks,
    /// escapes and addresses than the document.
    pub(crate) fn are_quoted_in(&self, text: &str) -> bool {
        let text = plain_words(text);
        self.0.iter().any(|passage| text.contains(passage.as_str()))
    }
}

/// What an answer's text and its source may differ in: entities, addresses, and what stands in the place of those.
static NO_WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)&#?\w{1,32};|\]\([^)]*\)|\b(?:\w+://|mailto:)[^\s)>\]]*|\((?:link|image) removed\)").ok()
});

/// The words alone, with a space around each.
fn plain_words(text: &str) -> String {
    let text = NO_WORDS.as_ref().map_or(text.into(), |no_words| no_words.replace_all(text, " "));
    let words = text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |plain, word| plain + &word.to_lowercase() + " ")
}
