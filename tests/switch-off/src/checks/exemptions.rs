//! Refusals that no check switches off, each with the reason.

/// Places in one file.
pub(crate) struct Exemption {
    pub(crate) file: &'static str,
    pub(crate) texts: &'static [&'static str],
    /// Why there is nothing to switch off.
    #[expect(dead_code, reason = "for whoever reads the list")]
    pub(crate) because: &'static str,
}

/// Files in which no refusal is decided.
pub(crate) const EXEMPT_FILES: &[(&str, &str)] = &[
    ("denial.rs", "says what a refusal looks like from outside"),
    ("denial/challenge.rs", "says what a client may do about a refusal"),
    ("denial/code.rs", "names the refusals"),
    ("gate/explanation/token.rs", "explains a decision that was made elsewhere"),
    ("token_verifier.rs", "serves the command line; its checks are those of issuer.rs and keys.rs"),
];

const fn exempt(file: &'static str, because: &'static str, texts: &'static [&'static str]) -> Exemption {
    Exemption { file, texts, because }
}

pub(crate) const EXEMPTIONS: &[Exemption] = &[
    exempt(
        "gate.rs",
        "puts a refusal of one step into the words of the walk",
        &[
            "Untaggable::Malformed(malformed) => Self::MalformedRequest(malformed),",
            "Untaggable::Refused(refusal) => Self::ForeignEvent(refusal),",
        ],
    ),
    exempt(
        "gate/vouching.rs",
        "puts a refusal of one step into the words of the walk",
        &[
            "Unverified::Invalid(invalid) => Denial::InvalidToken(invalid),",
            "Unverified::KeysUnavailable { issuer } => Denial::KeysUnavailable { of: issuer },",
            "Unverified::UnknownKid { issuer, since } => match &self.kept_trust {",
        ],
    ),
    exempt(
        "gate/vouching.rs",
        "without the key there is nothing to check a signature with",
        &["None => InvalidToken::UnknownKey.into(),"],
    ),
    exempt(
        "issuer.rs",
        "asks whether a key may come; without one there is nothing to check a signature with",
        &["return Err(Unverified::UnknownKid { issuer: Arc::clone(&issuer.policy.issuer), since });"],
    ),
    exempt(
        "issuer.rs",
        "without the member there is nothing to go on with",
        &[
            "let origin = token.unverified_claims.get(\"origin\").ok_or(InvalidToken::Origin)?;",
            "let member = |name: &str| origin.get(name).and_then(Value::as_str).ok_or(InvalidToken::Origin);",
        ],
    ),
    exempt(
        "dpop/token_request.rs",
        "for services of ours, and no part of a gate's walk; its own tests and those of sessions hold it",
        &[
            "let facts = RequestFacts::read(&raw).map_err(|_| InvalidProof::Target)?;",
            "let text = facts.only_header_value(HEADER).map_err(|_| InvalidProof::Form)?.ok_or(InvalidProof::Missing)?;",
        ],
    ),
    exempt(
        "kept_trust.rs",
        "without the key there is nothing to check a signature with",
        &["_ => InvalidToken::UnknownKey.into(),"],
    ),
    exempt(
        "gate/refusal.rs",
        "asks what was decided before",
        &[
            "if let Denial::InvalidToken(invalid) = denial && throttle::is_counted(*invalid)",
            "let is_upgrade = *denial == Denial::MalformedRequest(MalformedRequest::Upgrade);",
        ],
    ),
    exempt(
        "token.rs",
        "without the part there is nothing to go on with",
        &[
            "token.rsplit_once('.').ok_or(InvalidToken::Form)?",
            "signed.split_once('.').ok_or(InvalidToken::Form)?",
            "serde_json::from_str(text).map_err(|_| InvalidToken::Form)",
        ],
    ),
    exempt(
        "token.rs",
        "serves the command line, which checks signatures of anything",
        &["Err(_) => Err(InvalidToken::Form),"],
    ),
    exempt(
        "issuer.rs",
        "no token of 16 KiB has a claim of 64 KiB; the form of records asks for an answer",
        &["ClaimRecord::of(&token.unverified_claims, &self.selection).ok_or(InvalidToken::TooLong)?"],
    ),
    exempt(
        "keys.rs",
        "without a set there is nothing to go on with",
        &["let Object(set): Object<JwkSet> = serde_json::from_slice(bytes).map_err(|_| InvalidJwks::Form)?;"],
    ),
    exempt(
        "keys/public.rs",
        "without a member there is nothing to go on with",
        &["Jwk::deserialize(entry).map_err(|_| Unfit::Form)?", "_ => Err(Unfit::Form),"],
    ),
    exempt(
        "keys/public.rs",
        "only names the reason: a secret has no form among public keys, and no algorithm of theirs takes one",
        &["(Some(\"oct\"), _) => return Err(Unfit::SharedSecret),"],
    ),
    exempt(
        "keys/public.rs",
        "the numbers and points themselves are checked in signature/rsa.rs, signature/ecdsa.rs and signature/ed25519.rs",
        &[
            "rsa_key(&rsa.n, &rsa.e).ok_or(Unfit::Rsa)",
            "curve_key(&point.curve, &point.x, &point.y).ok_or(Unfit::Point)",
            "key.ok_or(Unfit::Point)?",
        ],
    ),
    exempt(
        "keys/secret.rs",
        "without a member there is nothing to go on with",
        &[
            "let Object(set): Object<SecretSet> = serde_json::from_slice(bytes).map_err(|_| InvalidJwks::Form)?;",
            "entry.k.as_ref().ok_or(InvalidJwks::Form)?",
        ],
    ),
    exempt(
        "transaction_token.rs",
        "without the part there is nothing to go on with",
        &[
            "token.rsplit_once('.').ok_or(InvalidTransactionToken::Form)?",
            "signed.split_once('.').ok_or(InvalidTransactionToken::Form)?",
            "BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InvalidTransactionToken::Form)?",
            "serde_json::from_slice(&bytes).map_err(|_| InvalidTransactionToken::Form)",
        ],
    ),
    exempt(
        "transaction_token.rs",
        "an HMAC takes a key of any length; its library asks for an answer",
        &["mac(key, signed.as_bytes()) .ok_or(InvalidTransactionToken::UnknownKey)?"],
    ),
    exempt(
        "dpop/proof.rs",
        "without the part there is nothing to go on with",
        &[
            "text.rsplit_once('.').ok_or(InvalidProof::Form)?",
            "signed.split_once('.').ok_or(InvalidProof::Form)?",
            "let header: ProofHeader = json_part(header).map_err(|_| InvalidProof::Form)?;",
            "let claims: ProofClaims = json_part(claims).map_err(|_| InvalidProof::Form)?;",
        ],
    ),
];
