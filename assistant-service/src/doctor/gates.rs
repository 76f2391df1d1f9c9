//! The gates in Traefik's dynamic files: as `watchgate policy check` finds them, with the issuers' keys.

use std::path::Path;

use policy::configuration::{NoGate, middlewares};
use trust_core::trust_head::TRUST_HEAD_FILE;

use super::finding::Notes;
use super::settings::{SettingsFile, at};
use crate::command_line::policy::trust_directory;

/// The gate's own keys have a check of their own.
const GATE_KEY: &str = "gate.key";

/// What the gates want of the trust directory.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Whether a gate believes nothing without a keeper's word.
    pub(super) keeper: bool,
    /// Whether something in a file signs with or caches by `gate.key`.
    pub(super) gates: usize,
}

/// Looks at every gate of these files.
pub(super) fn look(notes: &mut Notes<'_>, files: &[SettingsFile], plugin: &str, trust: &Path, folder: &Path) -> Wanted {
    let mut wanted = Wanted::default();
    // A file without any would be taken for a plugin's configuration that stands alone.
    for file in files.iter().filter(|file| at(&file.value, "http/middlewares").is_some()) {
        match middlewares(&file.text, plugin) {
            Ok(gates) => {
                for gate in gates {
                    wanted.gates = wanted.gates.saturating_add(1);
                    let name = gate.name.clone().unwrap_or_else(|| "gate".to_owned());
                    look_at(notes, file, &format!("{} {name}", file.path.display()), &gate, trust, &mut wanted);
                }
            }
            Err(NoGate::NoneUses { .. }) => {}
            Err(none) => notes.bad(
                file.path.display(),
                format!("Traefik cannot read it: {none}"),
                format!("try it with `watchgate policy check {}`", file.path.display()),
            ),
        }
    }
    if wanted.gates == 0 {
        notes.bad(
            folder.display(),
            format!("no file here has a middleware that uses the plugin `{plugin}`"),
            format!("copy traefik-config/dynamic/gate.yml into {}", folder.display()),
        );
    }
    wanted
}

fn look_at(
    notes: &mut Notes<'_>,
    file: &SettingsFile,
    here: &str,
    gate: &policy::configuration::Middleware,
    trust: &Path,
    wanted: &mut Wanted,
) {
    let check = format!("watchgate policy check {} --trust {}", file.path.display(), trust.display());
    let mut gate = match gate.gate() {
        Ok(gate) => gate,
        Err(mistakes) => {
            let first = mistakes.first().map_or(String::new(), |first| {
                let line = first.line.map_or(String::new(), |line| format!("line {line}: "));
                format!("{line}{}: {}", first.place, first.what)
            });
            let found = format!("{} mistake(s), so it answers every request with 503; {first}", mistakes.len());
            return notes.bad(here, found, format!("see them all with `{check}`"));
        }
    };
    notes.good(here, "its configuration has no mistake");
    wanted.keeper |= gate.wanted_files().iter().any(|name| name == TRUST_HEAD_FILE);
    for given in trust_directory::give(&mut gate, trust) {
        if [TRUST_HEAD_FILE, GATE_KEY].iter().any(|name| given.path.ends_with(name)) {
            continue;
        }
        let path = given.path.display();
        match given.taken {
            Ok(()) if given.unfit.is_empty() => notes.good(path, "its keys are fit to verify tokens"),
            Ok(()) => {
                notes.good(path, format!("it has keys that verify tokens; {} are passed over", given.unfit.len()))
            }
            Err(invalid) => notes.bad(
                path,
                format!("tokens of this issuer get 503: {invalid}"),
                "have the keeper fetch it (`watchgate keeper`), or put the issuer's JWK Set there by renaming",
            ),
        }
    }
}
