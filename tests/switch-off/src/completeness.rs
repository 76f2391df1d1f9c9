//! Every place in the core that makes a refusal is touched by a check, or exempt with a reason.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::checks::{Check, EXEMPT_FILES, EXEMPTIONS};
use crate::text::Plain;

/// The closed lists of refusals.
const REFUSALS: [&str; 11] = [
    "Denial",
    "MalformedRequest",
    "InvalidToken",
    "InvalidProof",
    "TokenProblem",
    "Unverified",
    "Untaggable",
    "EventRefusal",
    "Unfit",
    "InvalidJwks",
    "InvalidTransactionToken",
];

/// What is out of step: texts that are not found, and refusals that nothing touches. Each in words.
pub(crate) fn complaints(sources: &BTreeMap<String, String>, checks: &[Check]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut touched: BTreeMap<&str, Vec<Range<usize>>> = BTreeMap::new();
    let edits = checks.iter().flat_map(|check| {
        [&check.edit]
            .into_iter()
            .chain(check.behind)
            .map(|edit| (format!("check `{}`", check.name), edit.file, edit.text))
    });
    let exempt = EXEMPTIONS
        .iter()
        .flat_map(|exemption| exemption.texts.iter().map(|text| ("an exemption".to_owned(), exemption.file, *text)));
    for (who, file, text) in edits.chain(exempt) {
        let Some(source) = sources.get(file) else {
            complaints.push(format!("{who}: there is no {file}"));
            continue;
        };
        match Plain::of(source).find_once(text) {
            Ok(place) => touched.entry(file).or_default().push(place),
            Err(why) => complaints.push(format!("{who}: `{text}` {why} in {file}")),
        }
    }
    for (file, source) in sources.iter().filter(|(file, _)| !EXEMPT_FILES.iter().any(|(exempt, _)| exempt == file)) {
        let touched = touched.get(file.as_str()).map(Vec::as_slice).unwrap_or_default();
        for place in refusals(source) {
            if !touched.iter().any(|range| range.contains(&place)) {
                let before = source.get(..place).unwrap_or_default();
                let line = before.matches('\n').count().saturating_add(1);
                let text = source.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim();
                complaints.push(format!("no check touches {file}:{line}: {text}"));
            }
        }
    }
    complaints
}

/// Where a variant of one of the lists is named, outside of comments and tests.
fn refusals(source: &str) -> Vec<usize> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut places = Vec::new();
    let mut line_begins = 0_usize;
    for line in code.split_inclusive('\n') {
        if !line.trim_start().starts_with("//") {
            places.extend(REFUSALS.iter().flat_map(|name| named(line, name)).map(|at| line_begins.saturating_add(at)));
        }
        line_begins = line_begins.saturating_add(line.len());
    }
    places
}

fn named(line: &str, list: &str) -> Vec<usize> {
    let path = format!("{list}::");
    line.match_indices(&path)
        .filter(|(at, _)| {
            let before = line.get(..*at).and_then(|before| before.chars().next_back());
            let behind = line.get(at.saturating_add(path.len())..).and_then(|behind| behind.chars().next());
            // `InvalidToken::from` is no variant, `MyDenial::A` none of ours.
            !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
                && behind.is_some_and(|letter| letter.is_ascii_uppercase())
        })
        .map(|(at, _)| at)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_no_check_touches_is_complained_of() {
        let source =
            "//! `Denial::NoRule`\nfn a() { Err(Denial::NoToken) }\n#[cfg(test)]\nmod tests { Denial::NoRule }\n";
        let sources = BTreeMap::from([("a.rs".to_owned(), source.to_owned())]);
        let complaints = complaints(&sources, &[]);
        let of_this_file: Vec<_> = complaints.iter().filter(|complaint| complaint.contains(" a.rs:")).collect();
        assert_eq!(of_this_file, ["no check touches a.rs:2: fn a() { Err(Denial::NoToken) }"]);
    }
}
