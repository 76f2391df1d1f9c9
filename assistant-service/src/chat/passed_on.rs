//! Conversations that clients lead themselves, with the models of the settings: what they say passes the guard on its way out, and what
//! comes back passes it again. Calls of tools go back to the client, whose tools they are.

use std::sync::Arc;

use futures_util::StreamExt;

use super::coming::Coming;
use super::completions::Pieces;
use super::guard::Guard;
use super::guarded;
use super::refusal::Refusal;
use super::request::Request;
use crate::model::{Model, ModelError, Piece};
use crate::problem::Problem;

/// Models that can be talked to. There are none without a guard.
pub struct PassedOn {
    model: Arc<dyn Model>,
    guard: Arc<dyn Guard>,
}

/// One conversation, which the guard has not seen yet.
pub(super) struct Talk {
    request: Request,
    account: String,
    model: Arc<dyn Model>,
    guard: Arc<dyn Guard>,
}

impl PassedOn {
    /// These models, behind this guard.
    #[must_use]
    pub fn new(model: Arc<dyn Model>, guard: Arc<dyn Guard>) -> Self {
        Self { model, guard }
    }

    /// Their names; the assistant's own is not among them.
    pub(super) fn names(&self) -> Vec<String> {
        self.model.names().into_iter().filter(|name| name != super::ASSISTANT).collect()
    }

    /// A conversation of this account.
    pub(super) fn talk(&self, request: Request, account: &str) -> Talk {
        let (model, guard) = (Arc::clone(&self.model), Arc::clone(&self.guard));
        Talk { request, account: account.to_owned(), model, guard }
    }
}

/// Hands on what the model says.
pub(super) async fn speak(Talk { request, account, model, guard }: Talk, pieces: Pieces) -> Result<(), Refusal> {
    let leaving = Arc::clone(&guard);
    // A conversation may have a mebibyte, and to look all of it through holds a thread up.
    let prompt = tokio::task::spawn_blocking(move || guarded::prompt(&*leaving, request, account));
    let prompt = prompt.await.map_err(Problem::internal)?;
    let mut coming = Coming::answer_to(&prompt.options, &*guard);
    let mut said = model.complete(prompt);
    while let Some(piece) = said.next().await {
        match piece? {
            Piece::Text(text) => send_text(&pieces, coming.pass(&text)?).await,
            Piece::Call(call) => send(&pieces, Piece::Call(call)).await,
            Piece::End(end) => {
                send_text(&pieces, coming.rest(end.reason, guard).await?).await;
                send(&pieces, Piece::End(end)).await;
                return Ok(());
            }
        }
    }
    Err(ModelError::CutOff.into())
}

async fn send_text(pieces: &Pieces, text: String) {
    if !text.is_empty() {
        send(pieces, Piece::Text(text)).await;
    }
}

/// A listener who is gone is seen by whoever runs this, which is dropped then.
async fn send(pieces: &Pieces, piece: Piece) {
    let _ = pieces.send(Ok(piece)).await;
}
