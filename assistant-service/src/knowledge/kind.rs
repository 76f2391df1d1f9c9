//! What kind of text a file holds, by its name.

use std::path::Path;

/// How a file is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Markdown,
    /// Prose without marks.
    Plain,
    Code(Language),
}

/// A family of languages whose items are found in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    /// TypeScript and JavaScript.
    Script,
    Go,
    Python,
    Sql,
    Yaml,
    /// Whatever is cut at blank lines.
    Other,
}

impl Kind {
    /// The kind of a file; nothing for files that are no documents.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_lowercase();
        if name == "dockerfile" {
            return Some(Self::Code(Language::Other));
        }
        Some(match name.rsplit_once('.')?.1 {
            "md" | "markdown" => Self::Markdown,
            "txt" => Self::Plain,
            "rs" => Self::Code(Language::Rust),
            "ts" | "js" => Self::Code(Language::Script),
            "go" => Self::Code(Language::Go),
            "py" => Self::Code(Language::Python),
            "sql" => Self::Code(Language::Sql),
            "yaml" | "yml" => Self::Code(Language::Yaml),
            "sh" | "toml" | "json" | "dockerfile" => Self::Code(Language::Other),
            _ => return None,
        })
    }
}
