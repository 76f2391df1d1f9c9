//! Who may read secrets and write what is trusted: modes and owners.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::finding::Notes;

const OTHERS: u32 = 0o007;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

fn mode(of: &Metadata) -> u32 {
    of.mode() & 0o7777
}

/// A key or password: for its owner, and perhaps readable by its group.
pub(super) fn look_at_secret(notes: &mut Notes<'_>, path: &Path) {
    let here = path.display().to_string();
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(cause) => {
            return notes.unreadable(
                &here,
                &cause,
                format!("make it, or run the doctor as a user who may look: `ls -l {here}`"),
            );
        }
    };
    let mode = mode(&found);
    if mode & OTHERS != 0 {
        return notes.bad(
            &here,
            format!("any user of this machine may use this secret (mode {mode:o})"),
            format!("`chmod o= {here}`, and make it anew where others are on this machine"),
        );
    }
    if mode & GROUP_WRITES != 0 {
        return notes.bad(
            &here,
            format!("its group may replace this secret (mode {mode:o})"),
            format!("`chmod g-w {here}`"),
        );
    }
    notes.good(&here, format!("a secret of user {} (mode {mode:o})", found.uid()));
}

/// A folder that one user alone may enter, such as the service's data.
pub(super) fn look_at_private_folder(notes: &mut Notes<'_>, path: &Path) {
    let here = path.display().to_string();
    match std::fs::metadata(path) {
        Ok(found) if mode(&found) & 0o077 == 0 => {
            notes.good(&here, format!("only user {} may enter (mode {:o})", found.uid(), mode(&found)));
        }
        Ok(found) => notes.bad(
            &here,
            format!(
                "others may enter (mode {:o}), and it holds what the gates' secret is made known with",
                mode(&found)
            ),
            format!("`chmod 700 {here}`"),
        ),
        Err(cause) => notes.unknown(&here, cause, "name the folder of `watchgate serve --data-dir` with --data-dir"),
    }
}

/// The trust directory: whoever may write it makes the gate believe anything.
pub(super) fn look_at_trust(notes: &mut Notes<'_>, trust: &Path) {
    let here = trust.display().to_string();
    let Ok(folder) = std::fs::metadata(trust) else {
        // Said where the folder itself is looked at.
        return;
    };
    let mut files = vec![(trust.to_path_buf(), folder.clone())];
    let mut is_whole = true;
    for inner in [trust.to_path_buf(), trust.join("jwks")] {
        match entries_of(&inner) {
            Ok(entries) => files.extend(entries),
            // Which key sets are missing is said where gates want them.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => {
                is_whole = false;
                notes.unknown(inner.display(), cause, "run the doctor as root, or as a user who may look there");
            }
        }
    }
    let named =
        |files: Vec<&PathBuf>| files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ");
    let is_link = |found: &Metadata| found.file_type().is_symlink();
    let open = |bits: u32| -> Vec<_> {
        files.iter().filter(|(_, found)| !is_link(found) && mode(found) & bits != 0).map(|(path, _)| path).collect()
    };
    let (by_anybody, by_group) = (open(OTHERS_WRITE), open(GROUP_WRITES));
    let strangers: Vec<_> = files
        .iter()
        .filter(|(_, found)| found.uid() != folder.uid() && found.uid() != 0)
        .map(|(path, _)| path)
        .collect();
    if !by_anybody.is_empty() {
        let paths = named(by_anybody);
        notes.bad(
            &here,
            format!("anybody may write {paths}, and so let any token pass"),
            format!("`chmod o-w {paths}`"),
        );
    } else if !strangers.is_empty() {
        let paths = named(strangers);
        let mend = format!("`chown {} {paths}`", folder.uid());
        notes.warn(&here, format!("somebody else than its owner, user {}, owns {paths}", folder.uid()), mend);
    } else if !by_group.is_empty() {
        let paths = named(by_group);
        notes.warn(
            &here,
            format!("a group may write {paths}"),
            format!("`chmod g-w {paths}`: the keeper is the only writer"),
        );
    } else if is_whole {
        notes.good(&here, format!("only user {} may write it", folder.uid()));
    }
}

/// What lies in a folder. What has gone meanwhile is no matter: a keeper puts files into place by renaming them.
fn entries_of(folder: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) => found.push((entry.path(), metadata)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(found)
}

/// Traefik's own folder: the gate remembers and counts in it.
pub(super) fn look_at_gate_folder(notes: &mut Notes<'_>, gate: &Path, traefik_dir: &Path, is_asked: bool) {
    let here = gate.display().to_string();
    let found = match std::fs::metadata(gate) {
        Ok(found) => found,
        Err(cause) => {
            let mend = format!("`install -d -o traefik {here}`, or name the folder with --gate");
            return notes.unknown(&here, cause, mend);
        }
    };
    if mode(&found) & OTHERS_WRITE != 0 {
        return notes.bad(
            &here,
            format!("anybody may write it (mode {:o})", mode(&found)),
            format!("`chmod o-w {here}`"),
        );
    }
    if let Some(user) = traefik_user(traefik_dir) {
        return judge_writer(notes, &here, &found, user);
    }
    let why = format!(
        "no Traefik is seen to run in {}, so whether its user may write here nobody can tell; the owner is user {}",
        traefik_dir.display(),
        found.uid()
    );
    let mend = "start Traefik, run the doctor as root, or name Traefik's working directory with --traefik-dir";
    if is_asked { notes.unknown(&here, why, mend) } else { notes.not_here(&here, why, mend) }
}

fn judge_writer(notes: &mut Notes<'_>, here: &str, folder: &Metadata, user: u32) {
    let may_write = user == 0 || (user == folder.uid() && mode(folder) & 0o300 == 0o300);
    if may_write {
        notes.good(here, format!("Traefik's user {user} may write it"));
    } else {
        notes.bad(
            here,
            format!(
                "Traefik's user {user} may not write it: no shared cache, no record of denials, no proof of possession is taken"
            ),
            format!("`chown {user} {here} && chmod u+rwx {here}`"),
        );
    }
}

/// The user of a Traefik that runs in this folder.
fn traefik_user(traefik_dir: &Path) -> Option<u32> {
    let folder = traefik_dir.canonicalize().ok()?;
    let processes = std::fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.path());
    let ours = |process: &PathBuf| {
        std::fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim_end() == "traefik")
            && std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder)
    };
    std::fs::metadata(processes.into_iter().find(ours)?).ok().map(|found| found.uid())
}

#[cfg(test)]
mod tests;
