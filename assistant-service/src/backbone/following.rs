//! Following a bucket: what any replica changes in it, a moment later and in order.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Backbone, BackboneError, Change, Revision};

const PAGE: u32 = 256;

/// Where somebody stands who follows a bucket.
pub(crate) struct Following {
    backbone: Arc<dyn Backbone>,
    bucket: &'static str,
    after: Revision,
    newest: watch::Receiver<Revision>,
}

impl Following {
    /// Follows what is changed in `bucket` from now on.
    pub(crate) fn from_now(backbone: Arc<dyn Backbone>, bucket: &'static str) -> Self {
        let mut newest = backbone.newest_revision();
        let after = *newest.borrow_and_update();
        Self { backbone, bucket, after, newest }
    }

    /// The next changes; waits until there are some.
    pub(crate) async fn next(&mut self) -> Result<Vec<Change>, BackboneError> {
        loop {
            // Marked as seen before the look, so that what comes between the two is looked at again.
            self.newest.mark_unchanged();
            let changes = self.backbone.changes(self.bucket, self.after, PAGE).await?;
            if let Some(last) = changes.last() {
                self.after = last.revision;
                return Ok(changes);
            }
            let gone = |_| BackboneError::Unavailable("its writer has ended".to_owned());
            self.newest.changed().await.map_err(gone)?;
        }
    }
}
