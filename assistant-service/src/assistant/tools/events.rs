//! Events as a model is told them.

use super::{Findings, Refusal, Toolbox};
use crate::assistant::defences::Defence;
use crate::assistant::grounding::ShownEvent;
use crate::assistant::redaction::Redacted;
use crate::backbone::{EventFilter, NewEvent};

/// Of one event, no more is shown.
const LONGEST_EVENT_BYTES: usize = 2048;
/// One look ends early when little matches; so many looks are taken.
const MOST_LOOKS: usize = 4;

/// The events that match, each with the id under which it can be cited.
pub(super) async fn tell(
    toolbox: &Toolbox,
    mut filter: EventFilter,
    findings: &mut Findings,
) -> Result<Redacted, Refusal> {
    let wanted = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut told = Vec::new();
    for _ in 0..MOST_LOOKS {
        let page = toolbox.backbone.query(filter.clone()).await.map_err(|error| {
            tracing::warn!(%error, "events cannot be looked at for a model");
            Refusal::Unavailable
        })?;
        for stored in page.events {
            // Whether a subject is there is what is withheld with it.
            if told.len() < wanted && !(filter.subject.is_some() && toolbox.redactor.withholds_subject(&stored.json)) {
                told.extend(one(toolbox, stored.json, findings));
            }
        }
        filter.after = page.next_after;
        if page.next_after.is_none() || told.len() >= wanted {
            break;
        }
    }
    let text = if told.is_empty() { "no event matches".to_owned() } else { told.join("\n") };
    Ok(toolbox.redactor.text(&text))
}

fn one(toolbox: &Toolbox, json: String, findings: &mut Findings) -> Option<String> {
    let text = toolbox.redactor.event(&json);
    let text = if toolbox.defences.has(Defence::Bounds) { text.within(LONGEST_EVENT_BYTES) } else { text };
    let NewEvent { id, source, event_type, .. } = NewEvent::from_json(json).ok()?;
    let told = text.to_string();
    let name = findings.shown.add_event(ShownEvent::new(id, source, event_type, text));
    Some(format!("id: {name}\nevent: {told}"))
}
