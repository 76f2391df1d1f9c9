//! A checked answer as one text, for clients that show nothing else.

use std::fmt::Write as _;

use crate::assistant::{Answer, Citation, Contact, EventCitation, Proposal, Recommendation};

/// The answer, and below it code that helps, where all of it stands, what may help, and whom to ask.
pub(in crate::chat) fn of(answer: &Answer) -> String {
    let mut text = match answer.answer.as_deref().or(answer.short.as_deref()) {
        Some(said) if answer.known => said.trim_end().to_owned(),
        _ => "I do not know: the documents that you may read do not answer this.".to_owned(),
    };
    if let Some(recommendation) = &answer.recommendation {
        recommend(&mut text, recommendation);
    }
    // In their order and with their numbers, for an answer may point at them by these.
    list(
        &mut text,
        "Sources",
        answer
            .citations
            .iter()
            .enumerate()
            .map(|(index, citation)| format!("{}. {}", index.saturating_add(1), place(citation))),
    );
    let events = answer.events.iter().enumerate();
    list(
        &mut text,
        "Events",
        events.map(|(index, event)| format!("- e{}: {}", index.saturating_add(1), happened(event))),
    );
    list(&mut text, "Runbooks that may help; nothing has been started", answer.proposals.iter().map(proposed));
    if !answer.known {
        list(&mut text, "Whom to ask", answer.whom_to_ask.iter().map(contact));
    }
    text
}

fn list(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        if index == 0 {
            // Writing to a string has no way to fail.
            let _ = write!(text, "\n\n**{title}**\n");
        }
        let _ = write!(text, "\n{line}");
    }
}

/// What it says to change comes last: it is Markdown of its own, and ends before the next title.
fn recommend(text: &mut String, recommendation: &Recommendation) {
    let heading = recommendation.heading().unwrap_or_default();
    let place = at(recommendation.file(), recommendation.lines(), heading);
    // Writing to a string has no way to fail.
    let _ = write!(text, "\n\n**Code** from {place}\n\n{}", recommendation.block().trim_end());
    if let Some(change) = recommendation.change() {
        let _ = write!(text, "\n\n**What to change**\n\n{}", change.trim_end());
    }
}

fn place(citation: &Citation) -> String {
    at(citation.file(), citation.lines(), citation.heading())
}

fn at(file: &str, lines: Option<[usize; 2]>, heading: &str) -> String {
    match lines {
        Some([first, last]) if first == last => format!("{}, line {first}", code(file)),
        Some([first, last]) => format!("{}, lines {first} to {last}", code(file)),
        None => format!("{}: {}", code(file), code(heading)),
    }
}

fn happened(event: &EventCitation) -> String {
    format!("{} of {}, {}", code(event.event_type()), code(event.source()), code(event.id()))
}

fn proposed(proposal: &Proposal) -> String {
    format!("- {}: {}", code(&proposal.runbook), code(&proposal.title))
}

fn contact(contact: &Contact) -> String {
    format!("- {}, who owns {}", code(&contact.owner), code(&contact.file))
}

/// Names come from documents, and whoever wrote them may have written a link: in a span of code there is none.
fn code(name: &str) -> String {
    let name: String = name.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    format!("`{}`", name.replace('`', "'"))
}
