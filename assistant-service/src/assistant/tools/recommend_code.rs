//! `recommend_code`: code of the company's own that helps whoever asks, and what to change in it. It is written into the answer
//! once it was found where the model says that it stands.

use serde::Deserialize;
use serde_json::json;

use super::{Findings, Refusal, Toolbox};
use crate::assistant::Removed;
use crate::assistant::defences::Defence;
use crate::assistant::grounding::snippet;
use crate::assistant::recommendation::{LONGEST_CHANGE_BYTES, Recommended};
use crate::assistant::redaction::Redacted;
use crate::model::Tool;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    cite: String,
    snippet: String,
    #[serde(default)]
    change: String,
}

pub(super) fn tool() -> Tool {
    Tool {
        name: "recommend_code".to_owned(),
        description: "Recommends code that stands in a section to whoever asks, with what to change in it. One is shown, the last."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["cite", "snippet", "change"],
            "properties": {
                "cite": {"type": "string", "description": "The id of the section, such as c1."},
                "snippet": {"type": "string", "description": "Code of this section, copied letter for letter, in whole lines."},
                "change": {"type": "string", "maxLength": LONGEST_CHANGE_BYTES,
                    "description": "What to change in it, or to do with it, for what is asked. Without marks."},
            },
        }),
        strict: None,
    }
}

pub(super) fn call(toolbox: &Toolbox, arguments: Arguments, findings: &mut Findings) -> Result<Redacted, Refusal> {
    match checked(toolbox, &arguments, findings) {
        Ok((recommended, removed)) => {
            findings.removed.extend(removed);
            findings.recommended = Some(recommended);
            Ok(toolbox.redactor.text("recommended; it stands beside the answer"))
        }
        Err(Removed { what, why }) => {
            findings.removed.push(Removed { what, why: why.clone() });
            Err(Refusal::NotRecommended(why))
        }
    }
}

/// The recommendation, and what was taken out of what it says to change.
fn checked(
    toolbox: &Toolbox,
    Arguments { cite, snippet: code, change }: &Arguments,
    findings: &Findings,
) -> Result<(Recommended, Vec<Removed>), Removed> {
    let recommended = snippet(&findings.shown, cite, code);
    #[cfg(test)]
    let recommended = recommended.or_else(|removed| believed(toolbox, findings, cite, code).ok_or(removed));
    let Recommended { recommendation, citation } = recommended?;
    let change = toolbox.redactor.text(change).within(LONGEST_CHANGE_BYTES).to_string();
    let recommendation = recommendation.changing(Some(change.trim().to_owned()).filter(|change| !change.is_empty()));
    if !toolbox.defences.has(Defence::Links) {
        return Ok((Recommended { recommendation, citation }, Vec::new()));
    }
    let (recommendation, removed) = recommendation.admitted(&toolbox.hosts)?.linking_to(&toolbox.hosts);
    Ok((Recommended { recommendation, citation }, removed))
}

/// What a model says stands there, with nobody looking.
#[cfg(test)]
fn believed(toolbox: &Toolbox, findings: &Findings, cite: &str, code: &str) -> Option<Recommended> {
    use crate::assistant::recommendation::Recommendation;
    let section = findings.shown.section(cite).filter(|_| !toolbox.defences.has(Defence::Citations))?;
    Some(Recommended { recommendation: Recommendation::believed(section, code), citation: None })
}
