//! Words as they are written in code: `retryDelay` is found as itself, and by `retry` and by `delay`.

use std::ops::Range;
use std::vec;

use tantivy::tokenizer::{SimpleTokenizer, Token, TokenStream, Tokenizer};

/// Cuts text into words at whatever is neither letter nor figure, `_` among it, and adds the parts of those that have any.
#[derive(Clone, Default)]
pub(super) struct WordsAndParts(SimpleTokenizer);

/// The words of a text, each before its parts.
pub(super) struct Tokens {
    current: Token,
    rest: vec::IntoIter<Token>,
}

impl Tokenizer for WordsAndParts {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        let mut tokens = Vec::new();
        self.0.token_stream(text).process(&mut |token| {
            tokens.push(token.clone());
            let parts = parts(&token.text).into_iter().filter_map(|part| {
                let text = token.text.get(part.clone())?.to_owned();
                let from = |offset: usize| token.offset_from.saturating_add(offset);
                Some(Token { text, offset_from: from(part.start), offset_to: from(part.end), ..token.clone() })
            });
            tokens.extend(parts);
        });
        Tokens { current: Token::default(), rest: tokens.into_iter() }
    }
}

impl TokenStream for Tokens {
    fn advance(&mut self) -> bool {
        match self.rest.next() {
            Some(next) => {
                self.current = next;
                true
            }
            None => false,
        }
    }

    fn token(&self) -> &Token {
        &self.current
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.current
    }
}

/// The parts of a word with capitals inside, of `HTTPServer` too; none where it has no inner border.
pub(super) fn parts(word: &str) -> Vec<Range<usize>> {
    // Almost every word of prose.
    if !word.chars().skip(1).any(char::is_uppercase) {
        return Vec::new();
    }
    let characters: Vec<(usize, char)> = word.char_indices().collect();
    let mut borders = vec![0];
    for window in characters.windows(2).enumerate() {
        let (at, [(_, before), (border, here)]) = window else { continue };
        let after = characters.get(at.saturating_add(2));
        let begins = !before.is_uppercase() || after.is_some_and(|(_, after)| after.is_lowercase());
        if here.is_uppercase() && begins {
            borders.push(*border);
        }
    }
    if borders.len() == 1 {
        return Vec::new();
    }
    borders.push(word.len());
    borders.iter().zip(borders.iter().skip(1)).map(|(start, end)| *start..*end).collect()
}
