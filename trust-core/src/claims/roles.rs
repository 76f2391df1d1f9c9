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
    /// Every role: the texts of a list, or the words of a text; without the claim there are none. Nothing is told of more
    /// than 64, of one longer than 128 bytes, of more than 4 KiB together and of a claim that holds anything else: with a part
    /// of them, a rule against a role could miss it. Nor of an exchanged token whose provider says nothing of roles, for
    /// providers need not say all.
    pub(crate) fn roles(&self) -> Option<Vec<&str>> {
        // One more than there may be is enough to know.
        let most = MAX_ROLES.saturating_add(1);
        let roles: Vec<&str> = match self.get(CLAIM) {
            None if self.exchanged_digest().is_some() => None,
            None => Some(Vec::new()),
            Some(ClaimValue::Text(words)) => Some(words.split_ascii_whitespace().take(most).collect()),
            Some(list @ ClaimValue::List(_)) => list
                .members()
                .map(|member| match member {
                    ClaimValue::Text(role) => Some(role),
                    ClaimValue::Scalar(_) | ClaimValue::List(_) | ClaimValue::Object(_) => None,
                })
                .filter(|role| *role != Some(""))
                .take(most)
                .collect(),
            Some(ClaimValue::Scalar(_) | ClaimValue::Object(_)) => None,
        }?;
        let bytes = roles.iter().fold(0_usize, |sum, role| sum.saturating_add(role.len()));
        let is_within =
            roles.len() <= MAX_ROLES && bytes <= MAX_BYTES && roles.iter().all(|role| role.len() <= MAX_ROLE_BYTES);
        is_within.then_some(roles)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::claims::record::ClaimRecord;
    use crate::claims::selection::ClaimSelection;
    use crate::claims::{TokenIdentity, Voucher};
    use crate::time::UnixSeconds;

    fn roles_in(claims: &Value, voucher: Voucher) -> Option<Vec<String>> {
        let mut selection = ClaimSelection::default();
        selection.want(CLAIM, None);
        let record = ClaimRecord::of(claims.as_object().unwrap(), &selection).unwrap();
        let identity = TokenIdentity { issuer: "https://idp.example.com".into(), voucher, digest: [7; 32] };
        let claims = VerifiedClaims::new(identity, UnixSeconds(1), record);
        claims.roles().map(|roles| roles.into_iter().map(str::to_owned).collect())
    }

    fn roles_of(claim: &Value) -> Option<Vec<String>> {
        roles_in(&json!({"sub": "ada", "roles": claim}), Voucher::Issuer)
    }

    #[test]
    fn a_list_of_texts_and_a_text_of_words_are_roles() {
        for (claim, expected) in [
            (json!(["operator", "on call", ""]), &["operator", "on call"][..]),
            (json!("operator  auditor"), &["operator", "auditor"]),
            (json!("operator"), &["operator"]),
            (json!([]), &[]),
            (json!(""), &[]),
        ] {
            assert_eq!(roles_of(&claim).unwrap(), expected, "{claim}");
        }
    }

    #[test]
    fn of_a_claim_that_holds_anything_else_nothing_is_told() {
        for claim in [
            json!(["operator", 7]),
            json!(["operator", null]),
            json!(["operator", ["admin"]]),
            json!(["operator", {"value": "admin"}]),
            json!({"admin": true}),
            json!(7),
            json!(null),
        ] {
            assert_eq!(roles_of(&claim), None, "{claim}");
        }
    }

    #[test]
    fn without_the_claim_a_token_has_none_and_of_an_exchanged_one_nobody_knows() {
        let (without, with) = (json!({"sub": "ada"}), json!({"sub": "ada", "roles": ["operator"]}));
        assert_eq!(roles_in(&without, Voucher::Issuer), Some(Vec::new()));
        assert_eq!(roles_in(&without, Voucher::Exchange(0)), None);
        assert_eq!(roles_in(&with, Voucher::Exchange(0)).unwrap(), ["operator"]);
    }

    #[test]
    fn beyond_a_bound_nothing_is_told() {
        let many = |count: usize, bytes: usize| json!((0..count).map(|_| "r".repeat(bytes)).collect::<Vec<_>>());
        for (count, bytes, is_told) in [
            (64, 64, true),
            (65, 1, false),
            (32, 128, true),
            (33, 128, false),
            (1, 128, true),
            (1, 129, false),
            (63, 65, true),
            (64, 65, false),
        ] {
            let told = roles_of(&many(count, bytes)).map(|roles| roles.len());
            assert_eq!(told, is_told.then_some(count), "{count} roles of {bytes} bytes");
        }
        assert_eq!(roles_of(&json!("r ".repeat(65))), None, "65 words");
    }
}
