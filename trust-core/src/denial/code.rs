//! The closed list of words by which records of denials name their reasons. Whoever counts denials counts by these, so a
//! word that is in use never comes to mean something else.

use super::Denial;
use crate::dpop::InvalidProof;
use crate::event_policy::EventRefusal;
use crate::request::MalformedRequest;
use crate::token::InvalidToken;

impl Denial {
    /// The reason in one word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::MalformedRequest(malformed) => of_request(*malformed),
            Self::ForeignHost => "foreign_host",
            Self::NoRule => "no_rule",
            Self::NoToken => "no_token",
            Self::InvalidToken(invalid) => of_token(*invalid),
            Self::InvalidProof(invalid) => of_proof(*invalid),
            Self::ReplaysUnknown => "replays_unknown",
            Self::Throttled { .. } => "throttled",
            Self::KeysUnavailable { .. } => "keys_unavailable",
            Self::KeyAwaited { .. } => "key_awaited",
            Self::TrustUnknown => "trust_unknown",
            Self::Insufficient { .. } => "insufficient_claims",
            Self::StepUp(_) => "insufficient_login",
            Self::ForeignEvent(EventRefusal::Type) => "foreign_event_type",
            Self::ForeignEvent(EventRefusal::Source) => "foreign_event_source",
            Self::TooEarly => "too_early",
        }
    }
}

fn of_request(malformed: MalformedRequest) -> &'static str {
    match malformed {
        MalformedRequest::Target => "malformed_target",
        MalformedRequest::AmbiguousPath => "ambiguous_path",
        MalformedRequest::MethodOrHost => "malformed_method_or_host",
        MalformedRequest::RepeatedHeader => "repeated_header",
        MalformedRequest::HeaderValue => "malformed_header",
        MalformedRequest::HopByHop => "hop_by_hop",
        MalformedRequest::Upgrade => "upgrade",
        MalformedRequest::MethodOverride => "method_override",
        MalformedRequest::TargetOverride => "target_override",
        MalformedRequest::UnknownSource => "unknown_source",
        MalformedRequest::TooManyHeaders => "too_many_headers",
    }
}

fn of_token(invalid: InvalidToken) -> &'static str {
    match invalid {
        InvalidToken::TooLong => "token_too_long",
        InvalidToken::Form => "token_form",
        InvalidToken::Algorithm => "token_algorithm",
        InvalidToken::CriticalExtension => "token_critical_extension",
        InvalidToken::Type => "token_type",
        InvalidToken::IssuerForm => "token_issuer_form",
        InvalidToken::UnknownIssuer => "token_unknown_issuer",
        InvalidToken::AlgorithmNotAllowed => "token_algorithm_not_allowed",
        InvalidToken::Audience => "token_audience",
        InvalidToken::Subject => "token_subject",
        InvalidToken::TimeForm => "token_time_form",
        InvalidToken::Expired => "token_expired",
        InvalidToken::NotYetValid => "token_not_yet_valid",
        InvalidToken::Bound => "token_bound",
        InvalidToken::WithoutProof => "token_without_proof",
        InvalidToken::NotBoundToKey => "token_not_bound_to_key",
        InvalidToken::Origin => "token_origin",
        InvalidToken::Revoked => "token_revoked",
        InvalidToken::UnknownKey => "token_unknown_key",
        InvalidToken::Signature => "token_signature",
    }
}

fn of_proof(invalid: InvalidProof) -> &'static str {
    match invalid {
        InvalidProof::Missing => "proof_missing",
        InvalidProof::TooLong => "proof_too_long",
        InvalidProof::Form => "proof_form",
        InvalidProof::Type => "proof_type",
        InvalidProof::CriticalExtension => "proof_critical_extension",
        InvalidProof::Algorithm => "proof_algorithm",
        InvalidProof::Method => "proof_method",
        InvalidProof::Target => "proof_target",
        InvalidProof::Time => "proof_time",
        InvalidProof::Token => "proof_token",
        InvalidProof::Identifier => "proof_identifier",
        InvalidProof::Nonce => "proof_nonce",
        InvalidProof::Key => "proof_key",
        InvalidProof::OtherKey => "proof_other_key",
        InvalidProof::Signature => "proof_signature",
        InvalidProof::Replayed => "proof_replayed",
    }
}
