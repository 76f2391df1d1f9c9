//! What some renderer or other would make a link of, although no one wrote it as a link.

/// Schemes that some renderers link, or run, without two slashes behind them.
const BARE_SCHEMES: [&str; 5] = ["mailto:", "xmpp:", "tel:", "sms:", "file:/"];
/// Those that run, wherever they stand in a word.
const SCRIPTS: [&str; 2] = ["javascript:", "vbscript:"];

/// Whether a word, as it is rendered, holds an address with a scheme or one that takes the page's own.
pub(in super::super) fn holds_address(word: &str) -> bool {
    let lower = word.to_lowercase();
    lower.contains("://")
        || SCRIPTS.iter().any(|scheme| lower.split_once(scheme).is_some_and(|(_, after)| !after.is_empty()))
        || BARE_SCHEMES.iter().any(|scheme| follows_boundary(&lower, scheme))
        || follows_boundary(&lower, "data:") && lower.contains('/')
        || has_network_path(&lower)
}

/// Whether a word holds a name that some renderers take for a host: `example.com`, `www.x`, an address for mail.
pub(in super::super) fn holds_host(word: &str) -> bool {
    let mut before = [' '; 2];
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        let [older, previous] = before;
        let is_label = character.is_alphabetic() && characters.peek().is_some_and(|next| next.is_alphabetic());
        if previous == '.' && older.is_alphanumeric() && is_label {
            return true;
        }
        before = [previous, character];
    }
    let lower = word.to_lowercase();
    lower.contains("www.") || lower.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
}

/// The word as classifying reads it: without characters that nobody sees.
pub(in super::super) fn without_joiners(word: &str) -> String {
    word.chars().filter(|character| !matches!(character, '\u{200c}' | '\u{200d}')).collect()
}

fn follows_boundary(lower: &str, scheme: &str) -> bool {
    lower.match_indices(scheme).any(|(at, _)| {
        let before = lower.get(..at).and_then(|before| before.chars().next_back());
        let after = lower.get(at.saturating_add(scheme.len())..).and_then(|after| after.chars().next());
        !before.is_some_and(char::is_alphanumeric) && after.is_some()
    })
}

/// `//host`, which a page reads with its own scheme. `and//or` is none.
fn has_network_path(lower: &str) -> bool {
    lower.match_indices("//").any(|(at, _)| {
        let before = lower.get(..at).and_then(|before| before.chars().next_back());
        let after = lower.get(at.saturating_add(2)..).and_then(|after| after.chars().next());
        !before.is_some_and(|before| before.is_alphanumeric() || before == '/')
            && after.is_some_and(char::is_alphanumeric)
    })
}
