//! Finds what looks like a secret: a model that has learnt one tells it to whoever asks in the right words, for good.
//!
//! Better one document too few: whatever looks like a secret keeps its pair out, and the report names the place, not the value.

use std::sync::LazyLock;

use regex_lite::Regex;

/// Forms that nothing else has.
const FORMS: [&str; 10] = [
    r"-----BEGIN [A-Z ]*PRIVATE KEY",
    r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    r"\bgithub_pat_[A-Za-z0-9_]{30,}",
    r"\bglpat-[A-Za-z0-9_-]{16,}",
    r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    r"\bsk-[A-Za-z0-9_-]{20,}",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    r"[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]{3,}@",
    r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/_.=-]{20,}",
];

/// A name that stands for a secret, and the value given to it.
const ASSIGNED: &str = r#"(?i)\b[a-z0-9_-]*(passw(?:or)?d|passphrase|secret|api[_-]?key|access[_-]?key|auth[_-]?token|private[_-]?key)["']?\s*(?::=|[:=])\s*["']?([^\s"',;`]{8,})"#;

static EXPRESSIONS: LazyLock<(Vec<Regex>, Option<Regex>)> =
    LazyLock::new(|| (FORMS.iter().filter_map(|form| Regex::new(form).ok()).collect(), Regex::new(ASSIGNED).ok()));

/// Whether a text looks as if it held a secret.
pub(super) fn holds_secret(text: &str) -> bool {
    let (forms, assigned) = &*EXPRESSIONS;
    let is_value = |found: regex_lite::Captures<'_>| found.get(2).is_some_and(|value| is_secret_value(value.as_str()));
    forms.iter().any(|form| form.is_match(text))
        || assigned.iter().any(|assigned| assigned.captures_iter(text).any(is_value))
}

/// Secrets mix letters with figures or signs; a word, a place to fill in or the name of a variable is none.
fn is_secret_value(value: &str) -> bool {
    let is_place =
        value.starts_with(['<', '$', '{', '%', '/', '(', '[', '&']) || value.contains("…") || value.contains("...");
    let is_code = value.contains(['(', ')', '[', ']']) || value.contains("::") || value.contains("->");
    let (letters, others) = (
        value.chars().any(char::is_alphabetic),
        value.chars().any(|character| character.is_ascii_digit() || "!@#$%^&*+=~?".contains(character)),
    );
    !is_place && !is_code && letters && others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_an_expression() {
        assert!(EXPRESSIONS.0.len() == FORMS.len() && EXPRESSIONS.1.is_some());
    }

    #[test]
    fn what_looks_like_a_secret_is_found() {
        for secret in [
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
            "-----BEGIN PRIVATE KEY-----",
            "id AKIAIOSFODNN7EXAMPLE of the bucket",
            "ghp_0123456789abcdefghijABCDEFGHIJ0123",
            "token xoxb-123456789012-abcdefghij",
            "use sk-proj-abcdefghij0123456789XYZ",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
            "postgres://app:hunter22@db.internal/app",
            "Authorization: Bearer abcdefghijklmnop01234567",
            "password = \"Tr0ub4dor&3\"",
            "DB_PASSWORD: s3cr3t-value",
            "api_key=ab12cd34ef56",
            "\"clientSecret\": \"q8Wv2n0pLk\"",
        ] {
            assert!(holds_secret(secret), "{secret}");
        }
    }

    #[test]
    fn what_speaks_of_secrets_holds_none() {
        for text in [
            "The password is in the vault under `svc/mailer`.",
            "password: <your password>",
            "api_key = ${API_KEY}",
            "secret: vault:svc/mailer",
            "Secrets never come through environment variables.",
            "let api_key = settings.read(\"apiKey1\");",
            "See https://example.com:8443/path@v2 for more.",
            "Basic questions are answered in the guide.",
        ] {
            assert!(!holds_secret(text), "{text}");
        }
    }
}
