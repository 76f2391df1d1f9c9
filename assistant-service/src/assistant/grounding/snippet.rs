//! Finds the code that a model recommends where it says that it stands.

use super::{SHORTEST_QUOTE, Shown, quote, removed, weight};
use crate::assistant::recommendation::{LONGEST_SNIPPET_BYTES, Recommendation, Recommended};
use crate::assistant::{Citation, Removed};

/// Code of a section that was shown under this id, as it stands there: whole or in part, but within one block.
pub(in super::super) fn snippet(shown: &Shown, id: &str, code: &str) -> Result<Recommended, Removed> {
    let section = shown.section(id).ok_or_else(|| not_recommended("it names no section that was shown"))?;
    if weight(code) < SHORTEST_QUOTE {
        return Err(not_recommended("its code is too short to be of use"));
    }
    if code.len() > LONGEST_SNIPPET_BYTES {
        return Err(not_recommended("its code is longer than a snippet may be"));
    }
    let found = section.code_parts().into_iter().find_map(|part| {
        let text = section.text().get(part.range.clone())?;
        let snippet = quote::verbatim(text, code)?;
        let citation = Citation::of(section, snippet, shown.score(section, snippet))?;
        let recommendation = Recommendation::of(section, &part, snippet)?;
        Some(Recommended { recommendation, citation: Some(citation) })
    });
    found.ok_or_else(|| not_recommended("its code does not stand there"))
}

fn not_recommended(why: &str) -> Removed {
    removed("recommendation", why)
}
