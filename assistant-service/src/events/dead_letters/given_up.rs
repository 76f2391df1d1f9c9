//! Letters about events that a consumer gave up. Such a letter holds no copy: the event is in the log, and the letter says where.
//! Sent again, the event is handed out again by its consumer and by nobody else's, because in the log it is already.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::letter::{Body, Letter};
use super::{DeadLetters, Kept, Named, REPLAYED, Replayed, puts_of};
use crate::backbone::{Appended, Batch, Position, Put};
use crate::events::binding::Mode;
use crate::events::intake::Reason;
use crate::events::publish::Receipt;
use crate::events::submission::Submission;
use crate::gate::Caller;
use crate::metrics::ReasonLabel;
use crate::problem::{FieldError, Problem};
use crate::state::AppState;

/// Who gave an event up, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct GivenUp {
    /// The consumer, one of the letter's principal.
    pub(crate) consumer: String,
    /// Where the event stands in the log.
    pub(crate) position: Position,
    /// Tells this consumer from others of its name.
    pub(crate) born: u64,
}

/// What the letter says of the event.
pub(crate) struct About<'a> {
    pub(crate) id: &'a str,
    pub(crate) source: &'a str,
    pub(crate) event_type: &'a str,
    pub(crate) detail: String,
}

impl Letter {
    pub(crate) fn given_up(owner: &Principal, given_up: GivenUp, about: About<'_>, now: OffsetDateTime) -> Self {
        let About { id, source, event_type, detail } = about;
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            reason: Reason::GaveUp,
            errors: vec![FieldError::new("consumer", detail)],
            submission: Submission::of_consumer(owner, now),
            mode: Mode::Structured,
            content_type: None,
            headers: BTreeMap::new(),
            event_id: Some(id.to_owned()),
            source: Some(source.to_owned()),
            event_type: Some(event_type.to_owned()),
            body: Body::Text(String::new()),
            is_cut: false,
            given_up: Some(given_up),
        }
    }
}

impl DeadLetters {
    /// Makes room for letters that somebody else commits, and gives what keeps them.
    pub(crate) async fn beside(&self, letters: &[Letter]) -> Result<Vec<Put>, Problem> {
        if !letters.is_empty() {
            self.make_room(letters).await?;
        }
        let puts = letters.iter().map(puts_of).collect::<Result<Vec<_>, _>>()?;
        Ok(puts.into_iter().flatten().collect())
    }

    pub(crate) fn count_given_up(&self, count: usize) {
        let label = ReasonLabel { reason: Reason::GaveUp.name() };
        self.metrics.dead_letters.get_or_create(&label).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

/// Has the event handed out again: that, the letter's end and what tells of it are one step.
pub(super) async fn hand_out_again(
    state: &AppState,
    kept: &Kept,
    given_up: &GivenUp,
    replayer: &Caller,
) -> Result<(StatusCode, Json<Receipt>), Problem> {
    let letter = &kept.letter;
    let name = |part: &Option<String>| part.clone().unwrap_or_default();
    let (id, source, event_type) = (name(&letter.event_id), name(&letter.source), name(&letter.event_type));
    let event = Named { id: &id, source: &source, event_type: &event_type };
    let told = Replayed { id: &letter.id, event, corrected: false };
    let told = state.dead_letters.told(REPLAYED, &letter.id, &told, Some(replayer))?;
    let batch = Batch { events: vec![told], puts: kept.removal().into() };
    state.consumers.take_back(&letter.submission.principal, given_up, batch).await?;
    state.metrics.dead_letters_replayed.inc();
    let appended = Appended { position: given_up.position, is_duplicate: false };
    Ok((StatusCode::ACCEPTED, Json(Receipt::new(id, source, Some(&appended))?)))
}
