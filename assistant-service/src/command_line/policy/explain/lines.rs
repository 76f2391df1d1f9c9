//! The report for people.

use policy::report::{Header, Report, Verdict};
use trust_core::gate::explanation::{CheckOutcome, ConditionNotes, Explanation, RuleNotes, TokenNotes};

pub(super) fn of(report: &Report) -> String {
    let mut lines = Vec::new();
    lines.extend(report.notes.iter().map(|note| format!("note     {note}")));
    if let Some(explanation) = &report.explanation {
        explained(explanation, &mut lines);
    }
    lines.push(String::new());
    verdict(&report.verdict, &mut lines);
    lines.push(String::new());
    lines.join("\n")
}

fn explained(explanation: &Explanation, lines: &mut Vec<String>) {
    match &explanation.request {
        Some(request) => {
            let source = request.source.as_deref().unwrap_or("unknown");
            lines.push(format!(
                "request  {} path {:?}, host {:?}, peer {source}",
                request.method, request.path, request.host
            ));
        }
        None => lines.push("request  cannot be read in one way only".to_owned()),
    }
    explanation.rules.iter().for_each(|written| rule(written, lines));
    if let Some(notes) = &explanation.token {
        token(notes, lines);
    }
}

fn rule(rule: &RuleNotes, lines: &mut Vec<String>) {
    let outcome = match rule.matches {
        Some(true) if rule.public => "matches, and lets anybody pass",
        Some(true) => "matches, and decides",
        Some(false) => "does not match",
        None => "not tried",
    };
    lines.push(format!("rule     {}: {outcome}", rule.name));
    conditions(&rule.conditions, "", lines);
    conditions(&rule.requirements, "require ", lines);
}

fn conditions(conditions: &[ConditionNotes], under: &str, lines: &mut Vec<String>) {
    for noted in conditions {
        let holds = if noted.holds { "yes" } else { "no " };
        let negation = if noted.negated { "!" } else { "" };
        lines.push(format!("           {holds}  {under}{negation}{}", noted.condition));
    }
}

fn token(notes: &TokenNotes, lines: &mut Vec<String>) {
    let said: Vec<_> = notes.unverified.iter().map(|(name, value)| format!("{name} {value}")).collect();
    if !said.is_empty() {
        lines.push(format!("token    says {}", said.join(", ")));
    }
    for (outcome, text) in [
        (CheckOutcome::Passed, "passed"),
        (CheckOutcome::Assumed, "not checked, taken for good"),
        (CheckOutcome::Failed, "failed"),
        (CheckOutcome::NotReached, "not reached"),
    ] {
        let names: Vec<_> =
            notes.checks.iter().filter(|check| check.outcome == outcome).map(|check| check.name).collect();
        if !names.is_empty() {
            lines.push(format!("           {text}: {}", names.join(", ")));
        }
    }
}

fn verdict(verdict: &Verdict, lines: &mut Vec<String>) {
    match verdict {
        Verdict::Permit { rule, set, remove } => {
            lines.push(format!("PASSES by rule {}", rule.as_deref().unwrap_or_default()));
            headers(set, lines);
            lines.extend(remove.iter().map(|name| format!("  without {name}")));
        }
        Verdict::Denial { reason, status, headers: sent } => {
            lines.push(format!("DENIED with {status}: {reason}"));
            headers(sent, lines);
        }
        Verdict::OwnAnswer { status } => {
            lines.push(format!("ANSWERED with {status} by the gate itself: the metadata of the resource (RFC 9728)"));
        }
    }
}

fn headers(headers: &[Header], lines: &mut Vec<String>) {
    let shown = |header: &Header| match &header.value {
        Some(value) => format!("  {}: {value}", header.name),
        None => format!("  {}: (a token, not shown)", header.name),
    };
    lines.extend(headers.iter().map(shown));
}
