//! The development issuer: two signing keys, the public set that the gate reads, and the file that names them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use rand_core::OsRng;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::key_file::{KeyFolder, Overwrite, Readers, Written};

const ISSUER_FILE: &str = "issuer.json";
const RSA_BITS: usize = 2048;

/// The content of `issuer.json`: who the issuer is and which key signs with which algorithm.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerFile {
    /// The value of `iss`.
    pub issuer: String,
    /// The signing keys.
    pub keys: Vec<IssuerKey>,
}

/// One signing key of the issuer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerKey {
    /// The RFC 7638 thumbprint.
    pub kid: String,
    /// The one algorithm this key signs with.
    pub alg: Algorithm,
    /// The private key's file, beside `issuer.json`.
    pub file: String,
}

impl IssuerKey {
    /// Reads the private key in the form that signs tokens.
    pub fn read(&self, folder: &Path) -> anyhow::Result<EncodingKey> {
        read_signing_key(&folder.join(&self.file), self.alg)
    }
}

/// Reads `issuer.json` from an issuer's folder.
pub fn read_issuer(folder: &Path) -> anyhow::Result<IssuerFile> {
    let path = folder.join(ISSUER_FILE);
    let bytes = fs::read(&path)
        .with_context(|| format!("cannot read {}; make an issuer with `watchgate keys dev`", path.display()))?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not an issuer file; make it again with `watchgate keys dev`", path.display()))
}

/// Makes the keys that are missing. The two files that are drawn from them are renewed whenever a key is new, since
/// a key set that lacks the signing key would refuse every token.
pub(super) fn make(
    folder: &KeyFolder,
    jwks: &KeyFolder,
    issuer: &str,
    overwrite: Overwrite,
) -> anyhow::Result<Vec<(PathBuf, Written)>> {
    let mut written = Vec::new();
    let mut set = JwkSet::default();
    let mut keys = Vec::new();
    for (algorithm, file) in [(Algorithm::EdDSA, "ed25519.pem"), (Algorithm::RS256, "rsa.pem")] {
        let path = folder.path(file);
        if overwrite == Overwrite::Keep && path.exists() {
            written.push((path.clone(), Written::Kept));
        } else {
            let pem = generate(algorithm)?;
            written.push(folder.write(file, pem.as_bytes(), Readers::Owner, overwrite)?);
        }
        let jwk = public_jwk(&read_signing_key(&path, algorithm)?, algorithm)?;
        keys.push(IssuerKey {
            kid: jwk.common.key_id.clone().unwrap_or_default(),
            alg: algorithm,
            file: file.to_owned(),
        });
        set.keys.push(jwk);
    }

    let keys_are_old = written.iter().all(|(_, written)| *written == Written::Kept);
    let drawn = if keys_are_old { overwrite } else { Overwrite::Replace };
    if drawn == Overwrite::Keep && folder.path(ISSUER_FILE).exists() {
        let kept = read_issuer(&folder.path(""))?.issuer;
        ensure!(kept == issuer, "the keys there are those of {kept}: take another folder, or --force to replace them");
    }
    let issuer = serde_json::to_vec_pretty(&IssuerFile { issuer: issuer.to_owned(), keys })?;
    written.push(folder.write(ISSUER_FILE, &issuer, Readers::Owner, drawn)?);
    written.push(jwks.write("dev.json", &serde_json::to_vec_pretty(&set)?, Readers::Everyone, drawn)?);
    Ok(written)
}

/// A new private key for EdDSA or RS256, in PKCS#8 and PEM.
pub(crate) fn generate(algorithm: Algorithm) -> anyhow::Result<Zeroizing<String>> {
    if algorithm == Algorithm::RS256 {
        return Ok(RsaPrivateKey::new(&mut OsRng, RSA_BITS)?.to_pkcs8_pem(LineEnding::LF)?);
    }
    // Version 1 of the format, without the public key: the one that every other tool reads.
    let pair = KeypairBytes { secret_key: SigningKey::generate(&mut OsRng).to_bytes(), public_key: None };
    Ok(pair.to_pkcs8_pem(LineEnding::LF)?)
}

/// Reads a private key in the form that signs tokens.
pub(crate) fn read_signing_key(path: &Path, algorithm: Algorithm) -> anyhow::Result<EncodingKey> {
    let pem = Zeroizing::new(
        fs::read_to_string(path).with_context(|| format!("cannot read the private key {}", path.display()))?,
    );
    signing_key(&pem, algorithm)
        .with_context(|| format!("{} holds no PKCS#8 key for {algorithm:?}; replace it", path.display()))
}

/// The same of a key in PKCS#8 and PEM.
pub(crate) fn signing_key(pem: &str, algorithm: Algorithm) -> anyhow::Result<EncodingKey> {
    match algorithm {
        Algorithm::EdDSA => {
            let pair = KeypairBytes::from_pkcs8_pem(pem).map_err(|cause| anyhow!(cause))?;
            let der = KeypairBytes { secret_key: pair.secret_key, public_key: None }.to_pkcs8_der()?;
            Ok(EncodingKey::from_ed_der(der.as_bytes()))
        }
        Algorithm::RS256 | Algorithm::PS256 => {
            let key = RsaPrivateKey::from_pkcs8_pem(pem).map_err(|cause| anyhow!(cause))?;
            Ok(EncodingKey::from_rsa_der(key.to_pkcs1_der()?.as_bytes()))
        }
        other => Err(anyhow!("{other:?} is not an algorithm of this issuer; use EdDSA or RS256")),
    }
}

/// The public half, named by its thumbprint (RFC 7638).
pub(crate) fn public_jwk(key: &EncodingKey, algorithm: Algorithm) -> anyhow::Result<Jwk> {
    let mut jwk = Jwk::from_encoding_key(key, algorithm)?;
    jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256)?);
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(jwk)
}
