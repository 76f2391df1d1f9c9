//! Rules: which one decides, and what it asks for.

use super::{Check, check, edit};

const MATCHES: &str = "rules/request.rs";
const CLAIM: &str = "rules/claim.rs";
const EXPRESSION: &str = "rules/expression.rs";
const PERMIT: &str = "permit.rs";
const CLAIMS: &str = "claims.rs";

pub(super) const CHECKS: &[Check] = &[
    check(
        "a rule that matches",
        "gate.rs",
        ".find(&mut matches).ok_or(Denial::NoRule)?",
        ".find(&mut matches).or(self.rules.first()).ok_or(Denial::NoRule)?",
    ),
    check(
        "a rule that is not public",
        PERMIT,
        "Access::Authenticated(_) => None,",
        "Access::Authenticated(_) => Some(Self { rule, claims: None }),",
    ),
    check(
        "what a rule requires",
        PERMIT,
        "if satisfied(requirement, &claims, now) {",
        "if satisfied(requirement, &claims, now) || true {",
    ),
    check(
        "a login that would help",
        PERMIT,
        "Err(step_up(rule, requirement, &claims, now).map_or_else( || Denial::Insufficient { rule: rule.name().to_owned(), scope: wanted_scopes(requirement) }, Denial::StepUp, ))",
        "let _ = step_up(rule, requirement, &claims, now); Err(Denial::Insufficient { rule: rule.name().to_owned(), scope: wanted_scopes(requirement) })",
    ),
    check(
        "a path as a whole",
        MATCHES,
        "Self::Path(path) => facts.path() == path,",
        "Self::Path(path) => facts.path().starts_with(path.as_str()),",
    ),
    check(
        "a prefix by whole segments",
        MATCHES,
        "is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))",
        "is_some()",
    ),
    check(
        "a pattern at both ends",
        MATCHES,
        "Regex::new(&format!(\"{BEGINNING}{pattern}{END}\"))",
        "Regex::new(pattern)",
    ),
    check(
        "the method",
        MATCHES,
        "Self::Method(method) => facts.method() == method,",
        "Self::Method(method) => !method.is_empty(),",
    ),
    check(
        "the host",
        MATCHES,
        "Self::Host(host) => facts.host_name() == host,",
        "Self::Host(host) => !host.is_empty(),",
    ),
    check(
        "a header",
        MATCHES,
        "is_some_and(|value| pattern.is_match(value))",
        "is_some_and(|value| pattern.is_match(value) && value.is_empty())",
    ),
    check(
        "an address",
        MATCHES,
        "is_some_and(|source| network.contains(source))",
        "is_some_and(|source| network.contains(source) && source.is_loopback())",
    ),
    check(
        "any address",
        MATCHES,
        "Self::ClientIp(network) => facts.source().is_some_and(",
        "Self::ClientIp(network) => facts.source().is_none_or(|source| !source.is_loopback()) || facts.source().is_some_and(",
    ),
    check(
        "a scope as a whole",
        CLAIM,
        "claims.scopes().any(|held| held == scope)",
        "claims.scopes().any(|held| held.starts_with(scope.as_str()))",
    ),
    check(
        "scopes that are text",
        CLAIMS,
        "Some(scope) } _ => None, }))",
        "Some(scope) } _ => Some(\"events:read\"), }))",
    ),
    check("a role", CLAIM, "claims.list_holds(\"roles\", role)", "claims.get(\"roles\").is_some() || role.is_empty()"),
    check(
        "a group",
        CLAIM,
        "claims.list_holds(\"groups\", group)",
        "claims.get(\"groups\").is_some() || group.is_empty()",
    ),
    check(
        "a member of a list as a whole",
        CLAIMS,
        ".filter_map(ClaimValue::scalar).any(|held| held == value)",
        ".filter_map(ClaimValue::scalar).any(|held| held.starts_with(value))",
    )
    .before(&[edit(
        "claims/selection.rs",
        "members.contains(&text))",
        "members.iter().any(|member| text.starts_with(member.as_str())))",
    )]),
    check(
        "a text in the place of a list, as a whole",
        CLAIMS,
        "claim == ClaimValue::Text(value) ||",
        "claim.scalar().is_some_and(|text| text.starts_with(value)) ||",
    ),
    check(
        "a context of the login",
        CLAIM,
        "claims.text(\"acr\") == Some(acr)",
        "claims.text(\"acr\").is_some() || acr.is_empty()",
    ),
    check("the issuer that a rule names", CLAIM, "claims.issuer() == issuer", "!issuer.is_empty()"),
    check(
        "a claim's value",
        CLAIM,
        "claims.get(name).and_then(ClaimValue::scalar) == Some(value)",
        "claims.get(name).is_some() || value.is_empty()",
    ),
    check(
        "a member that a rule names",
        CLAIM,
        "claims.list_holds(name, value)",
        "claims.get(name).is_some() || value.is_empty()",
    ),
    check("a login that is too old", CLAIM, "at.plus(*seconds) >= now &&", "*seconds > 0 &&"),
    check("a login of the future", CLAIM, "&& at <= now.plus(CLOCK_SKEW_SECONDS))", ")"),
    check(
        "a login whose time is a number",
        CLAIM,
        "Some(ClaimValue::Scalar(number)) =>",
        "Some(ClaimValue::Scalar(number) | ClaimValue::Text(number)) =>",
    ),
    check("a token that is bound", CLAIM, "claims.get(\"cnf\").is_some()", "true"),
    check(
        "a condition that must not hold",
        EXPRESSION,
        "Self::Not(inner) => !inner.holds(condition),",
        "Self::Not(inner) => inner.holds(condition) || true,",
    ),
    check(
        "all conditions",
        EXPRESSION,
        "Self::All(parts) => parts.iter().all(|part| part.holds(condition)),",
        "Self::All(parts) => parts.iter().any(|part| part.holds(condition)),",
    ),
    check(
        "any condition",
        EXPRESSION,
        "Self::Any(parts) => parts.iter().any(|part| part.holds(condition)),",
        "Self::Any(parts) => !parts.is_empty(),",
    ),
];
