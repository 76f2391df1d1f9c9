//! Tokens that only the holder of a certificate may use (RFC 8705): the token names the certificate, TLS has proved that
//! the client holds it, and Traefik says in a header which one that was.
//!
//! What the client has shown is a fact of its connection, and held against the token on every request.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::binding::{Binding, Confirmation};
use crate::request::RequestFacts;
use crate::token::InvalidToken;

/// Where Traefik's `passTLSClientCert` writes the certificates that a client has shown.
const HEADER: &str = "x-forwarded-tls-client-cert";

/// Where it writes what stands in them.
const INFO_HEADER: &str = "x-forwarded-tls-client-cert-info";

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

    /// Lets a token be used that is bound to no certificate, or to the one that the client has shown.
    pub(crate) fn check(self, binding: &Binding, facts: &RequestFacts) -> Result<(), InvalidToken> {
        match binding {
            Binding::Unbound | Binding::To(Confirmation { certificate: None, .. }) => Ok(()),
            Binding::To(Confirmation { certificate: Some(thumbprint), .. }) if self == Self::Trusted => {
                let is_shown = shown(facts).is_some_and(|shown| bool::from(shown.ct_eq(thumbprint)));
                if is_shown { Ok(()) } else { Err(InvalidToken::Bound) }
            }
            Binding::To(_) | Binding::Unknown => Err(InvalidToken::Bound),
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
