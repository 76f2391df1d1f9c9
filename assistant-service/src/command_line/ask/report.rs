//! An answer as a person reads it: the text, and below it short lines that every terminal can break.

use std::io::{Result, Write};

use super::answer::{Answer, Citation, Contact, EventCitation, MadeBy, Proposal, Recommendation, Removed};
use crate::command_line::plain::{line, visible};

/// Writes what of the answer the reader has not seen yet: `shown` are the words that were written as they came.
pub(super) fn write(output: &mut impl Write, answer: &Answer, shown: &str) -> Result<()> {
    let text = answer.answer.as_deref().or(answer.short.as_deref()).filter(|_| answer.known);
    match text {
        Some(text) if text.trim() == shown.trim() => {}
        Some(text) if shown.is_empty() => writeln!(output, "{}", visible(text.trim_end()))?,
        // A model's words are checked when all of them are there, and some may not have held.
        Some(text) => writeln!(output, "\nWhat is left of it after all checks:\n\n{}", visible(text.trim_end()))?,
        None if shown.is_empty() => writeln!(output, "Not known: no document that you may read answers this.")?,
        None => writeln!(output, "\nNothing of it is left after all checks: it is not known.")?,
    }
    if let Some(recommendation) = &answer.recommendation {
        recommend(output, recommendation)?;
    }
    list(
        output,
        "Sources",
        answer
            .citations
            .iter()
            .enumerate()
            .map(|(index, citation)| format!("[{}] {}", index.saturating_add(1), place(citation))),
    )?;
    let events = answer.events.iter().enumerate();
    list(output, "Events", events.map(|(index, event)| format!("[e{}] {}", index.saturating_add(1), happened(event))))?;
    list(output, "Runbooks that may help; nothing has been started", answer.proposals.iter().map(proposed))?;
    list(output, "Whom to ask", answer.whom_to_ask.iter().map(contact))?;
    list(output, "Taken out, because it did not hold", answer.removed.iter().map(removed))?;
    writeln!(output, "\nConfidence: {}, {}", line(&answer.confidence), made_by(&answer.made_by))
}

fn list(output: &mut impl Write, title: &str, lines: impl Iterator<Item = String>) -> Result<()> {
    for (index, line) in lines.enumerate() {
        if index == 0 {
            writeln!(output, "\n{title}:")?;
        }
        writeln!(output, "  {line}")?;
    }
    Ok(())
}

fn recommend(output: &mut impl Write, recommendation: &Recommendation) -> Result<()> {
    let Recommendation { snippet, file, heading, lines, change } = recommendation;
    writeln!(output, "\nCode from {}:\n", at(file, *lines, heading.as_deref().unwrap_or_default()))?;
    write_indented(output, snippet)?;
    let Some(change) = change else { return Ok(()) };
    writeln!(output, "\nWhat to change:")?;
    write_indented(output, change)
}

fn write_indented(output: &mut impl Write, text: &str) -> Result<()> {
    for line in visible(&text.replace("\r\n", "\n")).lines() {
        writeln!(output, "{}", format!("  {line}").trim_end())?;
    }
    Ok(())
}

fn place(citation: &Citation) -> String {
    at(&citation.file, citation.lines, &citation.heading)
}

fn at(file: &str, lines: Option<[usize; 2]>, heading: &str) -> String {
    match lines {
        Some([first, last]) if first == last => format!("{}:{first}", line(file)),
        Some([first, last]) => format!("{}:{first}-{last}", line(file)),
        None => format!("{} > {}", line(file), line(heading)),
    }
}

fn happened(event: &EventCitation) -> String {
    line(&format!("{} of {}, {}", event.event_type, event.source, event.id))
}

fn proposed(proposal: &Proposal) -> String {
    let parameters = proposal.parameters.iter().map(|(name, value)| format!(" {name}={value}"));
    line(&format!("{}{} ({})", proposal.runbook, parameters.collect::<String>(), proposal.title))
}

fn contact(contact: &Contact) -> String {
    line(&format!("{}, who owns {}", contact.owner, contact.file))
}

fn removed(removed: &Removed) -> String {
    line(&format!("{}: {}", removed.what, removed.why))
}

fn made_by(made_by: &MadeBy) -> String {
    match made_by {
        MadeBy::Documents { instead_of_model: None } => "quoted from the documents".to_owned(),
        MadeBy::Documents { instead_of_model: Some(why) } => {
            format!("quoted from the documents, since no model answered ({})", line(why))
        }
        MadeBy::Model { model } => format!("written by {} and checked", line(model)),
    }
}
