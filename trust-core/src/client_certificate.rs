//! Tokens that only the holder of a certificate may use (RFC 8705): the token names the certificate, TLS has proved that
//! the client holds it, and Traefik says in a header which one that was.
//!
//! What a token is bound to is a fact of the token and cached with it; what the client has shown is a fact of its
//! connection, and held against the token on every request.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::claims::VerifiedClaims;
use crate::claims::record::ClaimValue;
use crate::request::RequestFacts;
use crate::token::InvalidToken;

/// Where Traefik's `passTLSClientCert` writes the certificates that a client has shown.
const HEADER: &str = "x-forwarded-tls-client-cert";

/// Where it writes what stands in them.
const INFO_HEADER: &str = "x-forwarded-tls-client-cert-info";

/// The member of `cnf` that names a certificate (RFC 8705, section 3.1).
const THUMBPRINT: &str = "x5t#S256";

/// The RFC's own example ends in bits that no byte needs. What they are makes no difference here: the bytes are compared.
const THUMBPRINT_ENCODING: GeneralPurpose =
    GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// What must be shown beside a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// Nothing: whoever bears the token may use it.
    Unbound,
    /// The certificate with this SHA-256.
    Certificate([u8; 32]),
    /// Something that this gate cannot check.
    Unknown,
}

impl Binding {
    /// Reads the claim `cnf` (RFC 7800, section 3.1). A member that is not known here may ask for more than the known one
    /// beside it, so it is not passed over.
    pub(crate) fn of(confirmation: Option<&Value>) -> Self {
        let Some(confirmation) = confirmation else { return Self::Unbound };
        let thumbprint = match confirmation.as_object() {
            Some(members) if members.len() == 1 => members.get(THUMBPRINT).and_then(Value::as_str),
            _ => None,
        };
        let bytes = thumbprint.and_then(|text| THUMBPRINT_ENCODING.decode(text).ok());
        bytes.and_then(|bytes| bytes.try_into().ok()).map_or(Self::Unknown, Self::Certificate)
    }

    fn of_claims(claims: &VerifiedClaims) -> Self {
        match claims.get("cnf") {
            None => Self::Unbound,
            Some(ClaimValue::Object(text)) => {
                serde_json::from_str(text).map_or(Self::Unknown, |confirmation| Self::of(Some(&confirmation)))
            }
            Some(_) => Self::Unknown,
        }
    }
}

/// Whether the header is Traefik's word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ClientCertificates {
    /// It may be the client's: it is never read, and taken away.
    #[default]
    Untrusted,
    /// The configuration says that `passTLSClientCert` stands before the gate, and before that something that removes
    /// a client's own header.
    Trusted,
}

impl ClientCertificates {
    /// Whether the values of this header matter.
    pub(crate) fn reads_header(self, name: &str) -> bool {
        self == Self::Trusted && name.eq_ignore_ascii_case(HEADER)
    }

    /// Whether a header of this name must go no further: in any spelling but Traefik's own it is a client's, and it stays
    /// a client's where nobody vouches for it.
    pub(crate) fn are_forged_in(self, spelled: &str, folded: &str) -> bool {
        let is_ours = is_header(folded);
        is_ours && (self == Self::Untrusted || !spelled.eq_ignore_ascii_case(folded))
    }

    /// Lets a token be used that is bound to nothing, or to the certificate that the client has shown.
    pub(crate) fn check(self, claims: &VerifiedClaims, facts: &RequestFacts) -> Result<(), InvalidToken> {
        match Binding::of_claims(claims) {
            Binding::Unbound => Ok(()),
            Binding::Certificate(thumbprint) if self == Self::Trusted => {
                let is_shown = shown(facts).is_some_and(|shown| bool::from(shown.ct_eq(&thumbprint)));
                if is_shown { Ok(()) } else { Err(InvalidToken::Bound) }
            }
            Binding::Certificate(_) | Binding::Unknown => Err(InvalidToken::Bound),
        }
    }
}

/// Whether a header of this folded name speaks of client certificates.
pub(crate) fn is_header(folded: &str) -> bool {
    folded == HEADER || folded == INFO_HEADER
}

/// The SHA-256 of the certificate that the client has shown. Traefik writes it as it is in PEM, without the armour and the
/// line ends, and behind it, with commas between them, those that the client has sent to prove it.
fn shown(facts: &RequestFacts) -> Option<[u8; 32]> {
    let mut values = facts.header_values(HEADER);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let leaf = value.split(|byte| *byte == b',').next()?;
    let der = BASE64_STANDARD.decode(leaf).ok().filter(|der| !der.is_empty())?;
    Some(Sha256::digest(der).into())
}

#[cfg(test)]
mod tests;
