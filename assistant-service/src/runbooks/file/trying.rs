//! How often a runbook is tried, and how many of its commands are carried out at once.

use trust_core::Mistake;

use super::super::{BackoffPolicy, Concurrency, Retry, iso_duration};
use crate::section::Section;

const MOST_RETRIES: u64 = 20;
const LONGEST_DELAY_SECONDS: f64 = 60.0 * 60.0;
const SHORTEST_DELAY_SECONDS: f64 = 0.1;
const MOST_AT_ONCE: u64 = 1000;

const POLICIES: [(&str, BackoffPolicy); 2] =
    [("linear", BackoffPolicy::Linear), ("exponential", BackoffPolicy::Exponential)];

pub(super) fn retry(root: &Section<'_>, idempotent: bool, mistakes: &mut Vec<Mistake>) -> Retry {
    let section = root.at("retry");
    if !section.is_there() {
        return Retry::NEVER;
    }
    section.only_keys(&["retry", "backoffPolicy", "backoffDelay"], mistakes);
    if !idempotent {
        section.mistake("only what is `idempotent: true` is tried again: it may have been done in part", mistakes);
    }
    let retry =
        super::required(&section, "retry", mistakes).and_then(|()| section.number("retry", 1..=MOST_RETRIES, mistakes));
    let policy = section.required("backoffPolicy", mistakes);
    let policy = policy.and_then(|text| super::one_of(&section.at("backoffPolicy"), &text, &POLICIES, mistakes));
    let bounds = SHORTEST_DELAY_SECONDS..=LONGEST_DELAY_SECONDS;
    let delay = section.required("backoffDelay", mistakes).and_then(|text| {
        let delay = iso_duration::seconds(&text).filter(|seconds| bounds.contains(seconds));
        if delay.is_none() {
            let what = "a duration of ISO 8601 such as PT2S or PT1M30S was expected, from PT0.1S to PT1H";
            section.at("backoffDelay").mistake(what, mistakes);
        }
        delay
    });
    Retry {
        retry: retry.and_then(|retry| u32::try_from(retry).ok()).unwrap_or_default(),
        backoff_policy: policy.unwrap_or(BackoffPolicy::Exponential),
        backoff_delay: delay.unwrap_or_default(),
    }
}

pub(super) fn concurrency(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Concurrency {
    let section = root.at("concurrency");
    if !section.is_there() {
        return Concurrency::default();
    }
    section.only_keys(&["per_runbook", "per_target"], mistakes);
    let mut bound = |key: &str| section.number(key, 1..=MOST_AT_ONCE, mistakes).and_then(|bound| bound.try_into().ok());
    let concurrency = Concurrency { per_runbook: bound("per_runbook"), per_target: bound("per_target") };
    let says_nothing = ["per_runbook", "per_target"].iter().all(|key| !section.at(key).is_there());
    if says_nothing {
        section.mistake("per_runbook or per_target was expected; leave it out for no bound", mistakes);
    }
    concurrency
}
