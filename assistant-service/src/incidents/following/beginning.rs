//! Begins where the last checkpoint and the place say, and hears what was heard since.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{BOOK, CHECKPOINT_EVERY, Follower, anew};
use crate::backbone::{Page, Position};
use crate::clock::millis;
use crate::incidents::first_samples;
use crate::incidents::hearing::Heard;
use crate::incidents::interrupted::Interrupted;
use crate::incidents::judge::{Judge, Judged};
use crate::incidents::kept_bytes::KeptBytes;
use crate::incidents::place::KeptPlace;
use crate::incidents::silence;
use crate::replica_lease::ReplicaLease;
use crate::state::AppState;

impl Follower {
    /// As the one before has left it.
    pub(in crate::incidents) async fn open(state: AppState, lease: &ReplicaLease) -> Result<Self, Interrupted> {
        let backbone = Arc::clone(&state.backbone);
        let mut place = KeptPlace::open(Arc::clone(&backbone), before_the_first(&state).await?).await?;
        place.take_over(lease.proof().await?).await?;
        let head = place.place.checkpoint;
        let (kept_book, book) = KeptBytes::read(&*backbone, BOOK, "book", head.written()).await?;
        let restored = book.map(|bytes| Judged::restored(&bytes)).transpose().unwrap_or_else(|error| {
            tracing::error!(%error, "what was known of devices is not readable: all is learnt anew");
            None
        });
        let is_anew = restored.is_none();
        let judged = match restored {
            Some(judged) => judged,
            None => Judged::anew(silence::all(&*backbone).await?, &anew::newest(&*backbone).await?),
        };
        let (newest, now, elapsed) = (backbone.newest_position(), state.clock.now(), state.clock.elapsed());
        let mut follower = Self {
            state,
            place,
            judge: Judge::start(judged)?,
            looked: head.position,
            kept: HashMap::new(),
            kept_book,
            forgotten: BTreeSet::new(),
            unneeded: Vec::new(),
            writing: None,
            newest,
            written_at: elapsed,
            checkpoint_due_at: elapsed.saturating_add(CHECKPOINT_EVERY),
            spoke_at: elapsed,
            said_last: millis(now),
            is_quiet: false,
        };
        if is_anew {
            follower.looked = follower.place.place.cursor;
            follower.place.place.said.clear();
            // Before there is a checkpoint: whoever begins at one believes that it knows of all that is open.
            follower.end_unknown().await?;
            // Silences that were said before are a part of what is known.
            follower.begin_checkpoint_anew().await?;
            while follower.write_some().await? {}
        } else {
            follower.hear_again().await?;
            follower.end_unknown().await?;
            // Whoever is interrupted again and again must not have more to hear each time.
            follower.checkpoint_due_at = elapsed;
        }
        Ok(follower)
    }

    /// Hears what was heard and told between the checkpoint and the place, and tells nobody.
    async fn hear_again(&mut self) -> Result<(), Interrupted> {
        let (cursor, mut said) = (self.place.place.cursor, self.place.place.said.clone().into_iter().peekable());
        let mut heard = self.place.place.checkpoint.heard;
        while self.looked < cursor {
            let Page { mut events, next_after } = self.page().await?;
            events.retain(|event| event.position <= cursor);
            let mut all = Vec::with_capacity(events.len());
            for event in events {
                while let Some(said) = said.next_if(|said| said.after < event.position) {
                    all.push(Heard::Clock(said));
                }
                all.push(Heard::Event(event));
            }
            heard = heard.saturating_add(self.hear(all).await?.heard);
            self.looked = next_after.unwrap_or(cursor).min(cursor);
        }
        self.hear(said.map(Heard::Clock).collect()).await?;
        let missing = self.place.place.heard.saturating_sub(heard);
        if missing > 0 {
            tracing::warn!(
                missing,
                "samples that were judged since the last checkpoint are no more in the log: series go on without"
            );
        }
        Ok(())
    }
}

/// The position before the first event with samples that is there, if there is one.
async fn before_the_first(state: &AppState) -> Result<Position, Interrupted> {
    Ok(first_samples(&*state.backbone).await?.map_or(0, |position| position.saturating_sub(1)))
}
