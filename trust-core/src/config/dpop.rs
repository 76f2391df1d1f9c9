//! What proofs of possession must be like.

use super::Origin;
use super::reader::{Mistake, Reader};
use crate::dpop::{DEFAULT_MAX_AGE_SECONDS, MOST_MAX_AGE_SECONDS, Proofs};
use crate::signature::Algorithm;
use crate::suggestion::suggestion;

const KEY: &str = "dpop";

/// Without a word on them proofs are taken as well, as soon as there is an origin to hold them against.
pub(super) fn read(root: &Reader<'_>, origins: &[Origin], mistakes: &mut Vec<Mistake>) -> Proofs {
    let reader = root.at(KEY);
    if root.value(KEY).is_some() {
        reader.only_keys(&["maxAgeSeconds", "algorithms"], mistakes);
        if root.is_empty("publicOrigins") {
            reader.mistake("a proof names the address that it is for, so publicOrigins must name one", mistakes);
        }
    }
    let max_age_seconds = reader.whole_number("maxAgeSeconds", MOST_MAX_AGE_SECONDS, mistakes);
    if max_age_seconds == Some(0) {
        reader.at("maxAgeSeconds").mistake("no proof would be new enough; 1 is the least", mistakes);
    }
    let max_age_seconds = max_age_seconds.unwrap_or(DEFAULT_MAX_AGE_SECONDS);
    Proofs::new(origins.to_vec(), algorithms(&reader, mistakes), max_age_seconds)
}

/// With a public key only: whoever checks a proof must not be able to make one.
fn algorithms(reader: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> Vec<Algorithm> {
    let all = Algorithm::WITH_PUBLIC_KEY.map(Algorithm::name);
    let mut algorithms = Vec::new();
    for (reader, name) in reader.strings_or("algorithms", &all, mistakes) {
        match Algorithm::named(&name).filter(|algorithm| !algorithm.takes_shared_secret()) {
            Some(algorithm) => algorithms.push(algorithm),
            None => {
                let meant = suggestion(&name, &all);
                reader.mistake(format!("{name:?} is no algorithm of proofs{meant}"), mistakes);
            }
        }
    }
    algorithms
}
