//! Tokens that are bound to a key, and proofs of holding it.

use super::{Check, check, edit};

const GATE: &str = "gate.rs";
const DPOP: &str = "dpop.rs";
const PROOF: &str = "dpop/proof.rs";
const TARGET: &str = "dpop/target.rs";
const NONCE: &str = "dpop/nonce.rs";
const BINDING: &str = "binding.rs";
const KEYS: &str = "keys.rs";

pub(super) const CHECKS: &[Check] = &[
    check(
        "a token's key",
        GATE,
        "proof = self.proofs.check(&binding, token, claims.exchanged_digest(), &facts, now)?;",
        "proof = self.proofs.check(&binding, token, claims.exchanged_digest(), &facts, now).unwrap_or_default();",
    ),
    check("that a proof is spent", GATE, "proof.spend(shared)?;", "let _ = proof;"),
    check(
        "that a proof is spent last",
        GATE,
        "proof = self.proofs.check(&binding, token, claims.exchanged_digest(), &facts, now)?;",
        "proof = self.proofs.check(&binding, token, claims.exchanged_digest(), &facts, now)?; if let Some(early) = proof.take() { early.spend(shared)?; }",
    ),
    check(
        "a bound token as a bearer token",
        DPOP,
        "(TokenScheme::Bearer, Some(_)) => Err(InvalidToken::WithoutProof.into()),",
        "(TokenScheme::Bearer, Some(_)) => Ok(None),",
    ),
    check(
        "an unbound token with a proof",
        DPOP,
        "(TokenScheme::Dpop, None) => Err(InvalidToken::NotBoundToKey.into()),",
        "(TokenScheme::Dpop, None) => Ok(None),",
    ),
    check(
        "the token that the client holds",
        DPOP,
        "original_digest.copied().unwrap_or_else(|| Sha256::digest(token.bytes()).into())",
        "original_digest.copied().filter(|_| false).unwrap_or_else(|| Sha256::digest(token.bytes()).into())",
    ),
    check(
        "nonces without a key",
        DPOP,
        "if self.nonces.are_wanted_but_cannot_be_made() { return Err(Denial::KeysUnavailable { of: \"this gate\".to_owned() }); }",
        "",
    ),
    // Without a proof there is nothing to go on with, so no edit lets the request pass: what is off is the answer.
    check(
        "a proof that is missing",
        DPOP,
        "facts.only_header_value(HEADER)?.ok_or(InvalidProof::Missing)?",
        "facts.only_header_value(HEADER)?.unwrap_or_default()",
    ),
    check(
        "two proofs",
        DPOP,
        "facts.only_header_value(HEADER)?.ok_or(InvalidProof::Missing)?",
        "facts.header_values(HEADER).next().and_then(|value| std::str::from_utf8(value).ok()).ok_or(InvalidProof::Missing)?",
    ),
    check(
        "a proof that was used",
        DPOP,
        "Claim::Before => Err(InvalidProof::Replayed.into()),",
        "Claim::Before => Ok(()),",
    ),
    check(
        "a proof that nobody can write down",
        DPOP,
        "Claim::Unknown => Err(Denial::ReplaysUnknown),",
        "Claim::Unknown => Ok(()),",
    ),
    check(
        "whose proof was used",
        DPOP,
        "Sha256::new().chain_update(held.key).chain_update(&held.jti).finalize()",
        "Sha256::new().chain_update(held.key).finalize()",
    ),
    check("the length of a proof", PROOF, "if text.len() > MAX_PROOF_BYTES { return Err(InvalidProof::TooLong); }", ""),
    check(
        "the type of a proof",
        PROOF,
        "if header.typ.as_deref() != Some(\"dpop+jwt\") { return Err(InvalidProof::Type); }",
        "let _ = &header.typ;",
    ),
    check(
        "a proof without a type",
        PROOF,
        "if header.typ.as_deref() != Some(\"dpop+jwt\") {",
        "if header.typ.as_deref().is_some_and(|typ| typ != \"dpop+jwt\") {",
    ),
    check(
        "critical extensions of a proof",
        PROOF,
        "if header.crit { return Err(InvalidProof::CriticalExtension); }",
        "let _ = header.crit;",
    ),
    check(
        "an algorithm that proofs may have",
        PROOF,
        ".filter(|algorithm| self.policy.algorithms.contains(algorithm));",
        ";",
    ),
    check(
        "an algorithm of a proof that is known",
        PROOF,
        "algorithm.ok_or(InvalidProof::Algorithm)",
        "Ok(algorithm.unwrap_or(Algorithm::ES256))",
    ),
    check(
        "the method of a proof",
        PROOF,
        "if claims.htm != self.facts.method() { return Err(InvalidProof::Method); }",
        "let _ = &claims.htm;",
    ),
    check(
        "the method of a proof byte by byte",
        PROOF,
        "if claims.htm != self.facts.method() {",
        "if !claims.htm.eq_ignore_ascii_case(self.facts.method()) {",
    ),
    check(
        "a time of a proof that is one",
        PROOF,
        "UnixSeconds::of(&claims.iat).ok_or(InvalidProof::Form)?",
        "UnixSeconds::of(&claims.iat).unwrap_or(self.now)",
    ),
    check(
        "the age of a proof",
        PROOF,
        "if !is_new || made_at > self.now.plus(LEEWAY_SECONDS) { return Err(InvalidProof::Time); }",
        "if made_at > self.now.plus(LEEWAY_SECONDS) { let _ = is_new; return Err(InvalidProof::Time); }",
    ),
    check(
        "a proof of the future",
        PROOF,
        "if !is_new || made_at > self.now.plus(LEEWAY_SECONDS) {",
        "if !is_new || LEEWAY_SECONDS == 0 {",
    ),
    check(
        "the token of a proof",
        PROOF,
        "if claims.ath != self.token_digest.map(|digest| BASE64_URL_SAFE_NO_PAD.encode(digest)) { return Err(InvalidProof::Token); }",
        "let _ = (&claims.ath, self.token_digest);",
    ),
    check(
        "a proof for no token",
        PROOF,
        "if claims.ath != self.token_digest.map(|digest| BASE64_URL_SAFE_NO_PAD.encode(digest)) {",
        "if claims.ath.is_some() && claims.ath != self.token_digest.map(|digest| BASE64_URL_SAFE_NO_PAD.encode(digest)) {",
    ),
    check(
        "the name of a proof",
        PROOF,
        "if !(1..=MAX_JTI_BYTES).contains(&claims.jti.len()) { return Err(InvalidProof::Identifier); }",
        "let _ = MAX_JTI_BYTES;",
    ),
    check(
        "a proof with an empty name",
        PROOF,
        "if !(1..=MAX_JTI_BYTES).contains(",
        "if !(0..=MAX_JTI_BYTES).contains(",
    ),
    check(
        "the address of a proof",
        PROOF,
        "if !target::is_named_by(&claims.htu, self.facts, &self.policy.origins) { return Err(InvalidProof::Target); }",
        "let _ = target::is_named_by(&claims.htu, self.facts, &self.policy.origins);",
    ),
    check(
        "the nonce of a proof",
        PROOF,
        "if !self.policy.nonces.accept(claims.nonce.as_deref(), self.now) { return Err(InvalidProof::Nonce); }",
        "let _ = &claims.nonce;",
    ),
    check(
        "a proof's key that can be trusted",
        PROOF,
        "proof_key(jwk).map_err(|_| InvalidProof::Key)?",
        "proof_key(jwk).map_err(|_| InvalidProof::OtherKey)?",
    ),
    check(
        "a proof with the token's key",
        PROOF,
        "if is_wanted { Ok(key) } else { Err(InvalidProof::OtherKey) }",
        "let _ = is_wanted; Ok(key)",
    ),
    check(
        "the signature of a proof",
        PROOF,
        "key.verify(algorithm, signed.as_bytes(), &signature).map_err(|_| InvalidProof::Signature)?;",
        "let _ = key.verify(algorithm, signed.as_bytes(), &signature);",
    ),
    check(
        "one spelling of a proof's signature",
        PROOF,
        "BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| InvalidProof::Signature)?",
        "BASE64_URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')).map_err(|_| InvalidProof::Signature)?",
    ),
    check(
        "the private part of a proof's key",
        KEYS,
        "if PRIVATE.iter().any(|member| jwk.get(member).is_some()) { return Err(Unfit::Private); }",
        "let _ = PRIVATE;",
    ),
    check("http never as https", TARGET, "uri.is_secure == is_secure &&", ""),
    check("the scheme of a proof's address", TARGET, "_ => return None,", "_ => true,"),
    check(
        "the host of a proof's address",
        TARGET,
        "&& without_default_port(&uri.authority, is_secure) == without_default_port(host, is_secure)",
        "&& without_default_port(&uri.authority, is_secure).len() < usize::MAX",
    ),
    check(
        "the path of a proof's address",
        TARGET,
        "plain_path(uri.path).is_some_and(|path| path == facts.path())",
        "plain_path(uri.path).is_some()",
    ),
    check(
        "one reading of a proof's address",
        TARGET,
        "plain_path(uri.path).is_some_and(|path| path == facts.path())",
        "plain_path(uri.path).is_none_or(|path| path == facts.path())",
    ),
    check(
        "an origin for a proof's address",
        TARGET,
        "origins.iter().find(|origin| origin.is_named_by(host))) else { return false };",
        "origins.iter().find(|origin| origin.is_named_by(host))) else { return true };",
    ),
    check(
        "a nonce that is there",
        NONCE,
        "decoded.filter(|nonce| nonce.len() == NONCE_BYTES) else { return false };",
        "decoded.filter(|nonce| nonce.len() == NONCE_BYTES) else { return nonce.is_none() };",
    ),
    check(
        "a nonce as a whole",
        NONCE,
        "decoded.filter(|nonce| nonce.len() == NONCE_BYTES)",
        "decoded.filter(|nonce| nonce.len() <= NONCE_BYTES)",
    ),
    check(
        "a nonce of the gate's own",
        NONCE,
        "mac.is_some_and(|mac| mac.verify_truncated_left(&nonce).is_ok())",
        "mac.is_some_and(|mac| mac.verify_truncated_left(&nonce).is_ok() || true)",
    ),
    check(
        "a nonce of this host",
        NONCE,
        "mac.chain_update(period.to_be_bytes()).chain_update(host)",
        "mac.chain_update(period.to_be_bytes()).chain_update(host.get(..0).unwrap_or_default())",
    ),
    check("the time of a nonce", NONCE, "now.0 / PERIOD_SECONDS", "now.0.min(PERIOD_SECONDS)"),
    check(
        "the name of this host",
        "gate/trust_files.rs",
        "self.proofs.take_host(kept_trust.host().map(str::to_owned));",
        "",
    ),
    check("a binding that asks for more", BINDING, "_ => return Self::Unknown,", "_ => {}"),
    check(
        "a binding that is empty",
        BINDING,
        "confirmation.as_object().filter(|members| !members.is_empty())",
        "confirmation.as_object()",
    ),
    check(
        "a proof that goes on",
        "gate/forwarding.rs",
        "(folded == \"authorization\" || folded == dpop::HEADER)",
        "(folded == \"authorization\")",
    ),
    check("that a proof is read", GATE, "\"traceparent\", dpop::HEADER];", "\"traceparent\", \"authorization\"];"),
    check(
        "a proof of another scheme",
        "token.rs",
        "bearer.or_else(|| Some((TokenScheme::Dpop, behind(DPOP, header)?)))",
        "bearer.or_else(|| Some((TokenScheme::Bearer, behind(DPOP, header)?)))",
    ),
    check(
        "a token that is bound, when it is cached",
        BINDING,
        "match claims.get(\"cnf\") { None => Self::Unbound,",
        "match claims.get(\"cnf\").filter(|_| false) { None => Self::Unbound,",
    ),
    check(
        "a binding that nobody can check, on the walk",
        "client_certificate.rs",
        "Binding::To(_) | Binding::Unknown => Err(InvalidToken::Bound),",
        "Binding::To(_) => Err(InvalidToken::Bound), Binding::Unknown => Ok(()),",
    )
    .before(&[edit(
        "issuer.rs",
        "if Binding::of(token.unverified_claims.get(\"cnf\")) == Binding::Unknown { return Err(InvalidToken::Bound); }",
        "",
    )]),
];
