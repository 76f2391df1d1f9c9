//! The folder of an export: it is there whole, or as it was before.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use thiserror::Error;

use super::Pair;
use super::report::Report;
use super::rules::{self, FEWEST_EXAMPLES, InvalidExamples};
use super::split::Split;

/// The files of an export, and all of them.
pub(crate) const TRAIN: &str = "train.jsonl";
pub(crate) const VALIDATION: &str = "validation.jsonl";
pub(crate) const REPORT: &str = "report.json";
const OURS: [&str; 3] = [TRAIN, VALIDATION, REPORT];

/// Why there is no export.
#[derive(Debug, Error)]
pub(crate) enum CannotWrite {
    #[error("what would be trained on is of no use: {0}; add documents or ratings, or look at what was left out")]
    Useless(InvalidExamples),
    #[error("{0} holds something else than an export; name a folder of its own")]
    NotOurs(PathBuf),
    #[error("cannot write {0} ({1})")]
    System(PathBuf, io::Error),
}

/// Writes both sides and the report, in the place of an earlier export.
pub(crate) fn write(folder: &Path, split: &Split, report: &Report, system: &str) -> Result<(), CannotWrite> {
    let failed = |error: io::Error| CannotWrite::System(folder.to_owned(), error);
    let (train, validation) = (lines(&split.train, system), lines(&split.validation, system));
    rules::count(&train, FEWEST_EXAMPLES).map_err(CannotWrite::Useless)?;
    rules::count(&validation, 0).map_err(CannotWrite::Useless)?;
    let is_there = refuse_foreign(folder)?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed)?;
    let only_ours = Permissions::from_mode(0o700);
    let new =
        tempfile::Builder::new().prefix(".fine-tune-").permissions(only_ours).tempdir_in(parent).map_err(failed)?;
    let mut files =
        vec![(TRAIN, train), (REPORT, serde_json::to_vec_pretty(report).map_err(|error| failed(error.into()))?)];
    if !validation.is_empty() {
        files.push((VALIDATION, validation));
    }
    for (name, bytes) in files {
        let mut file = File::create(new.path().join(name)).map_err(failed)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    }
    if is_there {
        // What was there is what the temporary folder is now, and goes with it.
        renameat_with(CWD, new.path(), CWD, folder, RenameFlags::EXCHANGE).map_err(|error| failed(error.into()))
    } else {
        fs::rename(new.keep(), folder).map_err(failed)
    }
}

fn lines(pairs: &[Pair], system: &str) -> Vec<u8> {
    pairs.iter().flat_map(|pair| [pair.line(system), "\n".to_owned()]).collect::<String>().into_bytes()
}

/// Whether the folder is there; nothing of somebody else's is thrown away.
fn refuse_foreign(folder: &Path) -> Result<bool, CannotWrite> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(CannotWrite::System(folder.to_owned(), error)),
    };
    for entry in entries {
        let name = entry.map_err(|error| CannotWrite::System(folder.to_owned(), error))?.file_name();
        if !OURS.iter().any(|ours| name == **ours) {
            return Err(CannotWrite::NotOurs(folder.to_owned()));
        }
    }
    Ok(true)
}
