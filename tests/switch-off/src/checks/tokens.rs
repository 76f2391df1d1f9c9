//! What a token must say.

use super::{Check, check, edit};

const TOKEN: &str = "token.rs";
const ISSUER: &str = "issuer.rs";
const GATE: &str = "gate.rs";
const VOUCHING: &str = "gate/vouching.rs";

pub(super) const CHECKS: &[Check] = &[
    check("the bearer scheme", TOKEN, "(written.eq_ignore_ascii_case(scheme) && is_whole)", "is_whole"),
    check(
        "the scheme as a whole",
        TOKEN,
        "(written.eq_ignore_ascii_case(scheme) && is_whole)",
        "(written.eq_ignore_ascii_case(scheme) && (is_whole || true))",
    ),
    check(
        "a header that is no bearer token",
        TOKEN,
        "visible(header)?; return Ok(None);",
        "return Ok(Some(PresentedToken { scheme: TokenScheme::Bearer, bytes: header }));",
    ),
    check("another scheme that is visible ASCII", TOKEN, "visible(header)?;", ""),
    // Without claims there is no permit to be had, so no edit lets the request pass: what is off is the answer.
    check(
        "a token that is missing",
        GATE,
        "presented_token(&facts)?.ok_or(Denial::NoToken)?",
        "presented_token(&facts)?.ok_or(InvalidToken::Form)?",
    ),
    check(
        "a token that is too long, before the cache",
        VOUCHING,
        "if token.bytes().len() > MAX_TOKEN_BYTES { return Err(InvalidToken::TooLong.into()); }",
        "",
    )
    .before(&[edit(TOKEN, "if token.len() > MAX_TOKEN_BYTES { return Err(InvalidToken::TooLong); }", "")]),
    check(
        "a token that is too long, before it is read",
        TOKEN,
        "if token.len() > MAX_TOKEN_BYTES { return Err(InvalidToken::TooLong); }",
        "",
    )
    .before(&[edit(
        VOUCHING,
        "if token.bytes().len() > MAX_TOKEN_BYTES { return Err(InvalidToken::TooLong.into()); }",
        "",
    )]),
    check(
        "an algorithm that is known",
        TOKEN,
        "Algorithm::named(&header.alg).ok_or(InvalidToken::Algorithm)?",
        "Algorithm::named(&header.alg).unwrap_or(Algorithm::EdDSA)",
    ),
    check(
        "an algorithm's name byte by byte",
        "signature/algorithm.rs",
        "find(|algorithm| algorithm.name() == name)",
        "find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))",
    ),
    check(
        "critical extensions",
        TOKEN,
        "if header.crit { return Err(InvalidToken::CriticalExtension); }",
        "let _ = header.crit;",
    ),
    check(
        "critical extensions that are null",
        TOKEN,
        "serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)",
        "Option::<serde::de::IgnoredAny>::deserialize(deserializer).map(|held| held.is_some())",
    ),
    check(
        "one base64 alone",
        TOKEN,
        "let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InvalidToken::Form)?;",
        "let bytes = base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)).decode(encoded.replace('+', \"-\").replace('/', \"_\")).map_err(|_| InvalidToken::Form)?;",
    ),
    check(
        "a part that is text",
        TOKEN,
        "let text = std::str::from_utf8(&bytes).map_err(|_| InvalidToken::Form)?;",
        "let text = &*String::from_utf8_lossy(&bytes);",
    ),
    check(
        "a header that is an object",
        TOKEN,
        "if !bytes.trim_ascii_start().starts_with(b\"{\") { return Err(InvalidToken::Form); }",
        "",
    ),
    check(
        "an issuer that is text",
        ISSUER,
        "_ => return Err(InvalidToken::IssuerForm),",
        "_ => self.all.first().map_or(\"\", |issuer| &*issuer.policy.issuer),",
    ),
    check(
        "an issuer that is trusted",
        ISSUER,
        ".ok_or(InvalidToken::UnknownIssuer)?;",
        ".or(self.all.first()).ok_or(InvalidToken::UnknownIssuer)?;",
    ),
    check(
        "an issuer byte by byte",
        ISSUER,
        "*issuer.policy.issuer == *unverified_issuer)",
        "unverified_issuer.to_lowercase().starts_with(&*issuer.policy.issuer))",
    ),
    check(
        "the subject",
        ISSUER,
        "if !matches!(token.unverified_claims.get(\"sub\"), Some(Value::String(subject)) if !subject.is_empty()) { return Err(InvalidToken::Subject); }",
        "",
    ),
    check(
        "an empty subject",
        ISSUER,
        "Some(Value::String(subject)) if !subject.is_empty())",
        "Some(Value::String(_)))",
    ),
    check(
        "an algorithm that the issuer may use",
        ISSUER,
        "if !self.algorithms.contains(&token.unverified_algorithm) { return Err(InvalidToken::AlgorithmNotAllowed); }",
        "",
    ),
    check(
        "the type of a token",
        ISSUER,
        "if !is_access_token { return Err(InvalidToken::Type); }",
        "let _ = is_access_token;",
    ),
    check(
        "a type that is missing",
        ISSUER,
        "token.unverified_type.as_deref().is_some_and(",
        "token.unverified_type.as_deref().is_none_or(",
    ),
    check(
        "a type as a whole",
        ISSUER,
        "|allowed| allowed.eq_ignore_ascii_case(rest))",
        "|allowed| rest.starts_with(allowed.as_str()))",
    ),
    check("a type of another tree", ISSUER, "tree.eq_ignore_ascii_case(\"application\") &&", "!tree.is_empty() &&"),
    check(
        "the audience",
        ISSUER,
        "if !self.is_audience(token.unverified_claims.get(\"aud\")) { return Err(InvalidToken::Audience); }",
        "",
    ),
    check(
        "an audience as a whole",
        ISSUER,
        "|audience| audience == name);",
        "|audience| name.starts_with(audience.as_str()));",
    ),
    check("audiences that are no text", ISSUER, "names.iter().all(Value::is_string) &&", ""),
    check(
        "an expiry that is missing",
        ISSUER,
        "numeric_date(token, \"exp\")?.ok_or(InvalidToken::TimeForm)?",
        "numeric_date(token, \"exp\")?.unwrap_or(UnixSeconds(u64::MAX))",
    ),
    check(
        "the expiry",
        ISSUER,
        "if expires_at.plus(self.leeway_seconds) <= now { return Err(InvalidToken::Expired); }",
        "",
    ),
    check(
        "the beginning",
        ISSUER,
        "> now.plus(self.leeway_seconds)) { return Err(InvalidToken::NotYetValid); }",
        "> UnixSeconds(u64::MAX)) { return Err(InvalidToken::NotYetValid); }",
    ),
    check(
        "when it was issued",
        ISSUER,
        "let issued_at = numeric_date(token, \"iat\")?;",
        "let issued_at = numeric_date(token, \"iat\").ok().flatten();",
    ),
    check(
        "a token of the future",
        ISSUER,
        "if issued_at.is_some_and(|issued_at| issued_at > now.plus(MOST_SECONDS_AHEAD)) { return Err(InvalidToken::NotYetValid); }",
        "let _ = issued_at;",
    ),
    check("times that are no numbers", ISSUER, "Some(_) => Err(InvalidToken::TimeForm),", "Some(_) => Ok(None),"),
    check(
        "times beyond all numbers",
        ISSUER,
        "UnixSeconds::of(number).map(Some).ok_or(InvalidToken::TimeForm)",
        "Ok(Some(UnixSeconds::of(number).unwrap_or(UnixSeconds(u64::MAX))))",
    ),
    check(
        "a binding that nobody can check",
        ISSUER,
        "if Binding::of(token.unverified_claims.get(\"cnf\")) == Binding::Unknown { return Err(InvalidToken::Bound); }",
        "",
    )
    .before(&[edit(
        "client_certificate.rs",
        "Binding::To(_) | Binding::Unknown => Err(InvalidToken::Bound),",
        "Binding::To(_) => Err(InvalidToken::Bound), Binding::Unknown => Ok(()),",
    )]),
    check(
        "keys that are not there",
        ISSUER,
        "let Some(keys) = &issuer.keys else { return Err(Unverified::KeysUnavailable { issuer: issuer.policy.issuer.to_string() }); };",
        "let Some(keys) = &issuer.keys else { return Ok((self.claims(issuer, expires_at, token)?, issuer.policy.verification(&[0; 32], &self.selection))); };",
    ),
    check(
        "keys that are gone",
        "gate/trust_files.rs",
        "issuer.keys = keys; outcome",
        "if keys.is_some() { issuer.keys = keys; } outcome",
    ),
    check(
        "the gate's own keys",
        "gate/forwarding.rs",
        "if let Some(setting) = &self.transaction { let unavailable = || Denial::KeysUnavailable { of: \"this gate\".to_owned() };",
        "if let Some(setting) = self.transaction.as_ref().filter(|setting| setting.keys.is_some()) { let unavailable = || Denial::KeysUnavailable { of: \"this gate\".to_owned() };",
    ),
];
