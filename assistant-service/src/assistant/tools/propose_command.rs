//! `propose_command`: a runbook that may help, for a person to ask for. It is written into the answer and nowhere else.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Findings, Refusal, Toolbox};
use crate::assistant::defences::Defence;
use crate::assistant::links::AllowedHosts;
use crate::assistant::redaction::Redacted;
use crate::assistant::words::clean;
use crate::assistant::{Proposal, Removed};
use crate::model::Tool;

const MOST_PROPOSALS: usize = 3;
const LONGEST_WHY: usize = 300;
const LONGEST_PARAMETERS_BYTES: usize = 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    runbook: String,
    #[serde(default)]
    parameters: Map<String, Value>,
    #[serde(default)]
    why: String,
}

pub(super) fn tool() -> Tool {
    Tool {
        name: "propose_command".to_owned(),
        description: "Proposes a runbook of the catalogue to whoever asks. Nothing is carried out: a person decides."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["runbook", "parameters", "why"],
            "properties": {
                "runbook": {"type": "string", "description": "A name of list_runbooks."},
                "parameters": {"type": "object", "description": "What the runbook takes."},
                "why": {"type": "string", "maxLength": LONGEST_WHY, "description": "What it would help with."},
            },
        }),
        strict: None,
    }
}

pub(super) fn call(toolbox: &Toolbox, arguments: Arguments, findings: &mut Findings) -> Result<Redacted, Refusal> {
    let proposal = checked(toolbox, arguments).inspect_err(|refusal| {
        findings.removed.push(Removed { what: "proposal", why: reason(refusal).to_owned() });
    })?;
    if !findings.proposals.contains(&proposal) {
        if findings.proposals.len() >= MOST_PROPOSALS {
            return Err(Refusal::EnoughProposals);
        }
        findings.proposals.push(proposal);
    }
    Ok(toolbox.redactor.text("proposed; a person decides"))
}

fn checked(toolbox: &Toolbox, Arguments { runbook: name, parameters, why }: Arguments) -> Result<Proposal, Refusal> {
    let why = plain(&why, &toolbox.hosts);
    let Some(runbook) = toolbox.runbooks.get(&name) else {
        return if toolbox.defences.has(Defence::Proposals) {
            Err(Refusal::NoSuchRunbook)
        } else {
            Ok(Proposal { runbook: name.clone(), title: name, parameters, why })
        };
    };
    let values = Value::Object(parameters.clone());
    let is_too_long = values.to_string().len() > LONGEST_PARAMETERS_BYTES;
    if toolbox.defences.has(Defence::Proposals) {
        if is_too_long {
            return Err(Refusal::InvalidArguments);
        }
        if leads_elsewhere(&values, &toolbox.hosts) {
            return Err(Refusal::ForeignAddress);
        }
        runbook.check_parameters(&values).map_err(|errors| {
            let fields: Vec<String> = errors.into_iter().map(|error| error.field).collect();
            Refusal::WrongParameters(fields.join(", "))
        })?;
    }
    Ok(Proposal { runbook: runbook.name.clone(), title: runbook.title.clone(), parameters, why })
}

/// A model's words beside a button are words and nothing else.
fn plain(why: &str, hosts: &AllowedHosts) -> String {
    let (why, _) = clean(why, hosts);
    why.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_WHY).collect()
}

fn leads_elsewhere(value: &Value, hosts: &AllowedHosts) -> bool {
    match value {
        Value::String(text) => !clean(text, hosts).1.is_empty(),
        Value::Array(items) => items.iter().any(|item| leads_elsewhere(item, hosts)),
        Value::Object(members) => members.values().any(|value| leads_elsewhere(value, hosts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NoSuchRunbook => "the catalogue has no such runbook",
        Refusal::WrongParameters(_) => "the runbook does not take these parameters",
        Refusal::ForeignAddress => "a parameter leads to a host that is not allowed",
        Refusal::NoSuchTool
        | Refusal::NotAllowed
        | Refusal::InvalidArguments
        | Refusal::NotFound
        | Refusal::EnoughProposals
        | Refusal::NotRecommended(_)
        | Refusal::Unavailable => "it is not understood",
    }
}
