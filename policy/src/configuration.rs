//! Finds the gates in a text: a dynamic configuration of Traefik, or the plugin's configuration alone.

use serde::Serialize;
use thiserror::Error;
use trust_core::gate::Gate;

use crate::located::{Located, Unreadable};

/// What a text has to say about one gate.
#[derive(Debug)]
pub struct Middleware {
    /// Its name in Traefik's file; none for a configuration that stands alone.
    pub name: Option<String>,
    /// What stands under the plugin's name.
    pub configuration: Located,
}

/// A mistake, and where an editor shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundMistake {
    /// Its line, where the text has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Such as `rules[2].match`, from the plugin's configuration on; empty for the whole.
    pub place: String,
    /// One sentence.
    pub what: String,
}

/// Why no gate is found in a text.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum NoGate {
    /// It is no tree.
    #[error("{}", .0.what)]
    Unreadable(Unreadable),
    /// No middleware uses the plugin.
    #[error("no middleware uses a plugin called {plugin}{}", in_brackets(others))]
    NoneUses {
        /// The plugin's name that was looked for.
        plugin: String,
        /// The plugins that are used.
        others: Vec<Use>,
    },
}

/// A plugin that a middleware uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The middleware's name.
    pub middleware: String,
    /// The plugin's name.
    pub plugin: String,
}

/// Why none of the gates of a text is the one that is meant.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum NotChosen {
    /// None has the name.
    #[error("no middleware is called {name}; there are {names}")]
    NoSuch {
        /// The name that was asked for.
        name: String,
        /// Those that are there.
        names: String,
    },
    /// No name was given, and there are several.
    #[error("several middlewares use the plugin: {names}")]
    Several {
        /// Those that are there.
        names: String,
    },
}

impl Middleware {
    /// The gate of this configuration, with no key yet, or every mistake in it.
    pub fn gate(&self) -> Result<Gate, Vec<FoundMistake>> {
        Gate::from_config(self.configuration.to_value().to_string().as_bytes()).map_err(|mistakes| {
            let found = mistakes.into_iter().map(|mistake| FoundMistake {
                line: self.configuration.line_of(&mistake.place),
                place: mistake.place,
                what: mistake.what,
            });
            found.collect()
        })
    }
}

impl NoGate {
    /// The same as a mistake of the whole text.
    #[must_use]
    pub fn as_mistake(&self) -> FoundMistake {
        let line = if let Self::Unreadable(unreadable) = self { unreadable.line } else { None };
        FoundMistake { line, place: String::new(), what: self.to_string() }
    }

    /// The name of the plugin that is used in the place of the one that was looked for, where all middlewares use the same one.
    #[must_use]
    pub fn only_other_plugin(&self) -> Option<&str> {
        let Self::NoneUses { others, .. } = self else { return None };
        let first = others.first()?;
        others.iter().all(|other| other.plugin == first.plugin).then_some(first.plugin.as_str())
    }
}

/// Every middleware of the text that uses the plugin called `plugin`, or the one configuration that the text is.
pub fn middlewares(text: &str, plugin: &str) -> Result<Vec<Middleware>, NoGate> {
    let whole = Located::read(text).map_err(|unreadable| NoGate::Unreadable(about_templates(text, unreadable)))?;
    let Some(http) = whole.get("http") else {
        return Ok(vec![Middleware { name: None, configuration: whole }]);
    };
    let mut found = Vec::new();
    let mut others = Vec::new();
    for (name, middleware) in http.get("middlewares").into_iter().flat_map(Located::entries) {
        for (used, _) in middleware.get("plugin").into_iter().flat_map(Located::entries) {
            if used == plugin {
                found.push(name.to_owned());
            } else {
                others.push(Use { middleware: name.to_owned(), plugin: used.to_owned() });
            }
        }
    }
    if found.is_empty() {
        return Err(NoGate::NoneUses { plugin: plugin.to_owned(), others });
    }
    let mut entries = take(take(whole, "http"), "middlewares").into_entries();
    entries.retain(|(name, _)| found.contains(name));
    let entries = entries.into_iter().map(|(name, middleware)| Middleware {
        name: Some(name),
        configuration: take(take(middleware, "plugin"), plugin),
    });
    Ok(entries.collect())
}

/// The one of this name, or the only one.
pub fn chosen(mut found: Vec<Middleware>, name: Option<&str>) -> Result<Middleware, NotChosen> {
    let names = found.iter().filter_map(|middleware| middleware.name.clone()).collect::<Vec<_>>().join(", ");
    if let Some(name) = name {
        let named = found.into_iter().find(|middleware| middleware.name.as_deref() == Some(name));
        return named.ok_or_else(|| NotChosen::NoSuch { name: name.to_owned(), names });
    }
    match found.pop() {
        Some(only) if found.is_empty() => Ok(only),
        _ => Err(NotChosen::Several { names }),
    }
}

fn take(tree: Located, key: &str) -> Located {
    let found = tree.into_entries().into_iter().find(|(name, _)| name == key);
    found.map_or_else(|| Located::from(serde_json::Value::Null), |(_, value)| value)
}

fn in_brackets(uses: &[Use]) -> String {
    let uses: Vec<_> = uses.iter().map(|Use { middleware, plugin }| format!("{middleware} uses {plugin}")).collect();
    if uses.is_empty() { String::new() } else { format!(" ({})", uses.join(", ")) }
}

/// What is said of a text with templates.
pub const TEMPLATES_NOT_FILLED: &str = "templates ({{ … }}) are not filled in here";

/// Whether Traefik would have something to fill in: it runs dynamic files through Go's templates first.
#[must_use]
pub fn has_templates(text: &str) -> bool {
    text.contains("{{")
}

fn about_templates(text: &str, unreadable: Unreadable) -> Unreadable {
    if !has_templates(text) {
        return unreadable;
    }
    Unreadable { what: format!("{}; {TEMPLATES_NOT_FILLED}", unreadable.what), ..unreadable }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "http:\n  middlewares:\n    one: {plugin: {watchgate: {rules: []}}}\n    two: {plugin: {watchgate: {rules: []}}}\n    three: {plugin: {other: {}}}\n";

    #[test]
    fn of_several_gates_one_must_be_named() {
        let found = || middlewares(TWO, "watchgate").unwrap();
        let names = "one, two".to_owned();
        assert_eq!(chosen(found(), None).unwrap_err(), NotChosen::Several { names: names.clone() });
        assert_eq!(chosen(found(), Some("two")).unwrap().name.as_deref(), Some("two"));
        assert_eq!(chosen(found(), Some("six")).unwrap_err(), NotChosen::NoSuch { name: "six".to_owned(), names });
        let other = middlewares(TWO, "gate").unwrap_err();
        assert!(other.to_string().ends_with("(one uses watchgate, two uses watchgate, three uses other)"), "{other}");
        assert_eq!(other.only_other_plugin(), None);
        let another = middlewares(&TWO.replace("other", "watchgate"), "gate").unwrap_err();
        assert_eq!(another.only_other_plugin(), Some("watchgate"));
        let none = middlewares("http: {}", "gate").unwrap_err();
        assert_eq!(
            (none.to_string().as_str(), none.only_other_plugin()),
            ("no middleware uses a plugin called gate", None)
        );
    }

    #[test]
    fn a_mistake_has_the_line_of_the_whole_file() {
        let text = "http:\n  middlewares:\n    gate:\n      plugin:\n        watchgate:\n          rules:\n            - name: all\n              match: Pathh(`/`)\n              public: true\n";
        let found = chosen(middlewares(text, "watchgate").unwrap(), None).unwrap();
        let Err(mistakes) = found.gate() else { panic!("a rule without a matcher was taken") };
        assert_eq!(
            mistakes.iter().map(|found| (found.line, found.place.as_str())).collect::<Vec<_>>(),
            [(Some(8), "rules[0].match")]
        );
    }
}
