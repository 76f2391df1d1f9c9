//! What begins with a bracket: marks, links, images, or nothing of the kind.

use super::{LINK_REMOVED, Marks, NOT_ALLOWED, NoMarks, Words, mark, within};
use crate::assistant::links::destination::{self, Destination};

const LONGEST_TEXT_BYTES: usize = 1024;
const IMAGE_REMOVED: &str = "(image removed)";

impl<M: Marks> Words<M> {
    /// Takes what begins with `[` or `![`.
    pub(super) fn bracket(&mut self, rest: &str, is_end: bool) -> Option<usize> {
        if M::ARE_READ && rest.starts_with('[') {
            match mark::read(rest, is_end || self.is_full) {
                mark::Read::Begun => return None,
                mark::Read::Whole { mark, used } => {
                    match self.marks.cite(&mark) {
                        Ok(text) => self.out.prose(&text),
                        Err(removed) => self.note(removed),
                    }
                    return Some(used);
                }
                mark::Read::Endless { used } => {
                    self.remove("citation", "its mark does not end");
                    return Some(used);
                }
                mark::Read::None => {}
            }
        }
        match link(rest, is_end || self.is_full) {
            Link::Begun => None,
            Link::None => {
                let opening = if rest.starts_with('!') { "![" } else { "[" };
                self.out.prose(opening);
                Some(opening.len())
            }
            Link::Whole { is_image, text, address, used } => {
                self.link(is_image, text, address);
                Some(used)
            }
        }
    }

    fn link(&mut self, is_image: bool, text: &str, address: &str) {
        let mut inner = Words::new(self.hosts.clone(), self.defences.clone(), NoMarks);
        inner.is_link_text = true;
        let mut shown = inner.push(text);
        let (rest, removed, NoMarks) = inner.finish();
        shown.push_str(&rest);
        for removed in removed {
            self.note(removed);
        }
        // A bracket in it would end it elsewhere.
        let shown = shown.replace(['[', ']'], "").replace('\n', " ");
        let admitted = if self.guards_links() { self.hosts.admit(address) } else { Some(address.to_owned()) };
        match admitted {
            // A link's text has no links in it, not even images.
            Some(_) if self.is_link_text => self.out.prose(&shown),
            Some(address) => {
                let opening = if is_image { "![" } else { "[" };
                self.out.link(&format!("{opening}{shown}]({address})"));
            }
            None => {
                let (what, instead) = if is_image { ("image", IMAGE_REMOVED) } else { ("link", LINK_REMOVED) };
                self.remove(what, NOT_ALLOWED);
                self.out.prose(&format!("{shown} {instead}"));
            }
        }
    }
}

enum Link<'a> {
    Whole { is_image: bool, text: &'a str, address: &'a str, used: usize },
    Begun,
    None,
}

/// Reads text that begins with `[` or `![`; nothing more of it is looked at where it `is_all`.
fn link(rest: &str, is_all: bool) -> Link<'_> {
    let is_image = rest.starts_with('!');
    let opening = if is_image { 2 } else { 1 };
    // No link goes on beyond its paragraph.
    let paragraph = rest.split_once("\n\n").map_or(rest, |(paragraph, _)| paragraph);
    let is_all = is_all || paragraph.len() < rest.len();
    let begun = if is_all { Link::None } else { Link::Begun };
    let inside = paragraph.get(opening..).unwrap_or_default();
    let text = within(inside, LONGEST_TEXT_BYTES);
    let Some(end) = closing(text) else {
        return if text.len() < inside.len() { Link::None } else { begun };
    };
    let (text, behind) = inside.split_at(end);
    let behind = behind.get(1..).unwrap_or_default();
    if behind.is_empty() {
        return begun;
    }
    match destination::read(behind) {
        Destination::Whole { address, length } => {
            let used = opening.saturating_add(end).saturating_add(1).saturating_add(length);
            Link::Whole { is_image, text, address, used }
        }
        Destination::Begun => begun,
        Destination::None => Link::None,
    }
}

/// Where the bracket that is open closes.
fn closing(inside: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut is_escaped = false;
    for (at, character) in inside.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' => depth = depth.saturating_add(1),
            ']' if depth == 0 => return Some(at),
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}
