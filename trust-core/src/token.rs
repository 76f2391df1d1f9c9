//! Second step of the walk: the `Authorization` header becomes a token that nobody has vouched for yet.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::request::{MalformedRequest, RequestFacts, visible};
use crate::signature::Algorithm;

/// Longer tokens are refused before they are parsed.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// What stands before a token, in any case (RFC 9110, section 11.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TokenScheme {
    /// Whoever bears the token may use it (RFC 6750, section 2.1).
    #[default]
    Bearer,
    /// Whoever proves to hold the token's key may (RFC 9449, section 7.1).
    Dpop,
}

const BEARER: &[u8] = b"Bearer";
const DPOP: &[u8] = b"DPoP";

/// Why a token is refused. The caller learns `invalid_token` and no more (RFC 6750, section 3.1); the log says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidToken {
    /// Over 16 KiB.
    #[error("the token is longer than 16 KiB")]
    TooLong,
    /// Not three base64url parts with JSON objects in the first two.
    #[error("not a JWT in compact form")]
    Form,
    /// An algorithm that is unknown, or `none`.
    #[error("the algorithm is unknown or none")]
    Algorithm,
    /// The header has extensions that must be understood (RFC 7515, section 4.1.11).
    #[error("the header has critical extensions")]
    CriticalExtension,
    /// Not a type of access token that the issuer's policy takes.
    #[error("the token's type is not that of an access token")]
    Type,
    /// `iss` is missing, or not a string.
    #[error("iss is missing or not a string")]
    IssuerForm,
    /// No policy for this issuer.
    #[error("the issuer is not trusted here")]
    UnknownIssuer,
    /// The issuer's policy does not take this algorithm.
    #[error("the issuer may not use this algorithm")]
    AlgorithmNotAllowed,
    /// `aud` is missing, malformed, or names somebody else.
    #[error("made for another audience")]
    Audience,
    /// `sub` is missing, or not a string.
    #[error("sub is missing, empty or not a string")]
    Subject,
    /// A time claim is missing where it is required, or not a number.
    #[error("exp is missing, or a time claim is not a number")]
    TimeForm,
    /// Past `exp`.
    #[error("expired")]
    Expired,
    /// Before `nbf`, or long before it was issued.
    #[error("not valid yet")]
    NotYetValid,
    /// Bound to a certificate that nobody has shown, or to something that the gate cannot check.
    #[error("bound to a certificate that the client has not shown, or to something that the gate cannot check")]
    Bound,
    /// Bound to a key, and presented as if it were not.
    #[error("bound to a key, and not presented under the scheme DPoP")]
    WithoutProof,
    /// Presented under the scheme DPoP, and bound to no key.
    #[error("presented under the scheme DPoP, and bound to no key")]
    NotBoundToKey,
    /// An exchange does not say whose token it has exchanged, or says somebody's for whom it may not speak.
    #[error("the exchange does not say which token it stands for, or may not speak for its issuer")]
    Origin,
    /// Revoked before its end.
    #[error("revoked")]
    Revoked,
    /// No key of the issuer fits.
    #[error("no key of the issuer fits the token")]
    UnknownKey,
    /// The signature does not hold.
    #[error("the signature does not hold")]
    Signature,
}

#[derive(Deserialize)]
struct TokenHeader {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// `crit` counts as soon as it is there, whatever it holds.
pub(crate) fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// A well-formed JWT. Everything in it is the client's word until [`crate::issuer::Issuers::verify`] has vouched for it.
pub(crate) struct UnverifiedToken {
    pub(crate) signed: String,
    pub(crate) signature: String,
    pub(crate) unverified_algorithm: Algorithm,
    pub(crate) unverified_type: Option<String>,
    pub(crate) unverified_kid: Option<String>,
    pub(crate) unverified_claims: Map<String, Value>,
}

impl UnverifiedToken {
    /// Splits and reads a JWT in compact form (RFC 7515, section 3.1) without believing it.
    pub(crate) fn parse(token: &str) -> Result<Self, InvalidToken> {
        Self::split(token, json_part)
    }

    /// The same for a signature over anything at all (RFC 7515), which claims nothing.
    pub(crate) fn parse_signature(token: &str) -> Result<Self, InvalidToken> {
        Self::split(token, |payload| match BASE64_URL_SAFE_NO_PAD.decode(payload) {
            Ok(_) => Ok(Map::new()),
            Err(_) => Err(InvalidToken::Form),
        })
    }

    fn split(
        token: &str,
        read_claims: impl Fn(&str) -> Result<Map<String, Value>, InvalidToken>,
    ) -> Result<Self, InvalidToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(InvalidToken::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(InvalidToken::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(InvalidToken::Form)?;
        let header: TokenHeader = json_part(header)?;
        let unverified_algorithm = Algorithm::named(&header.alg).ok_or(InvalidToken::Algorithm)?;
        if header.crit {
            return Err(InvalidToken::CriticalExtension);
        }
        Ok(Self {
            signed: signed.to_owned(),
            signature: signature.to_owned(),
            unverified_algorithm,
            unverified_type: header.typ,
            unverified_kid: header.kid,
            unverified_claims: read_claims(payload)?,
        })
    }
}

/// A token as the client presents it, unread: the claims cache knows it by its bytes.
#[derive(Clone, Copy)]
pub(crate) struct PresentedToken<'r> {
    scheme: TokenScheme,
    bytes: &'r [u8],
}

impl<'r> PresentedToken<'r> {
    pub(crate) fn scheme(self) -> TokenScheme {
        self.scheme
    }

    pub(crate) fn bytes(self) -> &'r [u8] {
        self.bytes
    }

    /// Reads it without believing it.
    pub(crate) fn read(self) -> Result<UnverifiedToken, TokenProblem> {
        Ok(UnverifiedToken::parse(visible(self.bytes)?)?)
    }
}

/// Takes the token from a request, if it brings one (RFC 6750, section 2.1; RFC 9449, section 7.1). Credentials of another
/// scheme are no token, good or bad (RFC 6750, section 3.1).
pub(crate) fn presented_token<'r>(facts: &RequestFacts<'r>) -> Result<Option<PresentedToken<'r>>, TokenProblem> {
    let Some(header) = facts.only_header_bytes("authorization")? else { return Ok(None) };
    let bearer = behind(BEARER, header).map(|bytes| (TokenScheme::Bearer, bytes));
    let Some((scheme, mut bytes)) = bearer.or_else(|| Some((TokenScheme::Dpop, behind(DPOP, header)?))) else {
        visible(header)?;
        return Ok(None);
    };
    while let Some(rest) = bytes.strip_prefix(b" ").or_else(|| bytes.strip_suffix(b" ")) {
        bytes = rest;
    }
    Ok(Some(PresentedToken { scheme, bytes }))
}

/// What stands behind a scheme, in credentials of that scheme.
fn behind<'r>(scheme: &[u8], header: &'r [u8]) -> Option<&'r [u8]> {
    let (written, bytes) = header.split_at_checked(scheme.len())?;
    let is_whole = bytes.first().is_none_or(|byte| *byte == b' ');
    (written.eq_ignore_ascii_case(scheme) && is_whole).then_some(bytes)
}

/// Why no token could be taken from a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenProblem {
    /// The request itself is malformed.
    Request(MalformedRequest),
    /// The token is.
    Token(InvalidToken),
}

impl From<MalformedRequest> for TokenProblem {
    fn from(malformed: MalformedRequest) -> Self {
        Self::Request(malformed)
    }
}

impl From<InvalidToken> for TokenProblem {
    fn from(invalid: InvalidToken) -> Self {
        Self::Token(invalid)
    }
}

/// A part of a JWT in compact form, as the JSON object that it must be.
pub(crate) fn json_part<T: for<'de> Deserialize<'de>>(encoded: &str) -> Result<T, InvalidToken> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InvalidToken::Form)?;
    // A list would be read as the members of an object in their order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(InvalidToken::Form);
    }
    // Members that nobody asks for are passed over unread, even where they are no text (RFC 7515, section 5.2).
    let text = std::str::from_utf8(&bytes).map_err(|_| InvalidToken::Form)?;
    serde_json::from_str(text).map_err(|_| InvalidToken::Form)
}
