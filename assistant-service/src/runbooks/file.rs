//! One runbook file: YAML in, a [`Runbook`] or every mistake in it out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};

use super::{Approval, Concurrency, Mistake, Retry, Risk, Runbook, RunbookTarget, schema};

const FIELDS: [&str; 16] = [
    "name",
    "title",
    "description",
    "parameters",
    "target",
    "risk",
    "approval",
    "timeout_seconds",
    "dry_run",
    "idempotent",
    "retry",
    "concurrency",
    "steps",
    "verify",
    "rollback",
    "suggest_when",
];
const LONGEST_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;
const LONGEST_NAME_BYTES: usize = 64;

/// Reads a runbook. Every field is looked at even after a mistake, so that one attempt shows them all.
pub(super) fn parse(file: &str, text: &str) -> Result<Runbook, Vec<Mistake>> {
    let mut reader = match serde_saphyr::from_str(text) {
        Ok(fields) => Reader { file, fields, mistakes: Vec::new() },
        Err(error) => {
            let line = error.location().map(|location| location.line());
            let detail = error.without_snippet().to_string();
            return Err(vec![Mistake { file: file.to_owned(), line, detail }]);
        }
    };
    let name = reader.take("name", name);
    let title = reader.take("title", not_empty);
    let description = reader.take("description", not_empty);
    let parameters = reader.take("parameters", |value| Ok((schema::compile(&value)?, value)));
    let target = reader.take("target", |value| {
        Ok(match shape(value)? {
            RunbookTarget::Service { service } => RunbookTarget::Service { service: name_of(service)? },
            selector @ RunbookTarget::Selector { .. } => selector,
        })
    });
    let risk = reader.take("risk", shape::<Risk>);
    let approval = reader.take("approval", |value| approval(shape(value)?, risk));
    let timeout_seconds = reader.take("timeout_seconds", timeout_seconds);
    let dry_run = reader.take_or("dry_run", false, shape);
    let idempotent = reader.take_or("idempotent", false, shape);
    let retry = reader.take_or("retry", Retry::NEVER, shape);
    let concurrency = reader.take_or("concurrency", Concurrency::default(), shape);
    let steps = reader.take_or("steps", Vec::new(), shape);
    let verify = reader.take_or("verify", Vec::new(), shape);
    let rollback = reader.take_or("rollback", Vec::new(), shape);
    let suggest_when = reader.take_or("suggest_when", None, shape);
    reader.refuse_unknown();
    let mistakes = reader.mistakes;

    let whole = (|| {
        let (validator, parameters) = parameters?;
        let mut runbook = Runbook {
            name: name?,
            title: title?,
            description: description?,
            parameters,
            target: target?,
            risk: risk?,
            approval: approval?,
            timeout_seconds: timeout_seconds?,
            dry_run: dry_run?,
            idempotent: idempotent?,
            retry: retry?,
            concurrency: concurrency?,
            steps: steps?,
            verify: verify?,
            rollback: rollback?,
            suggest_when: suggest_when?,
            digest: String::new(),
            validator,
        };
        runbook.digest = digest(&runbook);
        Some(runbook)
    })();
    whole.filter(|_| mistakes.is_empty()).ok_or(mistakes)
}

struct Reader<'a> {
    file: &'a str,
    fields: BTreeMap<String, Spanned<Value>>,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn take<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T, String>) -> Option<T> {
        let Some(field) = self.fields.remove(name) else {
            self.mistake(None, format!("{name} is missing"));
            return None;
        };
        match read(field.value) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.mistake(Some(field.defined.line()), format!("{name}: {detail}"));
                None
            }
        }
    }

    /// A field that may be left out.
    fn take_or<T>(&mut self, name: &str, left_out: T, read: impl FnOnce(Value) -> Result<T, String>) -> Option<T> {
        if self.fields.contains_key(name) { self.take(name, read) } else { Some(left_out) }
    }

    fn refuse_unknown(&mut self) {
        for (name, field) in std::mem::take(&mut self.fields) {
            let detail = format!("{name} is not a field of a runbook; there are {}", FIELDS.join(", "));
            self.mistake(Some(field.defined.line()), detail);
        }
    }

    fn mistake(&mut self, line: Option<u64>, detail: String) {
        self.mistakes.push(Mistake { file: self.file.to_owned(), line, detail });
    }
}

fn shape<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn not_empty(value: Value) -> Result<String, String> {
    let text: String = shape(value)?;
    if text.trim().is_empty() { Err("it must say something".to_owned()) } else { Ok(text) }
}

fn name(value: Value) -> Result<String, String> {
    name_of(shape(value)?)
}

fn name_of(name: String) -> Result<String, String> {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if name.len() <= LONGEST_NAME_BYTES && name.split('-').all(is_word) {
        Ok(name)
    } else {
        Err(format!("{name:?} is no name: use lower-case words joined by hyphens, {LONGEST_NAME_BYTES} bytes at most"))
    }
}

fn approval(approval: Approval, risk: Option<Risk>) -> Result<Approval, String> {
    if approval.not_requester && !approval.needed {
        return Err("not_requester says nothing while needed is false".to_owned());
    }
    if risk == Some(Risk::Destructive) && !approval.needed {
        return Err("a destructive runbook needs approval".to_owned());
    }
    Ok(approval)
}

fn timeout_seconds(value: Value) -> Result<u64, String> {
    let seconds: u64 = shape(value)?;
    if (1..=LONGEST_TIMEOUT_SECONDS).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(format!("it must lie between 1 and {LONGEST_TIMEOUT_SECONDS}"))
    }
}

/// The digest of everything but the digest itself. `Value` orders its members by name, so that the same runbook has the
/// same digest however its file is written.
fn digest(runbook: &Runbook) -> String {
    let mut canonical = to_sorted(runbook);
    if let Value::Object(members) = &mut canonical {
        members.remove("digest");
    }
    let digest = Sha256::digest(canonical.to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn to_sorted(value: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    value.sort_all_objects();
    value
}
