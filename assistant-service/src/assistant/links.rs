//! Where links and images of an answer may lead: to hosts that the settings name, by `https`, and nowhere else.
//!
//! A link is how text that somebody planted in a document gets what it found out of the company: an image is fetched by
//! whoever looks at the answer, a link by whoever trusts it. [`AllowedHosts`] decides about one address,
//! [`words`](super::words) finds them in a text, and [`audit`] looks over a whole text by other means.

pub(super) mod audit;
pub(super) mod destination;
pub(crate) mod json;
pub(super) mod suspicion;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use reqwest::Url;
use trust_core::Mistake;

use crate::section::Section;

const LONGEST_URL_BYTES: usize = 2048;
const KEYS: [&str; 1] = ["allowedHosts"];

/// Hosts that answers may link to. None, unless the settings say so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllowedHosts {
    exact: BTreeSet<String>,
    /// Every host below one of these, not the host itself.
    below: BTreeSet<String>,
}

impl AllowedHosts {
    /// Reads the section `links`.
    pub(super) fn read(section: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Self {
        let mut hosts = Self::default();
        if !section.is_there() {
            return hosts;
        }
        section.only_keys(&KEYS, mistakes);
        for item in section.list("allowedHosts", mistakes) {
            let text = item.as_text().unwrap_or_default();
            if !hosts.add(text) {
                item.mistake("a host such as docs.example.com or *.example.com was expected", mistakes);
            }
        }
        hosts
    }

    #[cfg(test)]
    pub(crate) fn of(hosts: &[&str]) -> Self {
        let mut allowed = Self::default();
        assert!(hosts.iter().all(|host| allowed.add(host)), "{hosts:?}");
        allowed
    }

    /// Takes a host in the spelling that addresses have once they are read.
    fn add(&mut self, text: &str) -> bool {
        let (set, host) = match text.strip_prefix("*.") {
            Some(host) => (&mut self.below, host),
            None => (&mut self.exact, text),
        };
        let read = Url::parse(&format!("https://{host}/")).ok();
        let read = read.and_then(|url| url.host_str().map(str::to_owned));
        // A pattern below nothing but a top-level domain would be half the world.
        let is_plain = host.chars().all(|character| character.is_ascii_alphanumeric() || "-.".contains(character));
        let is_whole = is_plain && read.as_deref() == Some(host) && (text == host || host.contains('.'));
        if is_whole { set.insert(host.to_owned()) } else { false }
    }

    /// The address in its only spelling, if answers may lead there. What could be read as two addresses is none.
    #[must_use]
    pub(crate) fn admit(&self, address: &str) -> Option<String> {
        let scheme = address.get(..8)?;
        let is_plain = |character: char| character.is_ascii_alphanumeric() || "-._~/?#@!&*+,=%:()'".contains(character);
        if address.len() > LONGEST_URL_BYTES
            || !scheme.eq_ignore_ascii_case("https://")
            || !address.chars().all(is_plain)
        {
            return None;
        }
        let rest = address.get(8..)?;
        if rest.starts_with('/') || rest.contains("//") {
            return None;
        }
        let url = Url::parse(address).ok()?;
        let is_bare = url.username().is_empty() && url.password().is_none() && url.port().is_none();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if !is_bare || authority.contains('@') || authority.contains('%') || !self.holds(url.host_str()?) {
            return None;
        }
        // In Markdown a bracket or a quote would end the address elsewhere than here.
        Some(url.as_str().replace('(', "%28").replace(')', "%29").replace('\'', "%27"))
    }

    fn holds(&self, host: &str) -> bool {
        let mut above = host;
        let mut is_below = false;
        while let Some((_, rest)) = above.split_once('.') {
            is_below |= self.below.contains(rest);
            above = rest;
        }
        is_below || self.exact.contains(host)
    }
}
