//! The keys with which issuers of ours sign, and the public sets by which gates know them: the exchange, and sessions.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::JwkSet;
use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

use super::issuer::{generate, public_jwk, read_signing_key, signing_key};
use super::key_file::{KeyFolder, Overwrite, Readers, Written};

/// How the files of an issuer are called.
pub(super) struct KeyNames {
    private: &'static str,
    public: &'static str,
}

/// Those of the exchange.
pub(super) const EXCHANGE: KeyNames = KeyNames { private: "phantom.pem", public: "exchange.json" };

/// Those of sessions.
pub(super) const SESSIONS: KeyNames = KeyNames { private: "sessions.pem", public: "sessions.json" };

const HANDLE_KEY: &str = "handle.key";

/// Gates look at their key files within a second. Until they have, nobody must sign with a new key.
const GATES_HAVE_LOOKED: Duration = Duration::from_secs(2);

/// Makes a new key. Its public half reaches the gates first, together with that of the key before it, whose tokens are good
/// until they end; only then the issuer finds the private one.
pub(super) fn rotate(
    names: &KeyNames,
    folder: &KeyFolder,
    jwks: &KeyFolder,
) -> anyhow::Result<Vec<(PathBuf, Written)>> {
    let pem = generate(Algorithm::EdDSA)?;
    let mut set = JwkSet { keys: vec![public_jwk(&signing_key(&pem, Algorithm::EdDSA)?, Algorithm::EdDSA)?] };
    let current = folder.path(names.private);
    let is_rotation = current.exists();
    if is_rotation {
        set.keys.push(public_jwk(&read_signing_key(&current, Algorithm::EdDSA)?, Algorithm::EdDSA)?);
    }
    let public = jwks.write(names.public, &serde_json::to_vec_pretty(&set)?, Readers::Everyone, Overwrite::Replace)?;
    if is_rotation {
        thread::sleep(GATES_HAVE_LOOKED);
    }
    Ok(vec![public, folder.write(names.private, pem.as_bytes(), Readers::Owner, Overwrite::Replace)?])
}

/// The same for sessions, with the secret of their handles, which stays: another one would end every session.
pub(super) fn rotate_sessions(folder: &KeyFolder, jwks: &KeyFolder) -> anyhow::Result<Vec<(PathBuf, Written)>> {
    let mut secret = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(&mut *secret);
    let handle = folder.write(HANDLE_KEY, &*secret, Readers::Owner, Overwrite::Keep)?;
    let mut written = rotate(&SESSIONS, folder, jwks)?;
    written.push(handle);
    Ok(written)
}
