//! Tokens that are bound to a client certificate.

use super::{Check, check, edit};

const FILE: &str = "client_certificate.rs";

pub(super) const CHECKS: &[Check] = &[
    check("a token's binding", "gate.rs", "self.client_certificates.check(&binding, &facts)?;", ""),
    check(
        "a certificate that is shown",
        FILE,
        "if is_shown { Ok(()) } else { Err(InvalidToken::Bound) }",
        "let _ = is_shown; Ok(())",
    ),
    check(
        "the right certificate",
        FILE,
        "shown(facts).is_some_and(|shown| bool::from(shown.ct_eq(thumbprint)))",
        "shown(facts).is_some_and(|shown| bool::from(shown.ct_eq(thumbprint)) || true)",
    ),
    check(
        "a certificate for which nobody vouches",
        FILE,
        "Binding::To(_) | Binding::Unknown => Err(InvalidToken::Bound),",
        "Binding::To(_) | Binding::Unknown => Ok(()),",
    ),
    check(
        "whether Traefik vouches for certificates",
        FILE,
        "Binding::To(Confirmation { certificate: Some(thumbprint), .. }) if self == Self::Trusted => {",
        "Binding::To(Confirmation { certificate: Some(thumbprint), .. }) => {",
    )
    .before(&[edit(
        FILE,
        "self == Self::Trusted && name.eq_ignore_ascii_case(HEADER)",
        "name.eq_ignore_ascii_case(HEADER)",
    )]),
    check(
        "whether the header of certificates is read",
        FILE,
        "self == Self::Trusted && name.eq_ignore_ascii_case(HEADER)",
        "name.eq_ignore_ascii_case(HEADER)",
    )
    .before(&[edit(
        FILE,
        "Binding::To(Confirmation { certificate: Some(thumbprint), .. }) if self == Self::Trusted => {",
        "Binding::To(Confirmation { certificate: Some(thumbprint), .. }) => {",
    )]),
    check(
        "two headers with certificates",
        FILE,
        "let (Some(value), None) = (values.next(), values.next()) else { return None };",
        "let Some(value) = values.next() else { return None };",
    ),
    check(
        "the client's own certificate among several",
        FILE,
        "value.split(|byte| *byte == b',').next()?",
        "value.rsplit(|byte| *byte == b',').next()?",
    ),
    check("a certificate that is empty", FILE, ".filter(|der| !der.is_empty())?", "?"),
    check(
        "certificates for which nobody vouches",
        FILE,
        "(self == Self::Untrusted || !spelled.eq_ignore_ascii_case(folded))",
        "!spelled.eq_ignore_ascii_case(folded)",
    ),
    check(
        "certificates in another spelling",
        FILE,
        "(self == Self::Untrusted || !spelled.eq_ignore_ascii_case(folded))",
        "(self == Self::Untrusted || spelled.is_empty())",
    ),
    check("what stands in certificates", FILE, "folded == HEADER || folded == INFO_HEADER", "folded == HEADER"),
];
