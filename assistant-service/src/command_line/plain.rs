//! Text of documents and models on its way to a terminal, which would obey some of its characters.

/// What stands for a character that a terminal would obey.
const REPLACEMENT: char = '\u{FFFD}';

/// The text with its lines, and nothing else that moves a terminal's cursor, colours it, or turns the writing's direction.
pub(in crate::command_line) fn visible(text: &str) -> String {
    let visible =
        |character| if matches!(character, '\n' | '\t') || !is_obeyed(character) { character } else { REPLACEMENT };
    text.chars().map(visible).collect()
}

/// The same in one line.
pub(crate) fn line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// JSON that says the same with none of them.
pub(in crate::command_line) fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || !is_obeyed(character) {
            escaped.push(character);
        } else {
            // JSON itself has escaped all that have no short form of four digits.
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        }
    }
    escaped
}

/// Control characters (C0, DEL, C1), separators of lines and paragraphs, and marks of direction.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
