//! Which characters of a text anybody gets to see. The others hide: they part a word for whoever checks it and not for
//! whoever reads it, turn its direction round, or carry text of their own.

/// Reads pieces of a text.
#[derive(Debug, Default)]
pub(in super::super) struct Characters {
    previous: Option<char>,
    is_after_return: bool,
}

impl Characters {
    /// Adds what is seen of a piece. Lines end with `\n` alone.
    pub(in super::super) fn read(&mut self, piece: &str, text: &mut String) {
        for character in piece.chars() {
            let is_second_half = character == '\n' && self.is_after_return;
            self.is_after_return = character == '\r';
            let seen = match character {
                '\n' if is_second_half => continue,
                '\r' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' | '\u{85}' => '\n',
                '\n' | '\t' => character,
                // Persian, Indic scripts and some emoji are not written without them.
                '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => {
                    if self.previous.is_none_or(|previous| previous.is_ascii()) {
                        continue;
                    }
                    character
                }
                _ if is_hidden(character) => continue,
                _ => character,
            };
            self.previous = Some(seen);
            text.push(seen);
        }
    }
}

/// The whole of a text at once.
pub(in super::super) fn visible(text: &str) -> String {
    let mut seen = String::with_capacity(text.len());
    Characters::default().read(text, &mut seen);
    seen
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}
