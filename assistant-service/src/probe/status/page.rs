//! The status as a page without scripts.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Status;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}\
table{border-collapse:collapse;width:100%;margin-bottom:2rem}th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8886;vertical-align:top}\
.passed,.denied,.well{color:#187a35}.failed,.not_denied{color:#c0201f;font-weight:bold}.blocked,.not_judged,.quiet,.waiting{color:#8a6100}\
@media(prefers-color-scheme:dark){.passed,.denied,.well{color:#6fd08c}.failed,.not_denied{color:#ff8a80}.blocked,.not_judged,.quiet,.waiting{color:#e6b450}}";

/// The page of a status; it comes again by itself.
pub(super) fn written(status: &Status) -> String {
    let title = &status.summary;
    let gateway = escaped(&status.gateway);
    let last = status.last_round.as_deref().unwrap_or("no round yet");
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"15\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}: {gateway}</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1><p>{gateway}, last looked at {last}, in {} ms.</p>",
        status.milliseconds
    );
    page += &table(
        "Alerts",
        &["check", "since", "severity", "reason"],
        &["check", "since", "severity", "reason"],
        &status.alerts,
        "",
    );
    page += &table(
        "Checks",
        &["check", "outcome", "found", "ms", "at"],
        &["check", "outcome", "said", "milliseconds", "at"],
        &status.checks,
        "outcome",
    );
    page += &table("Attacks", &["attack", "verdict", ""], &["attack", "verdict", "said"], &status.attacks, "verdict");
    let sessions: Vec<_> = status.sessions.iter().filter_map(|session| serde_json::to_value(session).ok()).collect();
    page += &table(
        "Live sessions of this account",
        &["session", "label", "state", "health", "last renewed", "ends"],
        &["id", "label", "state", "health", "renewed_at", "expires_at"],
        &sessions,
        "health",
    );
    let waiting: Vec<_> =
        status.notices_waiting.iter().map(|(name, waiting)| json!({"receiver": name, "waiting": waiting})).collect();
    page += &table("Receivers", &["receiver", "notices waiting"], &["receiver", "waiting"], &waiting, "");
    page + "</main></body></html>\n"
}

/// `marked` is the member whose text is the class of its cell.
fn table(title: &str, heads: &[&str], members: &[&str], rows: &[Value], marked: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut html = format!("<h2>{title}</h2><table><thead><tr>");
    for head in heads {
        // Writing to a text cannot fail.
        let _ = write!(html, "<th scope=\"col\">{head}</th>");
    }
    html += "</tr></thead><tbody>";
    for row in rows {
        html += "<tr>";
        for member in members {
            let cell = match row.get(member) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => escaped(text),
                Some(other) => escaped(&other.to_string()),
            };
            let class = if *member == marked { format!(" class=\"{cell}\"") } else { String::new() };
            let _ = write!(html, "<td{class}>{cell}</td>");
        }
        html += "</tr>";
    }
    html + "</tbody></table>"
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            other => out.push(other),
        }
    }
    out
}
