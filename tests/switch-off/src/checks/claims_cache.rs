//! Claims that were verified before.

use super::{Check, check};

const CACHE: &str = "claims_cache.rs";
const SLOT: &str = "claims_cache/slot.rs";
const ISSUER: &str = "issuer.rs";
const TRUST_FILES: &str = "gate/trust_files.rs";

pub(super) const CHECKS: &[Check] = &[
    check("claims of the future", CACHE, "verified_at <= now &&", "verified_at.0 > 0 &&"),
    check(
        "claims that have ended",
        CACHE,
        "&& now < ends_at.plus(self.leeway_seconds)",
        "&& ends_at.plus(self.leeway_seconds).0 > 0",
    ),
    check(
        "what holds in an instance",
        "claims_cache/recent.rs",
        "holds.then(|| recent.claims.clone())",
        "Some(recent.claims.clone()).filter(|_| holds || !holds)",
    ),
    check(
        "what holds in the file",
        CACHE,
        "verification.holds(slot.verified_at, slot.claims.expires_at(), now).then_some((slot, verification))",
        "Some((slot, verification))",
    ),
    check(
        "the very token, in an instance",
        "claims_cache/recent.rs",
        ".filter(|recent| are_same(&recent.token, token))?;",
        ".filter(|recent| are_same(&recent.token, token) || true)?;",
    ),
    check("the very token, in the file", SLOT, "if !is_of(bytes, digest) { return None; }", ""),
    check(
        "the seal of a slot",
        SLOT,
        "if seal_of(body.get(..sealed)?, secrets) != *seal { return None; }",
        "let _ = (sealed, seal, secrets);",
    ),
    check(
        "what verified a token",
        SLOT,
        ".find(is_of_context)?",
        ".find(|verification| is_of_context(verification) || true)?",
    ),
    check("the key that verified a token", ISSUER, "part(thumbprint);", "let _ = thumbprint;"),
    check("the issuer that vouched for a token", ISSUER, "part(self.issuer.as_bytes());", ""),
    check("the leeway of a token's verification", ISSUER, "part(&self.leeway_seconds.to_le_bytes());", ""),
    check(
        "the audiences of a token's verification",
        ISSUER,
        "for list in [&self.audiences, &self.token_types, &algorithms] {",
        "for list in [&self.token_types, &algorithms] {",
    ),
    check(
        "the types of a token's verification",
        ISSUER,
        "for list in [&self.audiences, &self.token_types, &algorithms] {",
        "for list in [&self.audiences, &algorithms] {",
    ),
    check(
        "the algorithms of a token's verification",
        ISSUER,
        "for list in [&self.audiences, &self.token_types, &algorithms] {",
        "for list in [&self.audiences, &self.token_types] { let _ = &algorithms;",
    ),
    check("the claims that were kept", ISSUER, "part(name.as_bytes()); match wanted {", "match wanted {"),
    check("the members that were kept", ISSUER, "members.iter().for_each(|member| part(member.as_bytes()));", ""),
    check("tokens of an instance after a change of keys", TRUST_FILES, "self.cache.forget_recent();", ""),
    check(
        "tokens of the file after a change of keys",
        TRUST_FILES,
        "self.issuers.prepare_verifications(); self.cache.forget_recent();",
        "if self.issuers.verifications().is_empty() { self.issuers.prepare_verifications(); } self.cache.forget_recent();",
    ),
];
