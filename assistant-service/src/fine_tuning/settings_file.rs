//! Puts a tuned model into the settings: one value of one line, while every other letter of the file stays.
//!
//! The line is found by the file's own reader, and the changed text is read again: unless it says what it said before but for
//! that one value, nothing is changed.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use policy::located::Located;
use serde_json::Value;
use thiserror::Error;

use super::wire::{Job, Standing};

const LONGEST_MODEL: usize = 256;

/// Why a tuned model is not used.
#[derive(Debug, Error)]
pub(crate) enum CannotAdopt {
    #[error("the job is {0}; only one that succeeded has made a model")]
    NotSucceeded(String),
    #[error("the job names no model that it made")]
    NoModel,
    #[error("{0} cannot be read or written ({1})")]
    System(PathBuf, std::io::Error),
    #[error("{0} is no YAML")]
    NotYaml(PathBuf),
    #[error("{file} has no model {name:?} with a `model:` of its own")]
    NotThere { file: PathBuf, name: String },
    #[error(
        "`model:` in line {line} of {file} is written in a way that only a person should change; put the lines above there"
    )]
    NotPlain { file: PathBuf, line: u64 },
}

/// The model that a job made.
pub(crate) fn made_by(job: &Job) -> Result<&str, CannotAdopt> {
    if job.standing() != Standing::Succeeded {
        return Err(CannotAdopt::NotSucceeded(job.status.clone().unwrap_or_else(|| "of no status".to_owned())));
    }
    // It becomes text between quotes in a file.
    let is_name = |name: &&str| {
        (1..=LONGEST_MODEL).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
    };
    job.fine_tuned_model.as_deref().filter(is_name).ok_or(CannotAdopt::NoModel)
}

/// What the settings say then.
pub(crate) fn snippet(name: &str, made: &str) -> String {
    format!("models:\n  - name: {name}\n    model: \"{made}\"\n")
}

/// Changes the model's value in the file, in one step.
pub(crate) fn adopt(file: &Path, name: &str, made: &str) -> Result<(), CannotAdopt> {
    let failed = |error: std::io::Error| CannotAdopt::System(file.to_owned(), error);
    // A link stays one.
    let real = fs::canonicalize(file).map_err(failed)?;
    let text = fs::read_to_string(&real).map_err(failed)?;
    let changed = with_model(&text, file, name, made)?;
    let folder = real.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    new.write_all(changed.as_bytes()).map_err(failed)?;
    new.as_file().set_permissions(fs::metadata(&real).map_err(failed)?.permissions()).map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    new.persist(&real).map_err(|error| failed(error.error))?;
    Ok(())
}

fn with_model(text: &str, file: &Path, name: &str, made: &str) -> Result<String, CannotAdopt> {
    let read = |text: &str| Located::read(text).map_err(|_| CannotAdopt::NotYaml(file.to_owned()));
    let before = read(text)?;
    let not_there = || CannotAdopt::NotThere { file: file.to_owned(), name: name.to_owned() };
    let mut meant = before.to_value();
    let models = meant.get_mut("models").and_then(Value::as_array_mut).ok_or_else(not_there)?;
    let is_named = |model: &Value| model.get("name").and_then(Value::as_str) == Some(name);
    let at = models.iter().position(is_named).ok_or_else(not_there)?;
    let value = models.get_mut(at).and_then(|model| model.get_mut("model")).ok_or_else(not_there)?;
    *value = Value::from(made);
    let line = before.line_of(&format!("models[{at}].model")).ok_or_else(not_there)?;
    let not_plain = || CannotAdopt::NotPlain { file: file.to_owned(), line };
    let changed = with_line(text, line, made).ok_or_else(not_plain)?;
    let is_meant = read(&changed).is_ok_and(|changed| changed.to_value() == meant);
    if is_meant { Ok(changed) } else { Err(not_plain()) }
}

fn with_line(text: &str, number: u64, made: &str) -> Option<String> {
    let mut changed = String::with_capacity(text.len().saturating_add(made.len()));
    for (at, line) in (1_u64..).zip(text.split_inclusive('\n')) {
        if at == number {
            let (before, value) = line.split_once("model:")?;
            let space = value.get(..value.len().saturating_sub(value.trim_start_matches(' ').len()))?;
            let space = if space.is_empty() { " " } else { space };
            changed.extend([before, "model:", space, "\"", made, "\"", after_value(value.trim_start_matches(' '))?]);
        } else {
            changed.push_str(line);
        }
    }
    Some(changed)
}

/// What stands behind a value: space, a comment, the line's end.
fn after_value(value: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.split_once(quote).map(|(_, after)| after);
        }
    }
    let end = value.find(" #").unwrap_or(value.trim_end().len());
    value.get(value.get(..end)?.trim_end().len()..)
}
