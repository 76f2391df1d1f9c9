//! The key with which the exchange signs phantom tokens, and the public set by which gates know them.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::JwkSet;

use super::issuer::{generate, public_jwk, read_signing_key, signing_key};
use super::key_file::{KeyFolder, Overwrite, Readers, Written};

const PRIVATE_KEY: &str = "phantom.pem";
const PUBLIC_KEYS: &str = "exchange.json";

/// Gates look at their key files within a second. Until they have, the exchange must not sign with a new key.
const GATES_HAVE_LOOKED: Duration = Duration::from_secs(2);

/// Makes a new key. Its public half reaches the gates first, together with that of the key before it, whose tokens are good
/// until they end; only then the exchange finds the private one.
pub(super) fn rotate(folder: &KeyFolder, jwks: &KeyFolder) -> anyhow::Result<Vec<(PathBuf, Written)>> {
    let pem = generate(Algorithm::EdDSA)?;
    let mut set = JwkSet { keys: vec![public_jwk(&signing_key(&pem, Algorithm::EdDSA)?, Algorithm::EdDSA)?] };
    let current = folder.path(PRIVATE_KEY);
    let is_rotation = current.exists();
    if is_rotation {
        set.keys.push(public_jwk(&read_signing_key(&current, Algorithm::EdDSA)?, Algorithm::EdDSA)?);
    }
    let public = jwks.write(PUBLIC_KEYS, &serde_json::to_vec_pretty(&set)?, Readers::Everyone, Overwrite::Replace)?;
    if is_rotation {
        thread::sleep(GATES_HAVE_LOOKED);
    }
    Ok(vec![public, folder.write(PRIVATE_KEY, pem.as_bytes(), Readers::Owner, Overwrite::Replace)?])
}
