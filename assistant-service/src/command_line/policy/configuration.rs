//! Finds the gates in a file: a dynamic configuration of Traefik, or the plugin's configuration alone.

use std::io::Read;
use std::path::Path;

use anyhow::Context;

use super::located::{Located, Unreadable};

/// What a file has to say about one gate.
#[derive(Debug)]
pub(super) struct Middleware {
    /// Its name in Traefik's file; none for a configuration that stands alone.
    pub(super) name: Option<String>,
    pub(super) configuration: Located,
}

/// The text of a file, or of the standard input for `-`.
pub(super) fn text_of(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("the standard input cannot be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Every middleware of the text that uses the plugin called `plugin`, or the one configuration that the text is.
pub(super) fn middlewares(text: &str, plugin: &str) -> Result<Vec<Middleware>, Unreadable> {
    let whole = Located::read(text).map_err(|unreadable| about_templates(text, unreadable))?;
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
                others.push(format!("{name} uses {used}"));
            }
        }
    }
    if found.is_empty() {
        let others = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
        let what = format!("no middleware uses a plugin called {plugin}{others}; --plugin gives another name");
        return Err(Unreadable { line: None, what });
    }
    let mut entries = take(take(whole, "http"), "middlewares").into_entries();
    entries.retain(|(name, _)| found.contains(name));
    let entries = entries.into_iter().map(|(name, middleware)| Middleware {
        name: Some(name),
        configuration: take(take(middleware, "plugin"), plugin),
    });
    Ok(entries.collect())
}

fn take(tree: Located, key: &str) -> Located {
    let found = tree.into_entries().into_iter().find(|(name, _)| name == key);
    found.map_or_else(|| Located::from(serde_json::Value::Null), |(_, value)| value)
}

/// Traefik runs dynamic files through Go's templates first.
fn about_templates(text: &str, unreadable: Unreadable) -> Unreadable {
    if !text.contains("{{") {
        return unreadable;
    }
    Unreadable { what: format!("{}; templates ({{{{ … }}}}) are not filled in here", unreadable.what), ..unreadable }
}
