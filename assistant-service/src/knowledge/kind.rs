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

/// What the language of a file of source code is called where code is shown; nothing for what is no code.
pub(crate) fn language_name(file: &str) -> Option<&'static str> {
    let name = file.rsplit('/').next()?.to_lowercase();
    let extension = if name == "dockerfile" { "dockerfile" } else { name.rsplit_once('.')?.1 };
    Some(match extension {
        "rs" => "rust",
        "ts" => "typescript",
        "js" => "javascript",
        "go" => "go",
        "py" => "python",
        "sql" => "sql",
        "yaml" | "yml" => "yaml",
        "sh" => "sh",
        "toml" => "toml",
        "json" => "json",
        "dockerfile" => "dockerfile",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_code_has_a_name_and_nothing_else_has_one() {
        for file in [
            "a.rs",
            "b/a.ts",
            "a.js",
            "a.go",
            "a.py",
            "a.sql",
            "a.yaml",
            "a.yml",
            "a.sh",
            "a.toml",
            "a.json",
            "Dockerfile",
            "b/x.Dockerfile",
            "a.md",
            "a.markdown",
            "a.txt",
            "a.exe",
            "rs",
            "a.rs/b",
        ] {
            let is_code = matches!(Kind::of(Path::new(file)), Some(Kind::Code(_)));
            assert_eq!(language_name(file).is_some(), is_code, "{file}");
        }
    }
}
