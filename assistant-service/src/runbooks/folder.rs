//! Reads the files of a catalogue and gathers what is wrong with any of them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{FolderCatalogue, InvalidRunbooks, Mistake, Runbook, file};

const LIMIT_BYTES: u64 = 256 * 1024;

pub(super) fn read(folder: &Path) -> Result<FolderCatalogue, InvalidRunbooks> {
    let mut mistakes = Vec::new();
    let mut runbooks: BTreeMap<String, (String, Arc<Runbook>)> = BTreeMap::new();
    for path in yaml_files(folder).map_err(|cause| InvalidRunbooks(vec![unreadable(folder, &cause)]))? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = match read_text(&path) {
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

fn yaml_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        if matches!(extension, "yaml" | "yml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LIMIT_BYTES.saturating_add(1)).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= LIMIT_BYTES) {
        Ok(text)
    } else {
        Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 256 KiB"))
    }
}

fn unreadable(path: &Path, cause: &io::Error) -> Mistake {
    Mistake { file: path.display().to_string(), line: None, detail: format!("cannot be read: {cause}") }
}
