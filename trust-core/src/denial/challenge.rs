//! Challenges: what a client learns of how to do better (RFC 6750, section 3; RFC 9449, sections 7.1 and 9; RFC 9470; RFC
//! 9728, section 5.1).

use super::{Denial, StepUp};
use crate::dpop::InvalidProof;
use crate::token::{InvalidToken, TokenScheme};

/// What a gate says of itself beside the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Challenger {
    /// The scheme of the credentials that the request brought: the error is about them.
    pub(crate) scheme: TokenScheme,
    /// What proofs may be signed with; empty where none is taken.
    pub(crate) proof_algorithms: Vec<&'static str>,
    /// Where the resource's metadata lies.
    pub(crate) resource_metadata: Option<String>,
    /// What the next proof must name.
    pub(crate) nonce: Option<String>,
}

impl Challenger {
    /// The headers of an answer that challenges; none for a denial that no token would help with. All challenges stand in
    /// one header (RFC 9110, section 11.6.1), because the host sets each header once.
    pub(super) fn headers(&self, denial: &Denial) -> Vec<(&'static str, String)> {
        let Some(error) = error(denial) else { return Vec::new() };
        let takes_proofs = !self.proof_algorithms.is_empty();
        let mut challenges = Vec::new();
        let is_of_proof = self.scheme == TokenScheme::Dpop && takes_proofs;
        if !is_of_proof {
            challenges.push(self.challenge("Bearer", &error));
        }
        if is_of_proof {
            challenges.push(self.challenge("DPoP", &error));
        } else if takes_proofs && needs_scheme(denial) {
            challenges.push(self.challenge("DPoP", ""));
        }
        let nonce = self.nonce.as_ref().filter(|_| challenges.iter().any(|challenge| challenge.starts_with("DPoP")));
        let mut headers = vec![("WWW-Authenticate", challenges.join(", "))];
        headers.extend(nonce.map(|nonce| ("DPoP-Nonce", nonce.clone())));
        headers
    }

    fn challenge(&self, scheme: &str, error: &str) -> String {
        let mut challenge = format!(r#"{scheme} realm="watchgate"{error}"#);
        if scheme == "DPoP" {
            challenge.push_str(&format!(r#", algs="{}""#, self.proof_algorithms.join(" ")));
        }
        if let Some(url) = &self.resource_metadata {
            challenge.push_str(&format!(r#", resource_metadata="{url}""#));
        }
        challenge
    }
}

/// Whether the client may not know that there is another scheme.
fn needs_scheme(denial: &Denial) -> bool {
    matches!(denial, Denial::NoToken | Denial::InvalidToken(InvalidToken::WithoutProof))
}

/// The error and what belongs to it, where a token would help.
fn error(denial: &Denial) -> Option<String> {
    Some(match denial {
        // No error code without credentials (RFC 6750, section 3.1).
        Denial::NoToken => String::new(),
        // It is the token that does not fit the key (RFC 9449, figure 16).
        Denial::InvalidToken(_) | Denial::InvalidProof(InvalidProof::OtherKey) => {
            r#", error="invalid_token""#.to_owned()
        }
        Denial::InvalidProof(InvalidProof::Nonce) => r#", error="use_dpop_nonce""#.to_owned(),
        Denial::InvalidProof(_) => r#", error="invalid_dpop_proof""#.to_owned(),
        Denial::Insufficient { scope, .. } if scope.is_empty() => r#", error="insufficient_scope""#.to_owned(),
        Denial::Insufficient { scope, .. } => format!(r#", error="insufficient_scope", scope="{scope}""#),
        Denial::StepUp(step_up) => step_up.parameters(),
        Denial::NotConfigured
        | Denial::MalformedRequest(_)
        | Denial::ForeignHost
        | Denial::NoRule
        | Denial::ReplaysUnknown
        | Denial::Throttled { .. }
        | Denial::KeysUnavailable { .. }
        | Denial::KeyAwaited { .. }
        | Denial::TrustUnknown
        | Denial::ForeignEvent(_)
        | Denial::TooEarly => return None,
    })
}

impl StepUp {
    /// The challenge's parameters (RFC 9470, section 3).
    fn parameters(&self) -> String {
        let mut parameters = r#", error="insufficient_user_authentication""#.to_owned();
        if !self.acr_values.is_empty() {
            parameters.push_str(&format!(r#", acr_values="{}""#, self.acr_values));
        }
        if let Some(seconds) = self.max_age_seconds {
            parameters.push_str(&format!(r#", max_age="{seconds}""#));
        }
        parameters
    }
}
