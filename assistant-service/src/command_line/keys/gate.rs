//! `gate.key` and what is drawn from it: the gate's own secret and each audience's transaction keys.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand_core::{OsRng, RngCore};
use trust_core::gate_key::GateKeys;
use zeroize::Zeroizing;

use super::key_file::{KeyFolder, Overwrite, Readers, Written};

const GATE_KEY: &str = "gate.key";

/// Services look at their keys every second. Until they have, the gate must not sign with a new secret.
const SERVICES_HAVE_LOOKED: Duration = Duration::from_secs(2);

/// Whether there is a secret to rotate.
pub(super) fn is_there(trust: &Path) -> bool {
    trust.join(GATE_KEY).exists()
}

/// Makes a new secret; the one that was current stays as the previous, so tokens on their way remain good. Who checks
/// tokens comes first: `transactions` hold the sub-keys of both secrets, so each of them serves before the change and
/// after it.
pub(super) fn rotate(trust: &KeyFolder, transactions: &[(String, PathBuf)]) -> anyhow::Result<Vec<(PathBuf, Written)>> {
    let current = read(&trust.path(GATE_KEY))?;
    let keys = generate(current.as_ref());
    let mut written = Vec::new();
    for (audience, file) in transactions {
        written.push(draw(&keys, audience, file)?);
    }
    if current.is_some() && !transactions.is_empty() {
        thread::sleep(SERVICES_HAVE_LOOKED);
    }
    written.push(trust.write(GATE_KEY, keys.to_json().as_bytes(), Readers::Owner, Overwrite::Replace)?);
    Ok(written)
}

/// Writes the keys with which `audience` checks transaction tokens.
pub(super) fn write_transaction_keys(trust: &Path, audience: &str, out: &Path) -> anyhow::Result<(PathBuf, Written)> {
    let path = trust.join(GATE_KEY);
    let Some(keys) = read(&path)? else {
        bail!("there is no {}; make it with `watchgate keys gate --trust {}`", path.display(), trust.display());
    };
    draw(&keys, audience, out)
}

fn draw(keys: &GateKeys, audience: &str, out: &Path) -> anyhow::Result<(PathBuf, Written)> {
    let name = out.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("{} names no file; give a file name", out.display()))?;
    let folder = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let json = keys.transaction_keys(audience).to_json();
    KeyFolder::public(folder)?.write(name, json.as_bytes(), Readers::Owner, Overwrite::Replace)
}

/// Makes `gate.key` unless it is there, and the service's keys from it; those are renewed when the secret is new.
pub(super) fn make_once(
    trust: &KeyFolder,
    service: &KeyFolder,
    audience: &str,
    overwrite: Overwrite,
) -> anyhow::Result<[(PathBuf, Written); 2]> {
    let path = trust.path(GATE_KEY);
    let kept = if overwrite == Overwrite::Keep { read(&path)? } else { None };
    let (keys, gate, drawn) = match kept {
        Some(keys) => (keys, (path, Written::Kept), overwrite),
        None => {
            let keys = generate(None);
            let gate = trust.write(GATE_KEY, keys.to_json().as_bytes(), Readers::Owner, overwrite)?;
            (keys, gate, Overwrite::Replace)
        }
    };
    let json = keys.transaction_keys(audience).to_json();
    Ok([gate, service.write("transaction.keys", json.as_bytes(), Readers::Owner, drawn)?])
}

fn read(path: &Path) -> anyhow::Result<Option<GateKeys>> {
    match fs::read(path).map(Zeroizing::new) {
        Ok(bytes) => GateKeys::from_json(&bytes)
            .map(Some)
            .with_context(|| format!("{} is not a gate key; move it away and try again", path.display())),
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause).with_context(|| format!("cannot read {}; run as its owner", path.display())),
    }
}

fn generate(previous: Option<&GateKeys>) -> GateKeys {
    let mut kid = [0_u8; 9];
    let mut secret = Zeroizing::new([0_u8; 32]);
    OsRng.fill_bytes(&mut kid);
    OsRng.fill_bytes(&mut *secret);
    GateKeys::generate(URL_SAFE_NO_PAD.encode(kid), *secret, previous)
}
