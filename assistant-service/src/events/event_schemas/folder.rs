//! Reads the files of a folder of schemas and gathers what is wrong with any of them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jsonschema::Validator;

use super::{EventSchemas, InvalidEventSchemas, compile};

const LIMIT_BYTES: u64 = 256 * 1024;

/// Each is kept in memory, compiled.
const LIMIT_FILES: usize = 1000;

pub(super) fn read(folder: &Path) -> Result<EventSchemas, InvalidEventSchemas> {
    let unreadable = |cause| InvalidEventSchemas(vec![format!("{} cannot be read: {cause}", folder.display())]);
    let files = json_files(folder).map_err(unreadable)?;
    if files.len() > LIMIT_FILES {
        let what = format!("{} holds {} schemas; at most {LIMIT_FILES} are read", folder.display(), files.len());
        return Err(InvalidEventSchemas(vec![what]));
    }
    let mut mistakes = Vec::new();
    let mut schemas = EventSchemas::default();
    for path in files {
        match schema(&path) {
            Ok((event_type, validator)) => {
                schemas.by_type.insert(event_type, validator);
            }
            Err(what) => mistakes.push(format!("{}: {what}", path.display())),
        }
    }
    if mistakes.is_empty() { Ok(schemas) } else { Err(InvalidEventSchemas(mistakes)) }
}

/// Sorted, so that mistakes come in the same order each time.
fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("json")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The type that a file is for, and its schema.
fn schema(path: &Path) -> Result<(String, Validator), String> {
    let event_type = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let is_type = !event_type.is_empty() && event_type.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if !is_type {
        return Err("its name is not that of an event type and .json, as com.example.telemetry.reading.json".to_owned());
    }
    let text = read_text(path).map_err(|cause| format!("it cannot be read: {cause}"))?;
    // Its place is a part of what it says: line and column.
    let schema = serde_json::from_str(&text).map_err(|error| format!("it is not JSON: {error}"))?;
    Ok((event_type.to_owned(), compile(&schema)?))
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
