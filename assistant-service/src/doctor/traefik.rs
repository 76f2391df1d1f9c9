//! Traefik's static configuration: what of it the gate's protection stands on.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::finding::Notes;
use super::settings::{SettingsFile, at};

/// The plugin's name in Traefik's catalog.
const MODULE: &str = "github.com/watchgate/watchgate";
const OLDEST: [u64; 3] = [3, 7, 13];
/// How long a program may take to say its version, and how much it may say.
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_VERSION_BYTES: u64 = 64 * 1024;
const ENCODED: [&str; 7] = ["Slash", "BackSlash", "NullCharacter", "Semicolon", "Percent", "QuestionMark", "Hash"];

/// Looks at the whole file. Gives the name under which the plugin is declared.
pub(super) fn look(notes: &mut Notes<'_>, file: &SettingsFile, trust: &Path, gate: &Path) -> Option<String> {
    let here = file.path.display();
    if at(&file.value, "api/insecure").is_some_and(is_true) {
        notes.bad(
            format!("{here} api.insecure"),
            "Traefik's API is open to anybody who reaches it, and shows every plugin's configuration",
            "take `api.insecure` out and restart Traefik",
        );
    } else {
        notes.good(format!("{here} api.insecure"), "the API is not open");
    }
    let entry_points = at(&file.value, "entryPoints").and_then(Value::as_object);
    let of_metrics = at(&file.value, "metrics/prometheus/entryPoint").and_then(Value::as_str);
    // No back end is reached by the one that only tells metrics.
    for (name, entry_point) in entry_points.into_iter().flatten().filter(|(name, _)| Some(name.as_str()) != of_metrics)
    {
        look_at_entry_point(notes, &format!("{here} entryPoints.{name}"), entry_point);
    }
    if at(&file.value, "experimental/abortOnPluginFailure").is_some_and(is_true) {
        notes.good(format!("{here} abortOnPluginFailure"), "Traefik does not start without the gate");
    } else {
        notes.bad(
            format!("{here} abortOnPluginFailure"),
            "Traefik starts without a plugin that fails to load",
            "write `experimental.abortOnPluginFailure: true` and restart Traefik",
        );
    }
    let plugins = at(&file.value, "experimental/localPlugins").and_then(Value::as_object);
    let declared = plugins.into_iter().flatten().find(|(_, plugin)| plugin["moduleName"] == MODULE);
    let Some((name, plugin)) = declared else {
        notes.bad(
            format!("{here} experimental.localPlugins"),
            format!("no plugin with the moduleName {MODULE} is declared"),
            "copy the section `experimental` of traefik-config/traefik.yml and restart Traefik",
        );
        return None;
    };
    notes.good(format!("{here} experimental.localPlugins"), format!("the gate is declared as `{name}`"));
    look_at_mounts(notes, &format!("{here} mounts"), plugin, trust, gate);
    Some(name.clone())
}

/// Traefik takes every value as a text, and of these texts each as true.
fn is_true(value: &Value) -> bool {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    ["true", "t", "1"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn look_at_entry_point(notes: &mut Notes<'_>, here: &str, entry_point: &Value) {
    let http = entry_point.get("http").unwrap_or(&Value::Null);
    match http["aliasHeadersStrategy"].as_str() {
        Some("delete" | "reject") => notes.good(format!("{here}.aliasHeadersStrategy"), "headers have one spelling"),
        _ => notes.bad(
            format!("{here}.aliasHeadersStrategy"),
            "X_Auth_Subject of a client reaches back ends that read it as the gate's X-Auth-Subject",
            "write `aliasHeadersStrategy: delete` below `http` and restart Traefik",
        ),
    }
    if !http["redirections"].is_null() {
        // It answers nothing but where to go.
        return;
    }
    let characters = http["encodedCharacters"].as_object().cloned().unwrap_or_default();
    let open: Vec<_> = ENCODED
        .iter()
        .filter(|name| !is_refused(&characters, name))
        .map(|name| format!("allowEncoded{name}"))
        .collect();
    if open.is_empty() && http["sanitizePath"] != Value::Bool(false) {
        notes.good(format!("{here}.encodedCharacters"), "a path is read in one way");
    } else {
        let open = if open.is_empty() { "sanitizePath: false".to_owned() } else { open.join(", ") };
        notes.warn(
            format!("{here}.encodedCharacters"),
            format!("Traefik, the gate and a back end may read a path in different ways ({open})"),
            "write `sanitizePath: true` and each of them as `false`, as traefik-config/traefik.yml does, and restart Traefik",
        );
    }
    let timeouts = at(entry_point, "transport/respondingTimeouts").unwrap_or(&Value::Null);
    match (is_off(&timeouts["readTimeout"]), timeouts["writeTimeout"].is_null() || is_off(&timeouts["writeTimeout"])) {
        (true, _) => notes.bad(
            format!("{here}.respondingTimeouts"),
            "a client may take for ever to send its request",
            "write `readTimeout: 60s` below `transport.respondingTimeouts` and restart Traefik",
        ),
        (false, false) => notes.warn(
            format!("{here}.respondingTimeouts"),
            "`writeTimeout` cuts every event stream and slow download",
            "write `writeTimeout: 0s` and restart Traefik",
        ),
        (false, true) => notes.good(format!("{here}.respondingTimeouts"), "slow senders are cut off, streams are not"),
    }
}

fn is_refused(characters: &Map<String, Value>, name: &str) -> bool {
    characters.get(&format!("allowEncoded{name}")) == Some(&Value::Bool(false))
}

/// Traefik's own default for reading is 60 s.
fn is_off(duration: &Value) -> bool {
    match duration {
        Value::Null => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        other => other.as_str().is_some_and(|text| text.trim_end_matches(char::is_alphabetic) == "0"),
    }
}

fn look_at_mounts(notes: &mut Notes<'_>, here: &str, plugin: &Value, trust: &Path, gate: &Path) {
    let mounts: Vec<_> = at(plugin, "settings/mounts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (guest, rights, ours) in [("/trust", ":ro", trust), ("/gate", "", gate)] {
        let wanted = format!("{}:{guest}{rights}", ours.display());
        let found = mounts.iter().find(|mount| mount.trim_end_matches(":ro").ends_with(&format!(":{guest}")));
        let host = found.and_then(|mount| mount.split(':').next()).map(Path::new);
        let is_same = host.is_some_and(|host| is_same_folder(host, ours));
        match found {
            Some(mount) if is_same && mount.ends_with(":ro") == (rights == ":ro") => {
                notes.good(format!("{here} {guest}"), (*mount).to_owned());
            }
            Some(mount) if is_same => notes.bad(
                format!("{here} {guest}"),
                format!("`{mount}`: /trust must be read-only, and /gate writable"),
                format!("write `{wanted}` and restart Traefik"),
            ),
            Some(mount) => notes.bad(
                format!("{here} {guest}"),
                format!("`{mount}` is another folder than the one that was looked at, {}", ours.display()),
                format!("write `{wanted}` and restart Traefik, or name the right folder with --trust and --gate"),
            ),
            None => notes.bad(
                format!("{here} {guest}"),
                "the gate has no such folder",
                format!("add `{wanted}` to `mounts` and restart Traefik"),
            ),
        }
    }
}

fn is_same_folder(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Asks the program which version it is.
pub(super) async fn look_at_version(notes: &mut Notes<'_>, program: &Path, is_asked: bool) {
    let here = program.display().to_string();
    let mend = "name Traefik's program with --traefik";
    let said = said_by(Command::new(program).arg("version")).await;
    match said.and_then(|said| version(&said).ok_or_else(|| "it does not say which version it is".to_owned())) {
        Ok(found) if found >= OLDEST => notes.good(&here, format!("version {}", dotted(found))),
        Ok(found) => notes.bad(
            &here,
            format!("version {} does not know aliasHeadersStrategy", dotted(found)),
            format!("install Traefik {} or newer and restart it", dotted(OLDEST)),
        ),
        Err(why) if is_asked => notes.unknown(&here, why, mend),
        Err(why) => notes.not_here(&here, why, mend),
    }
}

/// What a program says that does its work and ends; any other is killed.
async fn said_by(command: &mut Command) -> Result<String, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|cause| cause.to_string())?;
    let mut said = Vec::new();
    let answered = async {
        if let Some(stdout) = child.stdout.take() {
            stdout.take(MAX_VERSION_BYTES).read_to_end(&mut said).await?;
        }
        child.wait().await
    };
    let ended = tokio::time::timeout(PATIENCE, answered).await;
    match ended {
        Ok(Ok(status)) if status.success() => Ok(String::from_utf8_lossy(&said).into_owned()),
        Ok(Ok(status)) => Err(format!("asked for its version it ended with {status}")),
        Ok(Err(cause)) => Err(cause.to_string()),
        Err(_) => Err(format!("asked for its version it did not end within {} s", PATIENCE.as_secs())),
    }
}

fn version(said: &str) -> Option<[u64; 3]> {
    let version = said.lines().find_map(|line| line.strip_prefix("Version:"))?.trim().trim_start_matches('v');
    let mut numbers = version.split(['.', '-', '+']).map(|part| part.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

fn dotted(version: [u64; 3]) -> String {
    version.map(|number| number.to_string()).join(".")
}

#[cfg(test)]
mod tests;
