//! Where the command line has its configurations from.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use policy::configuration::{FoundMistake, NoGate};

/// The text of a file, or of the standard input for `-`.
pub(super) fn text_of(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("the standard input cannot be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Why there is no gate in a text, with what the caller may do about it.
pub(super) fn said(none: &NoGate) -> FoundMistake {
    let mut mistake = none.as_mistake();
    match none {
        NoGate::Unreadable(_) => {}
        NoGate::NoneUses { .. } => mistake.what.push_str("; --plugin gives another name"),
    }
    mistake
}
