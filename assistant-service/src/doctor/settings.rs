//! YAML files that the doctor reads: as values, and the files that they name.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::finding::Notes;

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
        // The lines around a mistake, which would be told with it, may be secrets.
        let value =
            serde_saphyr::from_str(&text).map_err(|cause| format!("it is no YAML: {}", cause.without_snippet()))?;
        Ok(Self { path: path.to_owned(), text, value })
    }

    /// Files in it that are secrets.
    pub(super) fn secrets(&self) -> Vec<PathBuf> {
        // Traefik takes a key itself in place of its file's name: whatever holds one is the secret.
        self.named_by(&SECRETS, |value| Some(if is_content(value) { self.path.clone() } else { PathBuf::from(value) }))
    }

    /// Files in it that are certificates.
    pub(super) fn certificates(&self) -> Vec<PathBuf> {
        self.named_by(&CERTIFICATES, |value| (!is_content(value)).then(|| PathBuf::from(value)))
    }

    fn named_by(&self, keys: &[&str], file_of: impl Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
        let mut values = Vec::new();
        gather(&self.value, keys, &mut values);
        let mut found: Vec<_> = values.into_iter().filter_map(file_of).collect();
        found.sort();
        found.dedup();
        found
    }
}

/// Whether this is what stands in a file, and not its name.
fn is_content(value: &str) -> bool {
    value.contains('\n') || value.contains("-----BEGIN ")
}

fn gather<'v>(value: &'v Value, keys: &[&str], found: &mut Vec<&'v str>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if keys.contains(&key.as_str()) => found.push(text),
                    Value::Array(texts) if keys.contains(&key.as_str()) => {
                        found.extend(texts.iter().filter_map(Value::as_str));
                    }
                    deeper => gather(deeper, keys, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| gather(value, keys, found)),
        _ => {}
    }
}

/// Those of these files that are there. Where nobody may look, all that a file names would be passed over with it, so that is said.
pub(super) fn those_there(notes: &mut Notes<'_>, usual: &[&str]) -> Vec<PathBuf> {
    let mut there = Vec::new();
    for path in usual.iter().map(PathBuf::from) {
        match path.try_exists() {
            Ok(true) => there.push(path),
            Ok(false) => {}
            Err(cause) => {
                notes.unknown(path.display(), cause, "run the doctor as root, or as a user who may look there");
            }
        }
    }
    there
}

/// What Traefik reads of a directory and of all below it.
#[derive(Debug, Default)]
pub(super) struct DynamicFiles {
    /// The files in YAML, by name.
    pub(super) yaml: Vec<PathBuf>,
    /// What is not looked at here, and why.
    pub(super) passed_over: Vec<(PathBuf, String)>,
}

/// The files that Traefik reads of this directory; a link to a folder is none of them.
pub(super) fn files_of(folder: &Path) -> Result<DynamicFiles, String> {
    let mut found = DynamicFiles::default();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        let entries = match std::fs::read_dir(&inner) {
            Ok(entries) => entries,
            Err(cause) if inner == folder => return Err(cause.to_string()),
            Err(cause) => {
                found.passed_over.push((inner, cause.to_string()));
                continue;
            }
        };
        for entry in entries {
            let (path, is_folder) = match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?.is_dir()))) {
                Ok(seen) => seen,
                Err(cause) => {
                    found.passed_over.push((inner.clone(), cause.to_string()));
                    continue;
                }
            };
            match extension(&path).as_deref() {
                _ if is_folder => folders.push(path),
                Some("yml" | "yaml") => found.yaml.push(path),
                Some("toml") => found.passed_over.push((path, "it is TOML, and only YAML is read here".to_owned())),
                _ => {}
            }
        }
    }
    found.yaml.sort();
    found.passed_over.sort();
    Ok(found)
}

/// Whatever stands behind the last dot of the name, in small letters: so Traefik tells kinds of files.
fn extension(path: &Path) -> Option<String> {
    let (_, extension) = path.file_name()?.to_str()?.rsplit_once('.')?;
    Some(extension.to_ascii_lowercase())
}

/// What stands at this place, where a `/` parts keys.
pub(super) fn at<'v>(value: &'v Value, place: &str) -> Option<&'v Value> {
    place.split('/').try_fold(value, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Report, Verdict};
    use super::*;

    #[test]
    fn a_file_that_is_no_yaml_is_told_without_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exchange.yml");
        for text in ["password: hunter2\nproviders: [\n", "password: hunter2\npassword: hunter2\n", "a: 'hunter2\n"] {
            std::fs::write(&path, text).unwrap();
            let why = SettingsFile::read(&path).unwrap_err();
            assert!(why.starts_with("it is no YAML") && !why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn a_key_in_the_place_of_its_files_name_makes_that_file_the_secret_and_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.yml");
        let pem = |what: &str| format!("-----BEGIN {what}-----\nAAAA\n-----END {what}-----\n");
        let (certificate, key) = (pem("CERTIFICATE"), pem("PRIVATE KEY"));
        let whole = serde_json::json!({"tls": {"certificates": [{"certFile": certificate, "keyFile": key}]}});
        std::fs::write(&path, whole.to_string()).unwrap();
        let file = SettingsFile::read(&path).unwrap();
        assert_eq!((file.secrets(), file.certificates()), (vec![path], Vec::new()));
    }

    #[test]
    fn what_traefik_reads_is_read_or_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("more/below")).unwrap();
        for name in ["b.yml", "a.YAML", "c.toml", "notes.md", "more/below/d.yml", "more/e.Toml"] {
            std::fs::write(at(name), "").unwrap();
        }
        let found = files_of(folder.path()).unwrap();
        assert_eq!(found.yaml, [at("a.YAML"), at("b.yml"), at("more/below/d.yml")]);
        let passed_over: Vec<_> = found.passed_over.into_iter().map(|(path, _)| path).collect();
        assert_eq!(passed_over, [at("c.toml"), at("more/e.Toml")]);
        assert!(files_of(&at("nowhere")).is_err());
    }

    #[test]
    fn a_place_where_nobody_may_look_is_not_one_where_nothing_is() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("keeper.yml");
        std::fs::write(&there, "").unwrap();
        // Not even root looks for a file below a file.
        let usual = [there.clone(), folder.path().join("exchange.yml"), there.join("sessions.yml")];
        let usual: Vec<_> = usual.iter().map(|path| path.to_str().unwrap()).collect();
        let mut report = Report::default();
        assert_eq!(those_there(&mut report.of("settings"), &usual), std::slice::from_ref(&there));
        let found: Vec<_> = report.findings.iter().map(|one| (one.verdict, one.looked_at.as_str())).collect();
        assert_eq!((found, report.left_out), (vec![(Verdict::Unknown, usual[2])], true));
    }

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
