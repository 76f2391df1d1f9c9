//! Finds quoted words in a text, whatever became of the space and the marks of emphasis between them.

/// The part of `text` that holds `words`, letter for letter as it stands there. Space counts as space however it was
/// written, emphasis and typographic quotes do not count; every other character does.
pub(super) fn verbatim<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let wanted: String = comparable(words).map(|(_, character)| character).collect();
    let wanted = wanted.trim();
    if wanted.is_empty() {
        return None;
    }
    let (mut compared, mut places) = (String::with_capacity(text.len()), Vec::with_capacity(text.len()));
    for (place, character) in comparable(text) {
        places.resize(places.len().saturating_add(character.len_utf8()), place);
        compared.push(character);
    }
    // A part of a word or of a number says something else: `5 days` does not stand in `15 days`.
    let (start, end) = compared.match_indices(wanted).find_map(|(start, found)| {
        let end = start.saturating_add(found.len());
        let is_whole = is_boundary(&compared, start) && is_boundary(&compared, end);
        is_whole.then_some((start, end))
    })?;
    let first = *places.get(start)?;
    let last = *places.get(end.saturating_sub(1))?;
    let behind = text.get(last..)?.chars().next()?.len_utf8();
    text.get(first..last.saturating_add(behind))
}

fn is_boundary(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    let after = text.get(at..).and_then(|after| after.chars().next());
    !(before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric))
}

/// The characters that count, each with its place. Of several spaces the first one counts.
fn comparable(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut is_after_space = false;
    text.char_indices().filter_map(move |(place, character)| {
        let character = match character {
            '*' | '_' | '`' => return None,
            '“' | '”' | '„' => '"',
            '‘' | '’' => '\'',
            _ if character.is_whitespace() => ' ',
            _ => character,
        };
        let is_space = character == ' ';
        let is_further = is_space && is_after_space;
        is_after_space = is_space;
        (!is_further).then_some((place, character))
    })
}
