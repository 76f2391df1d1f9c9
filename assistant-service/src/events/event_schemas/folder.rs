//! Reads the files of a folder of schemas and gathers what is wrong with any of them.

use std::ffi::OsStr;
use std::path::Path;

use jsonschema::Validator;

use super::{EventSchemas, InvalidEventSchemas, compile};
use crate::text_files;

const LIMIT_BYTES: u64 = 256 * 1024;

/// Each is kept in memory, compiled.
const LIMIT_FILES: usize = 1000;

pub(super) fn read(folder: &Path) -> Result<EventSchemas, InvalidEventSchemas> {
    let unreadable = |cause| InvalidEventSchemas(vec![format!("{} cannot be read: {cause}", folder.display())]);
    let files = text_files::listed(folder, &["json"]).map_err(unreadable)?;
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

/// The type that a file is for, and its schema.
fn schema(path: &Path) -> Result<(String, Validator), String> {
    let event_type = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let is_type = !event_type.is_empty() && event_type.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if !is_type {
        return Err("its name is not that of an event type and .json, as com.example.telemetry.reading.json".to_owned());
    }
    let text = text_files::read(path, LIMIT_BYTES).map_err(|cause| format!("it cannot be read: {cause}"))?;
    // Its place is a part of what it says: line and column.
    let schema = serde_json::from_str(&text).map_err(|error| format!("it is not JSON: {error}"))?;
    Ok((event_type.to_owned(), compile(&schema)?))
}
