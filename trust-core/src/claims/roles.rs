//! The caller's roles, as the gate tells them to what stands behind it.

use super::VerifiedClaims;
use super::record::ClaimValue;

/// The claim that holds them (RFC 9068, section 2.2.3.1).
pub(crate) const CLAIM: &str = "roles";

const MAX_ROLES: usize = 64;
const MAX_ROLE_BYTES: usize = 128;
/// Of all of them together: they travel in a header.
const MAX_BYTES: usize = 4 * 1024;

impl VerifiedClaims {
    /// Every role: the texts of a list, or the words of a text. Of more than 64, of one longer than 128 bytes and of more
    /// than 4 KiB together there are none: with a part of them, a rule against a role could miss it.
    pub(crate) fn roles(&self) -> Vec<&str> {
        let claim = self.get(CLAIM);
        let words = match claim {
            Some(ClaimValue::Text(words)) => words,
            _ => "",
        };
        let texts = claim.into_iter().flat_map(ClaimValue::members).filter_map(|member| match member {
            ClaimValue::Text(role) => Some(role),
            ClaimValue::Scalar(_) | ClaimValue::List(_) | ClaimValue::Object(_) => None,
        });
        let roles = words.split_ascii_whitespace().chain(texts).filter(|role| !role.is_empty());
        // One more than there may be is enough to know.
        let roles: Vec<&str> = roles.take(MAX_ROLES.saturating_add(1)).collect();
        let bytes = roles.iter().fold(0_usize, |sum, role| sum.saturating_add(role.len()));
        let is_within =
            roles.len() <= MAX_ROLES && bytes <= MAX_BYTES && roles.iter().all(|role| role.len() <= MAX_ROLE_BYTES);
        if is_within { roles } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::claims::record::ClaimRecord;
    use crate::claims::selection::ClaimSelection;
    use crate::time::UnixSeconds;

    fn roles_of(claim: &Value) -> Vec<String> {
        let mut selection = ClaimSelection::default();
        selection.want(CLAIM, None);
        let claims = json!({"sub": "ada", "roles": claim});
        let record = ClaimRecord::of(claims.as_object().unwrap(), &selection).unwrap();
        let claims = VerifiedClaims::new("https://idp.example.com", UnixSeconds(1), record);
        claims.roles().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_list_of_texts_and_a_text_of_words_are_roles_and_nothing_else_is() {
        for (claim, expected) in [
            (json!(["operator", "on call"]), &["operator", "on call"][..]),
            (json!("operator  auditor"), &["operator", "auditor"]),
            (json!("operator"), &["operator"]),
            (json!(["operator", 7, true, null, ["admin"], {"name": "admin"}, ""]), &["operator"]),
            (json!({"admin": true}), &[]),
            (json!(7), &[]),
            (json!(null), &[]),
            (json!(""), &[]),
        ] {
            assert_eq!(roles_of(&claim), expected, "{claim}");
        }
    }

    #[test]
    fn beyond_a_bound_there_are_no_roles_at_all() {
        let many = |count: usize, bytes: usize| json!((0..count).map(|_| "r".repeat(bytes)).collect::<Vec<_>>());
        for (count, bytes, expected) in
            [(64, 64, 64), (65, 1, 0), (32, 128, 32), (33, 128, 0), (1, 128, 1), (1, 129, 0), (63, 65, 63), (64, 65, 0)]
        {
            assert_eq!(roles_of(&many(count, bytes)).len(), expected, "{count} roles of {bytes} bytes");
        }
        assert_eq!(roles_of(&json!("r ".repeat(65))), [""; 0], "65 words");
    }
}
