//! `search_documents`: sections that the asker may read.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use tokio::task::spawn_blocking;

use super::{Findings, Refusal, Toolbox};
use crate::assistant::Asker;
use crate::assistant::defences::Defence;
use crate::assistant::redaction::Redacted;
use crate::knowledge::{IndexedSection, Question, Section};
use crate::model::Tool;

const LONGEST_QUERY: usize = 500;
const MOST_SECTIONS: usize = 6;
/// Of a longer section the passages are shown that hold most of what is looked for.
const LONGEST_SECTION_BYTES: usize = 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    query: String,
}

pub(super) fn tool() -> Tool {
    Tool {
        name: "search_documents".to_owned(),
        description: "Finds sections of the company's documents and source code. What is found can be cited by its id."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["query"],
            "properties": {"query": {"type": "string", "maxLength": LONGEST_QUERY, "description": "Words that stand in the documents."}},
        }),
        strict: None,
    }
}

pub(super) async fn call(
    toolbox: &Toolbox,
    Arguments { query }: Arguments,
    asker: &Asker,
    findings: &mut Findings,
) -> Result<Redacted, Refusal> {
    if query.trim().is_empty() || query.chars().count() > LONGEST_QUERY {
        return Err(Refusal::InvalidArguments);
    }
    find(toolbox, query, asker, findings).await
}

/// Finds sections, and tells them with the ids under which they can be cited.
pub(in super::super) async fn find(
    toolbox: &Toolbox,
    query: String,
    asker: &Asker,
    findings: &mut Findings,
) -> Result<Redacted, Refusal> {
    let knowledge = Arc::clone(&findings.knowledge);
    let scopes = toolbox.defences.reading_as(&asker.scopes).clone();
    let is_bounded = toolbox.defences.has(Defence::Bounds);
    findings.queries.push(query.clone());
    // Searching a large folder takes the thread for a while.
    let found = spawn_blocking(move || {
        let readable = knowledge.for_reader(&scopes);
        let question = readable.question(&query);
        let sections = readable.search(&question, MOST_SECTIONS)?;
        Ok::<_, tantivy::TantivyError>(
            sections.into_iter().map(|found| (found.section.clone(), part(found, &question, is_bounded))).collect(),
        )
    });
    let found: Vec<(Section, String)> = match found.await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::error!(%error, "the documents cannot be searched");
            return Err(Refusal::Unavailable);
        }
        Err(error) => {
            tracing::error!(%error, "a search ended early");
            return Err(Refusal::Unavailable);
        }
    };
    let told = found.into_iter().map(|(section, text)| {
        let (file, heading) = (section.file.clone(), section.heading.clone());
        let (id, is_new) = findings.shown.add_section(section);
        // What stands in the conversation already need not stand there twice.
        let text = if is_new { text } else { "(its text was shown before)".to_owned() };
        format!("id: {id}\nfile: {file}\nheading: {heading}\ntext:\n{text}")
    });
    let told: Vec<String> = told.collect();
    Ok(toolbox.redactor.text(&if told.is_empty() { "nothing was found".to_owned() } else { told.join("\n\n") }))
}

/// What is shown of a section.
fn part(found: &IndexedSection, question: &Question, is_bounded: bool) -> String {
    let section = &found.section;
    if section.text().len() <= LONGEST_SECTION_BYTES || !is_bounded {
        return section.text().trim().to_owned();
    }
    let mut ranked: Vec<(usize, f64)> = found
        .passages
        .iter()
        .enumerate()
        .map(|(at, passage)| (at, question.share(&question.held_by(&passage.words))))
        .collect();
    ranked.sort_by(|one, other| other.1.total_cmp(&one.1));
    let (mut left, mut picked) = (LONGEST_SECTION_BYTES, Vec::new());
    for (at, _) in ranked {
        let length = found.passages.get(at).map_or(0, |passage| section.quote(&passage.passage).len());
        let Some(less) = left.checked_sub(length) else { break };
        left = less;
        picked.push(at);
    }
    picked.sort_unstable();
    let passages = picked.into_iter().filter_map(|at| found.passages.get(at));
    passages.map(|passage| section.quote(&passage.passage)).collect::<Vec<_>>().join("\n[…]\n")
}
