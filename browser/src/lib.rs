//! Watchgate's pages as they are served. They are made when the program is built and belong to it: nothing is read when it runs,
//! and a page never meets a service of another version than its own for longer than an update takes.

/// One file below `/assets/`.
#[derive(Debug)]
pub struct Page {
    /// Its path below `browser/pages/`, such as `console/main.js`.
    pub name: &'static str,
    /// For the header `Content-Type`.
    pub media_type: &'static str,
    /// For the header `ETag`, with its quotes (RFC 9110, section 8.8.3): a digest of `bytes`.
    pub entity_tag: &'static str,
    /// The file as it is.
    pub bytes: &'static [u8],
    /// The same in the content coding `br` (RFC 7932).
    pub brotli: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// The file with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Page> {
    let place = PAGES.binary_search_by(|page| page.name.cmp(name)).ok()?;
    PAGES.get(place)
}

#[cfg(test)]
mod tests;
