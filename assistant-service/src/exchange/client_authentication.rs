//! How the exchange shows a provider who it is (RFC 6749, section 2.3; RFC 7523, section 2.2; RFC 8705, section 2).
//!
//! Secrets are read for each question and forgotten after it: a changed file counts at once, and none stays in memory.

use std::path::{Path, PathBuf};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use thiserror::Error;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::command_line::keys::read_signing_key;
use crate::outbound::{ClientAuthentication, ClientIdentity};

/// An assertion is for one question, so it need not live longer than the slowest clock is off.
const ASSERTION_SECONDS: i64 = 60;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A method, and the files that it needs.
#[derive(Clone, Debug)]
pub(crate) enum ClientMethod {
    /// `client_secret_basic`.
    SecretBasic { secret_file: PathBuf },
    /// `client_secret_post`.
    SecretPost { secret_file: PathBuf },
    /// `private_key_jwt`.
    PrivateKeyJwt { key_file: PathBuf, algorithm: AssertionAlgorithm, key_id: Option<String> },
    /// `tls_client_auth`, and `self_signed_tls_client_auth`, which is the provider's affair.
    Tls { certificate_file: PathBuf, key_file: PathBuf },
}

/// What an assertion may be signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AssertionAlgorithm {
    EdDsa,
    Es256,
    Rs256,
    Ps256,
}

impl AssertionAlgorithm {
    /// By its name in a JWT's header.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "EdDSA" => Some(Self::EdDsa),
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            _ => None,
        }
    }

    fn algorithm(self) -> Algorithm {
        match self {
            Self::EdDsa => Algorithm::EdDSA,
            Self::Es256 => Algorithm::ES256,
            Self::Rs256 => Algorithm::RS256,
            Self::Ps256 => Algorithm::PS256,
        }
    }
}

/// Why the exchange cannot show who it is.
#[derive(Debug, Error)]
pub(crate) enum CannotAuthenticate {
    #[error("cannot read {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("{} holds no secret", .0.display())]
    NoSecret(PathBuf),
    #[error("{} holds no private key of the named algorithm, in PKCS#8 and PEM", .0.display())]
    NoKey(PathBuf),
}

/// What goes along with one question.
pub(crate) struct Proof {
    pub(crate) authentication: ClientAuthentication,
    pub(crate) fields: Vec<(&'static str, Zeroizing<String>)>,
}

impl ClientMethod {
    /// What a connection shows, where that is the method.
    pub(crate) fn identity(&self) -> Result<Option<ClientIdentity>, CannotAuthenticate> {
        let Self::Tls { certificate_file, key_file } = self else { return Ok(None) };
        let mut pem = Zeroizing::new(read(certificate_file)?.as_bytes().to_vec());
        pem.push(b'\n');
        pem.extend_from_slice(read(key_file)?.as_bytes());
        Ok(Some(ClientIdentity(pem)))
    }

    /// What one question shows, at `now` in Unix seconds, to the provider that calls itself `issuer`.
    pub(crate) fn proof(&self, client_id: &str, issuer: &str, now: i64) -> Result<Proof, CannotAuthenticate> {
        let named = ("client_id", Zeroizing::new(client_id.to_owned()));
        let by_form = |fields| Proof { authentication: ClientAuthentication::None, fields };
        Ok(match self {
            Self::SecretBasic { secret_file } => {
                let client_secret = secret(secret_file)?;
                let authentication = ClientAuthentication::Basic { client_id: client_id.to_owned(), client_secret };
                Proof { authentication, fields: Vec::new() }
            }
            Self::SecretPost { secret_file } => by_form(vec![named, ("client_secret", secret(secret_file)?)]),
            Self::PrivateKeyJwt { key_file, algorithm, key_id } => {
                let key = assertion_key(key_file, *algorithm)?;
                let mut header = Header::new(algorithm.algorithm());
                header.kid.clone_from(key_id);
                // The provider's own name as the audience: an assertion for one provider is of no use at another.
                let claims = json!({"iss": client_id, "sub": client_id, "aud": issuer, "jti": Uuid::now_v7(), "iat": now,
                    "exp": now.saturating_add(ASSERTION_SECONDS)});
                let assertion = jsonwebtoken::encode(&header, &claims, &key)
                    .map_err(|_| CannotAuthenticate::NoKey(key_file.clone()))?;
                let kind = ("client_assertion_type", Zeroizing::new(ASSERTION_TYPE.to_owned()));
                by_form(vec![named, kind, ("client_assertion", Zeroizing::new(assertion))])
            }
            Self::Tls { .. } => by_form(vec![named]),
        })
    }
}

/// Editors end a file with a new line; a secret has none.
fn secret(path: &Path) -> Result<Zeroizing<String>, CannotAuthenticate> {
    let text = read(path)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        Err(CannotAuthenticate::NoSecret(path.to_owned()))
    } else {
        Ok(Zeroizing::new(secret.to_owned()))
    }
}

fn assertion_key(path: &Path, algorithm: AssertionAlgorithm) -> Result<EncodingKey, CannotAuthenticate> {
    if algorithm != AssertionAlgorithm::Es256 {
        let key = read_signing_key(path, algorithm.algorithm());
        return key.map_err(|_| CannotAuthenticate::NoKey(path.to_owned()));
    }
    match PrivateKeyDer::from_pem_slice(read(path)?.as_bytes()) {
        Ok(PrivateKeyDer::Pkcs8(key)) => Ok(EncodingKey::from_ec_der(key.secret_pkcs8_der())),
        _ => Err(CannotAuthenticate::NoKey(path.to_owned())),
    }
}

fn read(path: &Path) -> Result<Zeroizing<String>, CannotAuthenticate> {
    let unreadable = |cause| CannotAuthenticate::Unreadable { path: path.to_owned(), cause };
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(unreadable)
}

#[cfg(test)]
mod tests;
