//! Reads the files of a catalogue and gathers what is wrong with any of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{FolderCatalogue, InvalidRunbooks, Mistake, Rights, Runbook, file, rights};
use crate::text_files;

/// The file of the folder that is no runbook.
pub(super) const RIGHTS: &str = "rights.yaml";
pub(super) const EXTENSIONS: [&str; 2] = ["yaml", "yml"];

const LIMIT_BYTES: u64 = 256 * 1024;
const MOST_FILES: usize = 1000;

pub(super) fn read(folder: &Path) -> Result<FolderCatalogue, InvalidRunbooks> {
    let mut mistakes = Vec::new();
    let mut runbooks: BTreeMap<String, (String, Arc<Runbook>)> = BTreeMap::new();
    let mut written_rights = None;
    let paths = text_files::listed(folder, &EXTENSIONS).map_err(|cause| whole(folder, &unreadable(&cause)))?;
    if paths.len() > MOST_FILES {
        return Err(whole(folder, &format!("there may be {MOST_FILES} files")));
    }
    for path in paths {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = match text_files::read(&path, LIMIT_BYTES) {
            Ok(text) => text,
            Err(cause) => {
                mistakes.push(Mistake { file: name, line: None, detail: unreadable(&cause) });
                continue;
            }
        };
        if name == RIGHTS {
            written_rights = Some(text);
            continue;
        }
        if name == "rights.yml" {
            mistakes.push(Mistake { file: name, line: None, detail: format!("call it {RIGHTS}") });
            continue;
        }
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
    let known: BTreeSet<String> = runbooks.keys().cloned().collect();
    let all_are_known = mistakes.is_empty().then_some(&known);
    let rights: Option<Rights> = written_rights.and_then(|text| {
        let read = rights::read(RIGHTS, &text, all_are_known);
        read.map_err(|found| mistakes.extend(found)).ok()
    });
    if mistakes.is_empty() {
        let runbooks = runbooks.into_iter().map(|(name, (_, runbook))| (name, runbook)).collect();
        Ok(FolderCatalogue { runbooks, rights })
    } else {
        Err(InvalidRunbooks(mistakes))
    }
}

fn whole(folder: &Path, detail: &str) -> InvalidRunbooks {
    InvalidRunbooks(vec![Mistake { file: folder.display().to_string(), line: None, detail: detail.to_owned() }])
}

fn unreadable(cause: &io::Error) -> String {
    format!("cannot be read: {cause}")
}
