//! `POST /v1/commands/{id}/output`: what a service writes while it carries a command out, piece by piece.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::book::Commands;
use super::record::Record;
use super::secrets::{cut_off, split_before_secret};
use crate::gate::Caller;
use crate::json_body::JsonBody;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// What one piece may have.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// What is kept of the output of one command, all its attempts together.
const MAX_OUTPUT_BYTES: u64 = 1024 * 1024;

/// How many pieces are told of one command, all its attempts together: each is an event, however small it is.
const MAX_PIECES: u32 = 4096;

/// What may wait for the rest of a secret. No secret is as long; secrets that lie in each other without end are.
const MAX_WAITING_BYTES: usize = 64 * 1024;

/// A piece of output.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutputReport {
    /// The fence of the lease.
    fence: u64,
    /// Where it stands in the output of this attempt, in bytes of UTF-8 from 0.
    offset: u64,
    /// Up to 16 KiB of UTF-8.
    text: String,
}

/// What is known of the output by now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutputTaken {
    /// How many bytes are known: where the next piece stands. It stays behind what was sent once all is kept that may be.
    output_bytes: u64,
}

/// A piece as it is told in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Piece {
    pub(super) offset: u64,
    pub(super) text: String,
}

/// Takes a piece of output, which is a sign of life as a heartbeat is. Of a piece that overlaps what is known only the rest is
/// new, so it may be sent again. What is more than 1 MiB or 4096 pieces of a command is not kept, and the command says so
/// (`output_truncated`).
#[utoipa::path(post, path = "/v1/commands/{id}/output", tag = "services", request_body = OutputReport,
    params(("id" = String, Path, description = "The command")),
    responses(
        (status = OK, description = "Taken", body = OutputTaken),
        (status = BAD_REQUEST, description = "The text is too long, or begins within a character", body = ProblemDocument),
        (status = FORBIDDEN, description = "The command is another service's", body = ProblemDocument),
        (status = NOT_FOUND, description = "No such command", body = ProblemDocument),
        (status = CONFLICT, description = "The lease is lost, stop; of type output-gap, send what is missing; of type changed-meanwhile, send it again", body = ProblemDocument)))]
pub(crate) async fn output(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(report): JsonBody<OutputReport>,
) -> Result<Json<OutputTaken>, Problem> {
    Ok(Json(state.commands.take_output(&caller, &id, report).await?))
}

impl Commands {
    async fn take_output(&self, caller: &Caller, id: &str, report: OutputReport) -> Result<OutputTaken, Problem> {
        let OutputReport { fence, offset, text } = report;
        if text.len() > MAX_TEXT_BYTES {
            return Err(Problem::invalid("text", format!("may have {MAX_TEXT_BYTES} bytes; send the rest by itself")));
        }
        let taken = self.change_held(caller, id, fence, |record| {
            let steps = record.hear_from_holder(None, self.now())?;
            let secrets = record.secret_texts();
            record.hear_output(offset, &text, &secrets)?;
            Ok(Some(steps))
        });
        Ok(OutputTaken { output_bytes: taken.await?.record.command.output_bytes })
    }
}

impl Record {
    /// Takes in what is new of a text at `offset` of the output; [`Self::take_untold`] then says what is to be told of it.
    fn hear_output(&mut self, offset: u64, text: &str, secrets: &[String]) -> Result<(), Problem> {
        let known = self.command.output_bytes;
        if self.command.output_truncated {
            return Ok(());
        }
        let Some(heard) = known.checked_sub(offset) else { return Err(Problem::OutputGap { expected: known }) };
        let heard = usize::try_from(heard).unwrap_or(usize::MAX);
        if heard >= text.len() {
            return Ok(());
        }
        let new = text.get(heard..).ok_or_else(|| {
            Problem::invalid("offset", format!("what is new would begin within a character; {known} bytes are known"))
        })?;
        let has_room = self.output_pieces < MAX_PIECES;
        let room = MAX_OUTPUT_BYTES.saturating_sub(self.output_before).saturating_sub(known);
        let room = if has_room { room } else { 0 };
        let kept = cut(new, usize::try_from(room).unwrap_or(usize::MAX));
        let before = std::mem::take(&mut self.output_waits);
        let begins_at = known.saturating_sub(bytes(&before));
        let (mut told, waits) = split_before_secret(&(before + kept), secrets);
        self.command.output_bytes = known.saturating_add(bytes(kept));
        self.command.output_truncated = kept.len() < new.len() || waits.len() > MAX_WAITING_BYTES;
        if self.command.output_truncated {
            told.push_str(&cut_off(&waits));
        } else {
            self.output_waits = waits;
        }
        self.tell(begins_at, told);
        Ok(())
    }

    /// The attempt is over: what has waited for the rest of a secret waits no more.
    pub(super) fn end_output(&mut self) {
        let waits = std::mem::take(&mut self.output_waits);
        self.tell(self.command.output_bytes.saturating_sub(bytes(&waits)), cut_off(&waits));
    }

    /// The next attempt's output begins anew; what is kept of the command stays bounded.
    pub(super) fn begin_output_anew(&mut self) {
        self.output_before = self.output_before.saturating_add(self.command.output_bytes);
        self.command.output_bytes = 0;
    }

    /// What has been heard and not yet told.
    pub(super) fn take_untold(&mut self) -> Vec<Piece> {
        std::mem::take(&mut self.untold)
    }

    fn tell(&mut self, offset: u64, text: String) {
        if !text.is_empty() {
            self.output_pieces = self.output_pieces.saturating_add(1);
            self.untold.push(Piece { offset, text });
        }
    }
}

fn bytes(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

/// As much of a text as has so many bytes, in whole characters.
fn cut(text: &str, room: usize) -> &str {
    let end = text.floor_char_boundary(room);
    text.get(..end).unwrap_or_default()
}
