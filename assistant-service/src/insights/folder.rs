//! The files of a folder of watches, and all that is wrong with any of them.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use super::watch::{self, Watch};
use crate::assistant::redaction::Redactor;
use crate::config_file::LocatedMistake;
use crate::text_files;

const LIMIT_BYTES: u64 = 64 * 1024;
/// Each looks at the log by itself.
const MOST_WATCHES: usize = 100;

/// The watches of one folder.
#[derive(Clone, Debug, Default)]
pub struct Watches(Vec<Arc<Watch>>);

/// All mistakes of all files, each a line that begins with its file.
#[derive(Debug, Error)]
#[error("mistakes in the watches: {}; correct them and start again:\n{}", .0.len(), .0.join("\n"))]
pub struct InvalidWatches(pub Vec<String>);

impl Watches {
    /// Reads every `.yaml` and `.yml` file of the folder, or says all that is wrong with them.
    pub fn load(folder: &Path) -> Result<Self, InvalidWatches> {
        let mut mistakes = Vec::new();
        let mut watches: BTreeMap<String, (String, Arc<Watch>)> = BTreeMap::new();
        for path in text_files::listed(folder, &["yaml", "yml"])
            .map_err(|cause| InvalidWatches(vec![unreadable(folder, &cause)]))?
        {
            let file = path.display().to_string();
            let text = match text_files::read(&path, LIMIT_BYTES) {
                Ok(text) => text,
                Err(cause) => {
                    mistakes.push(unreadable(&path, &cause));
                    continue;
                }
            };
            match watch::read(&text) {
                Ok(watch) => {
                    if let Some((first, _)) = watches.get(&watch.name) {
                        mistakes.push(format!("{file}: there is a watch {} in {first} already", watch.name));
                    } else {
                        watches.insert(watch.name.clone(), (file, Arc::new(watch)));
                    }
                }
                Err(found) => mistakes.extend(found.into_iter().map(|found| sentence(&file, &found))),
            }
        }
        if watches.len() > MOST_WATCHES {
            mistakes.push(format!("{}: there may be {MOST_WATCHES} watches", folder.display()));
        }
        if mistakes.is_empty() {
            Ok(Self(watches.into_values().map(|(_, watch)| watch).collect()))
        } else {
            Err(InvalidWatches(mistakes))
        }
    }

    /// The same, showing nothing of an event that no model may see.
    #[must_use]
    pub(crate) fn redacting(self, redactor: &Redactor) -> Self {
        let redactor = Arc::new(redactor.clone());
        let redacting = |watch: Arc<Watch>| Watch { redactor: Arc::clone(&redactor), ..Arc::unwrap_or_clone(watch) };
        Self(self.0.into_iter().map(|watch| Arc::new(redacting(watch))).collect())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Watch>> {
        self.0.iter()
    }

    #[cfg(test)]
    pub(super) fn of(watches: impl IntoIterator<Item = Watch>) -> Self {
        Self(watches.into_iter().map(Arc::new).collect())
    }
}

fn sentence(file: &str, LocatedMistake { line, mistake }: &LocatedMistake) -> String {
    let line = line.map_or(String::new(), |line| format!(":{line}"));
    format!("{file}{line}: {mistake}")
}

fn unreadable(path: &Path, cause: &io::Error) -> String {
    format!("{}: cannot be read: {cause}", path.display())
}
