//! Who a request counts for, and how much a source may try.

use super::reader::{Mistake, Reader};
use crate::client_address::ClientAddresses;
use crate::network::Network;
use crate::throttle::DEFAULT_BAD_TOKENS_PER_MINUTE;

/// More proxies than anybody has one behind another.
const MAX_DEPTH: u64 = 16;

/// More than a slot counts.
const MAX_BAD_TOKENS_PER_MINUTE: u64 = 30_000;

pub(super) fn bad_tokens_per_minute(root: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> u32 {
    let reader = root.at("throttle");
    if root.value("throttle").is_some() {
        reader.only_keys(&["badTokensPerMinute"], mistakes);
    }
    let most = reader.whole_number("badTokensPerMinute", MAX_BAD_TOKENS_PER_MINUTE, mistakes);
    most.and_then(|most| u32::try_from(most).ok()).unwrap_or(DEFAULT_BAD_TOKENS_PER_MINUTE)
}

pub(super) fn read(root: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> ClientAddresses {
    let reader = root.at("clientAddress");
    if root.value("clientAddress").is_some() {
        reader.only_keys(&["depth", "trustedProxies"], mistakes);
    }
    let depth = reader.whole_number("depth", MAX_DEPTH, mistakes).and_then(|depth| usize::try_from(depth).ok());
    let mut trusted_proxies = Vec::new();
    for (reader, text) in reader.strings("trustedProxies", mistakes) {
        match Network::parse(&text) {
            Ok(network) => trusted_proxies.push(network),
            Err(what) => reader.mistake(what, mistakes),
        }
    }
    let depth = depth.unwrap_or(0);
    if depth > 0 && reader.is_empty("trustedProxies") {
        let what = "X-Forwarded-For counts only from proxies that are trusted; name them here";
        reader.at("trustedProxies").mistake(what, mistakes);
    }
    ClientAddresses { depth, trusted_proxies }
}
