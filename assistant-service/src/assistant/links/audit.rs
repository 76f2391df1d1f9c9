//! A second look at a whole text by a real parser of Markdown: what [`words`](super::super::words) lets through, it must let
//! through as well. Two readers that share no code do not make the same mistake easily.

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::AllowedHosts;

/// Whether every link and every image of a Markdown text leads to an allowed host, and none of it is HTML.
pub(in super::super) fn is_clean(text: &str, hosts: &AllowedHosts) -> bool {
    Parser::new_ext(text, options()).all(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => hosts.admit(&dest_url).is_some(),
        Event::Start(Tag::HtmlBlock) | Event::Html(_) | Event::InlineHtml(_) => false,
        _ => true,
    })
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM
}
