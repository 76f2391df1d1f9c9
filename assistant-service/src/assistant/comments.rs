//! What the comments of code say. Lines are compared, no language is parsed.

/// What comments begin with in the languages that are cut by item.
const MARKS: [&str; 4] = ["//", "#", "/*", "--"];
const MARK_LETTERS: [char; 6] = ['/', '#', '*', '-', '!', ' '];
const QUOTES: &str = "\"\"\"";

/// Whether a line is nothing but a comment. An attribute of Rust is none.
pub(super) fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    MARKS.iter().any(|mark| line.starts_with(mark)) && !line.starts_with("#[") && !line.starts_with("#![")
}

/// A line of a comment without what makes it one.
pub(super) fn without_mark(line: &str) -> &str {
    line.trim_start().trim_start_matches(MARK_LETTERS).trim_end()
}

/// Every comment of some code, as prose in one line: lines that follow each other are one, and a text in three quotes is one too.
pub(super) fn comments(code: &str) -> Vec<String> {
    let mut comments: Vec<String> = Vec::new();
    let (mut ends_at, mut goes_on) = (None::<&str>, false);
    for line in code.lines() {
        let begins_at = if is_comment(line) { Some(line.trim_start()) } else { docstring(line) };
        let Some(inside) = ends_at.map(|_| line.trim()).or(begins_at) else {
            goes_on = false;
            continue;
        };
        let is_first = ends_at.is_none();
        let end = ends_at.or_else(|| match inside {
            _ if is_comment(line) => inside.starts_with("/*").then_some("*/"),
            _ => Some(QUOTES),
        });
        let (said, is_over) = match end.and_then(|end| inside.split_once(end)) {
            Some((said, _)) => (said, true),
            None => (inside, end.is_none()),
        };
        let said = if end == Some(QUOTES) { said.trim() } else { without_mark(said) };
        match comments.last_mut().filter(|_| goes_on || !is_first) {
            Some(comment) => {
                comment.push(' ');
                comment.push_str(said);
            }
            None => comments.push(said.to_owned()),
        }
        ends_at = end.filter(|_| !is_over);
        goes_on = true;
    }
    comments.retain(|comment| !comment.trim().is_empty());
    comments
}

/// What stands behind the quotes that open a docstring.
fn docstring(line: &str) -> Option<&str> {
    line.trim_start().trim_start_matches(['r', 'u']).strip_prefix(QUOTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_told_without_their_marks_and_nothing_else_is_told() {
        for (code, expected) in [
            ("/// One.\n/// Two.\nfn a() {\n    // Three.\n    b(); // Four\n}\n", &["One. Two.", "Three."][..]),
            ("#[derive(Debug)]\n#![warn(x)]\nstruct A;", &[]),
            ("# One\nA: 1\n\n# Two\n", &["One", "Two"]),
            ("/* One\n * two\n */\na();\n/* Three */ b();", &["One two ", "Three"]),
            ("def a():\n    \"\"\"One.\n\n    Two.\n    \"\"\"\n    b = 1", &["One.  Two. "]),
            ("def a():\n    \"\"\"One.\"\"\"\n    b = \"\"\"c\"\"\"", &["One."]),
            ("-- One\nSELECT 1;", &["One"]),
            ("a();", &[]),
            ("", &[]),
        ] {
            assert_eq!(comments(code), expected, "{code}");
        }
    }
}
