//! What secrets look like in a text.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::values;

/// A kind of secret, and what it looks like. Where there is a group called `secret`, that alone is taken out.
type Pattern = (&'static str, Regex);

/// In this order: what is taken out by one is not there for the next. A word ends where ASCII's does: the other way takes many times
/// longer on text that is not ASCII, and would find no key behind `é`.
const PATTERNS: [(&str, &str); 13] = [
    (
        "private-key",
        r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----.*?(-----END [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----|\z)",
    ),
    ("jwt", r"(?-u:\b)eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)+"),
    (
        "authorization",
        r"(?i)(?-u:\b)(proxy-)?authorization\\?[\x22']?\s*[:=]\s*\\?[\x22']?(basic|bearer|dpop|digest|token|apikey)?\s*(?<secret>[^\s\x22'\\,;]{6,})",
    ),
    ("bearer", r"(?i)(?-u:\b)(bearer|dpop)\s+(?<secret>[A-Za-z0-9._~+/=-]*[0-9][A-Za-z0-9._~+/=-]{7,})"),
    ("aws-key", r"(?-u:\b)(AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?-u:\b)"),
    ("github-token", r"(?-u:\b)(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,})"),
    ("slack-token", r"(?-u:\b)(xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,})"),
    ("webhook", r"(?-u:\b)hooks\.slack\.com/services/[A-Za-z0-9/_-]+"),
    ("api-key", r"(?-u:\b)(sk|rk|pk)[-_](proj-|ant-|live_|test_|svcacct-)?[A-Za-z0-9_-]{16,}"),
    (
        "api-key",
        r"(?-u:\b)(AIza[0-9A-Za-z_-]{30,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{30,})",
    ),
    ("credentials", r"(?-u:\b)[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@?#]*:(?<secret>[^\s/]+)@"),
    (
        "credentials",
        r"(?i)(?-u:\b)(AccountKey|SharedAccessKey|SharedAccessSignature|sig)=(?<secret>[A-Za-z0-9+/=%_-]{16,})",
    ),
    ("cookie", r"(?i)(?-u:\b)(set-)?cookie\s*:\s*(?<secret>[^\n]+)"),
];

static COMPILED: LazyLock<Vec<Pattern>> =
    LazyLock::new(|| PATTERNS.iter().filter_map(|(kind, text)| Some((*kind, Regex::new(text).ok()?))).collect());

/// A name and what parts it from its value.
const NAME: &str = r#"(?i)(?<name>[A-Za-z0-9_.-]*(pass(word|wd|phrase|code)?|pwd|secret|token|api[_ -]?key|access[_ -]?key|private[_ -]?key|signing[_ -]?key|encryption[_ -]?key|credentials?)[A-Za-z0-9_-]*)(?<between>\\?["'`*]*\s*(:|=>|=|(?-u:\b)is(?-u:\b))\s*"#;
/// The value in quotes, then up to a space.
const VALUES: [&str; 2] = [r#"\\?["'`])(?<value>[^"'`\n\\]+)"#, r#"\\?["'`*]*)(?<value>[^\s"'`,;\\<>]+)"#];

static NAMED: LazyLock<Vec<Regex>> =
    LazyLock::new(|| VALUES.iter().filter_map(|value| Regex::new(&format!("{NAME}{value}")).ok()).collect());

/// The text with every secret that is recognised taken out.
pub(super) fn without_secrets(text: &str) -> String {
    let mut text = text.to_owned();
    for (kind, pattern) in &*COMPILED {
        if pattern.is_match(&text) {
            text = pattern.replace_all(&text, |captures: &Captures<'_>| replaced(captures, kind)).into_owned();
        }
    }
    for named in &*NAMED {
        text = named.replace_all(&text, named_value).into_owned();
    }
    text
}

fn named_value(captures: &Captures<'_>) -> String {
    let part = |name: &str| captures.name(name).map_or("", |part| part.as_str());
    let (name, between, value) = (part("name"), part("between"), part("value"));
    if values::is_secret_text(name, between, value) {
        format!("{name}{between}{}", values::REDACTED)
    } else {
        format!("{name}{between}{value}")
    }
}

fn replaced(captures: &Captures<'_>, kind: &str) -> String {
    let all = captures.get(0).map_or("", |all| all.as_str());
    match captures.name("secret") {
        Some(secret) => all.replace(secret.as_str(), &format!("[redacted:{kind}]")),
        None => format!("[redacted:{kind}]"),
    }
}

#[cfg(test)]
pub(super) fn all_compile() -> bool {
    COMPILED.len() == PATTERNS.len() && NAMED.len() == VALUES.len()
}
