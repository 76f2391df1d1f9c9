//! What a token is bound to (RFC 7800): what its `cnf` names must be shown beside it, by whoever uses it.
//!
//! What a token is bound to is a fact of the token and cached with it; what the client has shown is a fact of one request,
//! and held against the token each time, by [`crate::client_certificate`] and [`crate::dpop`].

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use serde_json::Value;

use crate::claims::VerifiedClaims;
use crate::claims::record::ClaimValue;

/// The member of `cnf` that names a certificate (RFC 8705, section 3.1).
const CERTIFICATE: &str = "x5t#S256";

/// The member that names a key (RFC 9449, section 6.1).
const KEY: &str = "jkt";

/// The example in RFC 8705 ends in bits that no byte needs. What they are makes no difference here: the bytes are compared.
const THUMBPRINT_ENCODING: GeneralPurpose =
    GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// What must be shown beside a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// Nothing: whoever bears the token may use it.
    Unbound,
    /// All that is named.
    To(Confirmation),
    /// Something that this gate cannot check.
    Unknown,
}

/// What a token names, by SHA-256; one of the two at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Confirmation {
    /// The certificate that TLS has proved the client to hold.
    pub(crate) certificate: Option<[u8; 32]>,
    /// The key that signs proofs: its thumbprint (RFC 7638).
    pub(crate) key: Option<[u8; 32]>,
}

impl Binding {
    /// Reads the claim `cnf` (RFC 7800, section 3.1). A member that is not known here may ask for more than the known ones
    /// beside it, so it is not passed over.
    pub(crate) fn of(confirmation: Option<&Value>) -> Self {
        let Some(confirmation) = confirmation else { return Self::Unbound };
        let Some(members) = confirmation.as_object().filter(|members| !members.is_empty()) else {
            return Self::Unknown;
        };
        let mut named = Confirmation::default();
        for (name, value) in members {
            let thumbprint = value.as_str().and_then(thumbprint);
            match (name.as_str(), thumbprint) {
                (CERTIFICATE, Some(_)) => named.certificate = thumbprint,
                (KEY, Some(_)) => named.key = thumbprint,
                _ => return Self::Unknown,
            }
        }
        Self::To(named)
    }

    /// The same of a token that is verified.
    pub(crate) fn of_claims(claims: &VerifiedClaims) -> Self {
        match claims.get("cnf") {
            None => Self::Unbound,
            Some(ClaimValue::Object(text)) => {
                serde_json::from_str(text).map_or(Self::Unknown, |confirmation| Self::of(Some(&confirmation)))
            }
            Some(_) => Self::Unknown,
        }
    }
}

fn thumbprint(text: &str) -> Option<[u8; 32]> {
    THUMBPRINT_ENCODING.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_confirmation_is_read_as_the_rfcs_write_it() {
        // RFC 8705, section 3.1, and RFC 9449, section 6.1.
        let certificate = json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"});
        let key = json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"});
        let both = json!({"x5t#S256": certificate["x5t#S256"], "jkt": key["jkt"]});
        let read = |confirmation: &Value| match Binding::of(Some(confirmation)) {
            Binding::To(named) => (named.certificate.map(|bytes| bytes[0]), named.key.map(|bytes| bytes[0])),
            other => panic!("{other:?}"),
        };
        assert_eq!(read(&certificate), (Some(0x6f), None));
        assert_eq!(read(&key), (None, Some(0xd1)));
        assert_eq!(read(&both), (Some(0x6f), Some(0xd1)));
        assert_eq!(Binding::of(None), Binding::Unbound);
    }

    #[test]
    fn what_nobody_can_check_is_unknown_and_not_passed_over() {
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
        for unknown in [
            json!({}),
            json!(null),
            json!("x5t#S256"),
            json!([{"x5t#S256": thumbprint}]),
            json!({"x5t#S256": thumbprint, "jkt": "a"}),
            json!({"x5t#S256": thumbprint, "jkt": null}),
            json!({"jkt": thumbprint, "jwk": {}}),
            json!({"x5t#S256": 7}),
            json!({"x5t#S256": ""}),
            json!({"jkt": ""}),
            json!({"x5t#S256": format!("{thumbprint}=")}),
            json!({"x5t#S256": BASE64_STANDARD.encode([255; 32])}),
            json!({"x5t#s256": thumbprint}),
            json!({"JKT": thumbprint}),
        ] {
            assert_eq!(Binding::of(Some(&unknown)), Binding::Unknown, "{unknown}");
        }
    }
}
