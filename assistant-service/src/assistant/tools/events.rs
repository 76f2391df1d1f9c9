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
        let events = page.events.into_iter().map(|stored| stored.json).collect();
        let is_by_subject = filter.subject.is_some();
        for (json, text) in redacted(toolbox, events, is_by_subject, wanted.saturating_sub(told.len())).await? {
            told.extend(one(json, text, findings));
        }
        filter.after = page.next_after;
        if page.next_after.is_none() || told.len() >= wanted {
            break;
        }
    }
    let text = if told.is_empty() { "no event matches".to_owned() } else { told.join("\n") };
    Ok(toolbox.redactor.text(&text))
}

/// At most so many events, as they are stored and as they may be shown. To look through them holds a thread up.
async fn redacted(
    toolbox: &Toolbox,
    events: Vec<String>,
    is_by_subject: bool,
    most: usize,
) -> Result<Vec<(String, Redacted)>, Refusal> {
    let (redactor, is_bounded) = (toolbox.redactor.clone(), toolbox.defences.has(Defence::Bounds));
    let redacting = tokio::task::spawn_blocking(move || {
        // Whether a subject is there is what is withheld with it.
        let shown = events.into_iter().filter(|json| !(is_by_subject && redactor.withholds_subject(json))).take(most);
        let redacted = shown.map(|json| {
            let text = redactor.event(&json);
            (json, if is_bounded { text.within(LONGEST_EVENT_BYTES) } else { text })
        });
        redacted.collect()
    });
    redacting.await.map_err(|error| {
        tracing::error!(%error, "events cannot be redacted for a model");
        Refusal::Unavailable
    })
}

fn one(json: String, text: Redacted, findings: &mut Findings) -> Option<String> {
    let NewEvent { id, source, event_type, .. } = NewEvent::from_json(json).ok()?;
    let told = text.to_string();
    let name = findings.shown.add_event(ShownEvent::new(id, source, event_type, text));
    Some(format!("id: {name}\nevent: {told}"))
}
