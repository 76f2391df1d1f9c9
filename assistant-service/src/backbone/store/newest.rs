//! Where it is told how far a store has come.

use tokio::sync::watch;

use super::Stand;
use crate::backbone::{Position, Revision};

/// The side that tells.
pub(in crate::backbone) struct Newest {
    position: watch::Sender<Position>,
    revision: watch::Sender<Revision>,
}

/// The side that is told.
#[derive(Clone)]
pub(in crate::backbone) struct NewestReceivers {
    pub(in crate::backbone) position: watch::Receiver<Position>,
    pub(in crate::backbone) revision: watch::Receiver<Revision>,
}

impl Newest {
    pub(in crate::backbone) fn channel(stand: Stand) -> (Self, NewestReceivers) {
        let (position_sender, position) = watch::channel(stand.position);
        let (revision_sender, revision) = watch::channel(stand.revision);
        (Self { position: position_sender, revision: revision_sender }, NewestReceivers { position, revision })
    }

    pub(in crate::backbone) fn tell(&self, stand: Stand) {
        for (sender, newest) in [(&self.position, stand.position), (&self.revision, stand.revision)] {
            sender.send_if_modified(|known| std::mem::replace(known, newest) != newest);
        }
    }
}
