//! What was taken of an account's day for one request, for as long as somebody wants its answer.

use std::sync::Arc;
use std::time::Duration;

use super::ModelError;
use super::budget::{Budgets, Reserved, Used};

/// No question waits longer for the store.
const WITHIN: Duration = Duration::from_secs(5);

/// What is taken. Dropped, whatever was not used of it is given back, in a task of its own: nobody waits for that, and it is done
/// though nobody listens any more.
pub(super) struct Taken {
    budgets: Arc<Budgets>,
    reserved: Option<Reserved>,
    used: Used,
}

impl Taken {
    /// Takes a request and so many tokens. Whoever stops waiting may do so while the store already writes: it is written to its
    /// end, and then given back.
    pub(super) async fn of(budgets: Arc<Budgets>, account: String, tokens: u64) -> Result<Self, ModelError> {
        let taking = tokio::spawn(async move {
            let reserved = budgets.reserve(&account, tokens).await;
            reserved.map(|reserved| Self { budgets, reserved: Some(reserved), used: Used::default() })
        });
        match tokio::time::timeout(WITHIN, taking).await {
            Ok(Ok(taken)) => taken,
            Ok(Err(_)) => Err(ModelError::Unavailable("budgets cannot be kept: it was not finished".to_owned())),
            Err(_) => Err(ModelError::Unavailable("budgets cannot be kept: the store took too long".to_owned())),
        }
    }

    /// The request was one: a model was there for it.
    pub(super) fn count_request(&mut self) {
        self.used.requests = 1;
    }

    pub(super) fn count_tokens(&mut self, tokens: u64) {
        self.used.tokens = self.used.tokens.saturating_add(tokens);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some(reserved) = self.reserved.take() else { return };
        let (budgets, used) = (Arc::clone(&self.budgets), self.used);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move { budgets.settle(reserved, used).await });
    }
}
