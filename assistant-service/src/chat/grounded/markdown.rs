//! A checked answer as one text, for clients that show nothing else.

use std::fmt::Write as _;

use crate::assistant::{Answer, Citation, Contact, EventCitation, Proposal};

/// The answer, and below it where it stands, what may help, and whom to ask.
pub(in crate::chat) fn of(answer: &Answer) -> String {
    let mut text = match answer.answer.as_deref().or(answer.short.as_deref()) {
        Some(said) if answer.known => said.trim_end().to_owned(),
        _ => "I do not know: the documents that you may read do not answer this.".to_owned(),
    };
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

fn place(citation: &Citation) -> String {
    match citation.lines() {
        Some([first, last]) if first == last => format!("{}, line {first}", code(citation.file())),
        Some([first, last]) => format!("{}, lines {first} to {last}", code(citation.file())),
        None => format!("{}: {}", code(citation.file()), code(citation.heading())),
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
