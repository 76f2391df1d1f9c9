//! YAML files that the doctor reads: as values, and the files that they name.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Keys whose values are files that nobody but their owner may read.
const SECRETS: [&str; 5] = ["keyFile", "secretFile", "handleKeyFile", "clientKey", "passwordFile"];
/// Keys whose values are certificates, one file or a list of them.
const CERTIFICATES: [&str; 6] = ["certFile", "caFile", "clientCert", "rootCAs", "caFiles", "clientCa"];

/// More than any of them has.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// A file that was read.
#[derive(Debug)]
pub(super) struct SettingsFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) value: Value,
}

impl SettingsFile {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let length = std::fs::metadata(path).map_err(|cause| cause.to_string())?.len();
        if length > MAX_FILE_BYTES {
            return Err("it is too large to be such a file".to_owned());
        }
        let text = std::fs::read_to_string(path).map_err(|cause| cause.to_string())?;
        let value = serde_saphyr::from_str(&text).map_err(|cause| format!("it is no YAML: {cause}"))?;
        Ok(Self { path: path.to_owned(), text, value })
    }

    /// Files in it that are secrets.
    pub(super) fn secrets(&self) -> Vec<PathBuf> {
        self.named_by(&SECRETS)
    }

    /// Files in it that are certificates.
    pub(super) fn certificates(&self) -> Vec<PathBuf> {
        self.named_by(&CERTIFICATES)
    }

    fn named_by(&self, keys: &[&str]) -> Vec<PathBuf> {
        let mut found = Vec::new();
        gather(&self.value, keys, &mut found);
        found.sort();
        found.dedup();
        found
    }
}

fn gather(value: &Value, keys: &[&str], found: &mut Vec<PathBuf>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(path) if keys.contains(&key.as_str()) => found.push(path.into()),
                    Value::Array(paths) if keys.contains(&key.as_str()) => {
                        found.extend(paths.iter().filter_map(Value::as_str).map(PathBuf::from));
                    }
                    deeper => gather(deeper, keys, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| gather(value, keys, found)),
        _ => {}
    }
}

/// The YAML files of a directory, by name.
pub(super) fn files_of(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|cause| cause.to_string())?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| is_yaml(path)).collect();
    files.sort();
    Ok(files)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
}

/// What stands at this place, where a `/` parts keys.
pub(super) fn at<'v>(value: &'v Value, place: &str) -> Option<&'v Value> {
    place.split('/').try_fold(value, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_wherever_they_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mutual-tls.yml");
        let text = "http: {serversTransports: {m: {rootCAs: [/a/ca.pem], certificates: [{certFile: /a/t.pem, keyFile: /a/t.key}]}}}";
        std::fs::write(&path, text).unwrap();
        let file = SettingsFile::read(&path).unwrap();
        assert_eq!(file.certificates(), [PathBuf::from("/a/ca.pem"), PathBuf::from("/a/t.pem")]);
        assert_eq!(file.secrets(), [PathBuf::from("/a/t.key")]);
    }
}
