//! The gates in Traefik's dynamic files: as `watchgate policy check` finds them, with the issuers' keys.

use std::collections::BTreeSet;
use std::path::Path;

use policy::configuration::{NoGate, middlewares};
use serde_json::Value;
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

/// Looks at every gate of these files; entry points of the static file may name gates too.
pub(super) fn look(
    notes: &mut Notes<'_>,
    files: &[SettingsFile],
    fixed: Option<&SettingsFile>,
    plugin: &str,
    trust: &Path,
    folder: &Path,
) -> Wanted {
    let mut wanted = Wanted::default();
    let mut named = BTreeSet::new();
    for file in files.iter().chain(fixed) {
        gather_named(&file.value, &mut named);
    }
    // A file without any would be taken for a plugin's configuration that stands alone.
    for file in files.iter().filter(|file| at(&file.value, "http/middlewares").is_some()) {
        match middlewares(&file.text, plugin) {
            Ok(gates) => {
                for gate in gates {
                    wanted.gates = wanted.gates.saturating_add(1);
                    let name = gate.name.clone().unwrap_or_else(|| "gate".to_owned());
                    let here = format!("{} {name}", file.path.display());
                    look_at(notes, file, &here, &gate, named.contains(name.as_str()), trust, &mut wanted);
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

/// The middlewares that routers, chains and entry points name.
fn gather_named<'v>(value: &'v Value, named: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::Array(names) if key == "middlewares" => {
                        let names = names.iter().filter_map(Value::as_str);
                        named.extend(names.map(|name| name.strip_suffix("@file").unwrap_or(name)));
                    }
                    deeper => gather_named(deeper, named),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| gather_named(value, named)),
        _ => {}
    }
}

fn look_at(
    notes: &mut Notes<'_>,
    file: &SettingsFile,
    here: &str,
    gate: &policy::configuration::Middleware,
    is_named: bool,
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
    if gate.only_observes() {
        let found = "it only observes: whatever it would deny passes, without an identity";
        notes.warn(here, found, "take `mode: observe` out when /gate/denials holds nothing that should pass");
    }
    if !is_named {
        notes.warn(
            here,
            "none of the files that were read names it as a middleware, so it may stand before nothing",
            "name it in the `middlewares` of a router; where one of another provider does, --gateway shows whether it stands there",
        );
    }
    if is_named && !gate.only_observes() {
        notes.good(here, "its configuration has no mistake, and a router, a chain or an entry point names it");
    }
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

#[cfg(test)]
mod tests {
    use super::super::finding::{Report, Verdict};
    use super::*;

    const GATE: &str = include_str!("../../../traefik-config/dynamic/gate.yml");
    const ROUTES: &str = include_str!("../../../traefik-config/dynamic/routes.yml");

    fn file(path: &str, text: &str) -> SettingsFile {
        SettingsFile { path: path.into(), text: text.to_owned(), value: serde_saphyr::from_str(text).unwrap() }
    }

    /// What is said of the gate itself.
    fn verdicts(gate: &str, routes: &str, fixed: &str) -> Vec<Verdict> {
        let trust = tempfile::tempdir().unwrap();
        let files = [file("gate.yml", gate), file("routes.yml", routes)];
        let fixed = file("traefik.yml", fixed);
        let mut report = Report::default();
        let folder = Path::new("dynamic");
        look(&mut report.of("gates"), &files, Some(&fixed), "watchgate", trust.path(), folder);
        let of_gate = report.findings.iter().filter(|finding| finding.looked_at == "gate.yml gate");
        of_gate.map(|finding| finding.verdict).collect()
    }

    #[test]
    fn a_gate_is_good_where_it_denies_and_something_names_it() {
        assert_eq!(verdicts(GATE, ROUTES, "{}"), [Verdict::Good]);
        let observing = GATE.replacen("publicOrigins:", "mode: observe\n          publicOrigins:", 1);
        assert_eq!(verdicts(&observing, ROUTES, "{}"), [Verdict::Warn]);
        let bare = ROUTES.replace("[blank, gate]", "[blank]");
        assert_eq!(verdicts(GATE, &bare, "{}"), [Verdict::Warn]);
        assert_eq!(verdicts(&observing, &bare, "{}"), [Verdict::Warn, Verdict::Warn]);
        let entry_point = "entryPoints: {websecure: {http: {middlewares: [gate@file]}}}";
        assert_eq!(verdicts(GATE, &bare, entry_point), [Verdict::Good]);
        assert_eq!(verdicts(&GATE.replacen("publicOrigins:", "origins:", 1), ROUTES, "{}"), [Verdict::Bad]);
    }
}
