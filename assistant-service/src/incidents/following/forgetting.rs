//! What is kept of devices that were forgotten for want of room goes too, and not before a checkpoint holds that has forgotten them: whoever
//! begins at the one before hears of them once more. What nobody comes to delete expires.

use super::{Follower, SERIES};
use crate::incidents::interrupted::Interrupted;
use crate::incidents::kept_bytes::KeptBytes;

/// Between two checkpoints the names of so many are remembered.
const MOST_FORGOTTEN: usize = 10_000;

/// Of so many devices entries are deleted in one commit: of each there are a few.
const DEVICES_PER_COMMIT: usize = 32;

impl Follower {
    /// Takes note of devices that there was no room for.
    pub(super) fn forget(&mut self, devices: Vec<String>) {
        for device in devices {
            self.kept.remove(&device);
            if self.forgotten.len() < MOST_FORGOTTEN {
                self.forgotten.insert(device);
            }
        }
    }

    /// Of these the devices that are not in memory.
    pub(super) async fn not_in_memory(&self, mut devices: Vec<String>) -> Result<Vec<String>, Interrupted> {
        let looked = self.judge.run(move |judged| {
            devices.retain(|device| !judged.engine.knows(device));
            devices
        });
        looked.await
    }

    /// Deletes as much of what no checkpoint needs as goes into one commit. Says whether there may be more.
    pub(super) async fn delete_some(&mut self) -> Result<bool, Interrupted> {
        let some = self.unneeded.split_off(self.unneeded.len().saturating_sub(DEVICES_PER_COMMIT));
        if some.is_empty() {
            return Ok(false);
        }
        let mut puts = Vec::new();
        // What is kept of one that is back is overwritten by the next checkpoint.
        for device in self.not_in_memory(some).await? {
            let (kept, _) = KeptBytes::read(&*self.state.backbone, SERIES, &device, 0..=0).await?;
            puts.extend(kept.removals());
        }
        if !puts.is_empty() {
            self.write(Vec::new(), puts).await?;
        }
        Ok(!self.unneeded.is_empty())
    }
}
