//! How many tokens a text has, near enough to bound it: no tokenizer is the same as another, and the endpoint counts itself.

/// Four letters of ASCII in a token, and every other character one: a little more than most tokenizers count.
pub(super) fn estimate(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.chars().filter(|character| !character.is_ascii()).count();
    ascii.div_ceil(4).saturating_add(others)
}
