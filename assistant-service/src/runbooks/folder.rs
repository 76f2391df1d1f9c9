//! Reads the files of a catalogue and gathers what is wrong with any of them.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{FolderCatalogue, InvalidRunbooks, Mistake, Runbook, file};
use crate::text_files;

const LIMIT_BYTES: u64 = 256 * 1024;

pub(super) fn read(folder: &Path) -> Result<FolderCatalogue, InvalidRunbooks> {
    let mut mistakes = Vec::new();
    let mut runbooks: BTreeMap<String, (String, Arc<Runbook>)> = BTreeMap::new();
    for path in text_files::listed(folder, &["yaml", "yml"])
        .map_err(|cause| InvalidRunbooks(vec![unreadable(folder, &cause)]))?
    {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = match text_files::read(&path, LIMIT_BYTES) {
            Ok(text) => text,
            Err(cause) => {
                mistakes.push(unreadable(Path::new(&name), &cause));
                continue;
            }
        };
        match file::parse(&name, &text) {
            Ok(runbook) => {
                let key = runbook.name.clone();
                if let Some((first, _)) = runbooks.get(&key) {
                    let detail = format!("there is a runbook {key} in {first} already");
                    mistakes.push(Mistake { file: name, line: None, detail });
                } else {
                    runbooks.insert(key, (name, Arc::new(runbook)));
                }
            }
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() {
        let runbooks = runbooks.into_iter().map(|(name, (_, runbook))| (name, runbook)).collect();
        Ok(FolderCatalogue { runbooks })
    } else {
        Err(InvalidRunbooks(mistakes))
    }
}

fn unreadable(path: &Path, cause: &io::Error) -> Mistake {
    Mistake { file: path.display().to_string(), line: None, detail: format!("cannot be read: {cause}") }
}
