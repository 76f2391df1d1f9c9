//! Whether this replica hears what others revoke. One that does not must not go on as if nothing was revoked.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Since when nothing is heard, if so.
#[derive(Default)]
pub(super) struct Hearing {
    nothing_since: watch::Sender<Option<Instant>>,
}

impl Hearing {
    pub(super) fn hears(&self) {
        self.nothing_since.send_if_modified(|since| since.take().is_some());
    }

    pub(super) fn hears_nothing(&self) {
        self.nothing_since.send_if_modified(|since| {
            let is_new = since.is_none();
            since.get_or_insert_with(Instant::now);
            is_new
        });
    }

    /// Returns when nothing has been heard for so long.
    pub(super) async fn until_cut_off(&self, limit: Duration) {
        let mut nothing_since = self.nothing_since.subscribe();
        loop {
            let since = *nothing_since.borrow_and_update();
            let cut_off = async {
                match since {
                    Some(since) => tokio::time::sleep(limit.saturating_sub(since.elapsed())).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = cut_off => return,
                // The sender is a part of `self`, so it is there.
                _ = nothing_since.changed() => {}
            }
        }
    }
}
