//! The gates' own keys, and whether services know them.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use trust_core::gate_key::GateKeys;
use trust_core::transaction_token::TransactionKeys;
use zeroize::Zeroizing;

use super::finding::Notes;

const OLD: Duration = Duration::from_hours(24 * 180);

/// Looks at `gate.key`, and at the key files of services that check what is signed with it.
pub(super) fn look(notes: &mut Notes<'_>, trust: &Path, transaction_keys: &[std::path::PathBuf], now: SystemTime) {
    let path = trust.join("gate.key");
    let here = path.display().to_string();
    let make = format!("`watchgate keys gate --trust {}`", trust.display());
    let read = std::fs::read(&path).map(Zeroizing::new);
    let keys = match read {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && trust.is_dir() => {
            let found =
                "it is not there: gates sign no transaction token, and each instance remembers 16 tokens and no more";
            return notes.warn(&here, found, format!("make it with {make}"));
        }
        Err(cause) => {
            return notes.unknown(
                &here,
                cause,
                format!("make it with {make}, or run the doctor as a user who may read it"),
            );
        }
        Ok(bytes) => match GateKeys::from_json(&bytes) {
            Ok(keys) => keys,
            Err(invalid) => return notes.bad(&here, invalid.to_string(), format!("make it anew with {make}")),
        },
    };
    let age = std::fs::metadata(&path).and_then(|found| found.modified()).ok();
    let age = age.and_then(|made| now.duration_since(made).ok()).unwrap_or_default();
    let days = age.as_secs() / (24 * 60 * 60);
    let before = keys.previous_kid().map_or_else(|| "none before it".to_owned(), |kid| format!("`{kid}` before it"));
    let found = format!("`{}` signs for {days} days, {before}", keys.current_kid());
    if age > OLD {
        notes.warn(
            &here,
            found,
            format!("write `gateKeys: {{rotateHours: 168}}` into keeper.yml, or rotate with {make}"),
        );
    } else {
        notes.good(&here, found);
    }
    for file in transaction_keys {
        look_at_transaction_keys(notes, file, &keys, trust);
    }
}

fn look_at_transaction_keys(notes: &mut Notes<'_>, path: &Path, gate: &GateKeys, trust: &Path) {
    let here = path.display().to_string();
    let theirs = match std::fs::read(path).map(Zeroizing::new) {
        Err(cause) => {
            return notes.unreadable(
                &here,
                &cause,
                "make it with `watchgate keys transaction`, or run the doctor as a user who may read it",
            );
        }
        Ok(bytes) => TransactionKeys::from_json(&bytes),
    };
    let audience = theirs.as_ref().map_or("assistant-service", TransactionKeys::audience);
    let make = format!(
        "make it anew with `watchgate keys transaction --trust {} --audience {audience} --out {here}`, or name it below \
         `transactionKeys` in keeper.yml",
        trust.display()
    );
    match &theirs {
        Err(invalid) => notes.bad(&here, invalid.to_string(), make),
        Ok(theirs) if holds_current(theirs, gate) => {
            notes.good(&here, format!("`{audience}` knows the key that gates sign with"));
        }
        Ok(_) => notes.bad(
            &here,
            format!(
                "`{audience}` does not know the key `{}` that gates sign with, and refuses every request",
                gate.current_kid()
            ),
            make,
        ),
    }
}

/// Entry by entry: a keeper writes the next key there before any gate has it.
fn holds_current(theirs: &TransactionKeys, gate: &GateKeys) -> bool {
    let entries = |keys: &TransactionKeys| -> Vec<Value> {
        let file: Value = serde_json::from_str(&keys.to_json()).unwrap_or_default();
        file.get("keys").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let current = entries(&gate.transaction_keys(theirs.audience())).into_iter().next();
    current.is_some_and(|current| entries(theirs).contains(&current))
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Report, Verdict};
    use super::*;

    fn keys(kid: &str, secret: u8, previous: Option<&GateKeys>) -> GateKeys {
        GateKeys::generate(kid.to_owned(), [secret; 32], previous)
    }

    fn verdicts(gate: &GateKeys, theirs: &TransactionKeys, now: SystemTime) -> Vec<Verdict> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("transaction.keys");
        std::fs::write(folder.path().join("gate.key"), gate.to_json().as_bytes()).unwrap();
        std::fs::write(&file, theirs.to_json().as_bytes()).unwrap();
        let mut report = Report::default();
        look(&mut report.of("keys"), folder.path(), &[file], now);
        report.findings.iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn a_service_has_to_know_the_key_that_gates_sign_with() {
        let first = keys("one", 1, None);
        let second = keys("two", 2, Some(&first));
        let third = keys("three", 3, Some(&second));
        let now = SystemTime::now();
        let of = |gate: &GateKeys| gate.transaction_keys("assistant-service");
        assert_eq!(verdicts(&second, &of(&second), now), [Verdict::Good, Verdict::Good]);
        assert_eq!(verdicts(&second, &of(&third), now), [Verdict::Good, Verdict::Good], "a keeper is about to rotate");
        assert_eq!(verdicts(&second, &of(&first), now), [Verdict::Good, Verdict::Bad]);
        assert_eq!(verdicts(&second, &of(&keys("two", 9, None)), now), [Verdict::Good, Verdict::Bad], "another secret");
        let later = now + OLD + Duration::from_secs(60);
        assert_eq!(verdicts(&second, &of(&second), later), [Verdict::Warn, Verdict::Good]);
    }
}
