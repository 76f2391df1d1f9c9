//! What is kept outside of memory: parked devices, and checkpoints from which another engine goes on.

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::Millis;
use crate::book::Book;
use crate::form::{self, InvalidParked};
use crate::roster::Roster;

/// What changed since the last checkpoint, and the book. All of it stands for the last batch or tick that was taken before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Devices and their bytes for [`Engine::revive`].
    pub devices: Vec<(String, Vec<u8>)>,
    /// Bytes for [`Engine::restore`].
    pub book: Vec<u8>,
}

#[derive(Serialize)]
struct Writing<'a>(&'a Roster, &'a Book);

#[derive(Deserialize)]
struct Reading(Roster, Book);

impl Engine {
    /// Takes a device's series out of memory, as bytes for [`Engine::revive`]; `None` where nothing is known of it. Nothing that is told
    /// depends on it, as long as it is there again before the device's next batch is taken.
    ///
    /// # Errors
    /// [`InvalidParked`] when it cannot be written.
    pub fn park(&mut self, device: &str) -> Result<Option<Vec<u8>>, InvalidParked> {
        self.memory.park(device)
    }

    /// Whether anything of a device is in memory.
    pub fn knows(&self, device: &str) -> bool {
        self.memory.knows(device)
    }

    /// Brings back what was parked, unless it was forgotten since for want of room: then the device begins anew.
    ///
    /// # Errors
    /// [`InvalidParked`] when the bytes are none of [`Engine::park`]'s in this version.
    pub fn revive(&mut self, parked: &[u8]) -> Result<(), InvalidParked> {
        self.memory.revive(parked, |device, number| self.roster.recalls(device, number))
    }

    /// The devices that there is no room for any more after a batch of `but`: to be [forgotten](Engine::forget) in this order, before anything
    /// else is taken. Whoever copies a checkpoint little by little copies them first.
    pub fn surplus(&self, but: &str) -> Vec<String> {
        self.roster.surplus(self.limits.devices, self.limits.series, but)
    }

    /// Forgets a device's series for want of room, in memory and wherever they are kept.
    pub fn forget(&mut self, device: &str) {
        self.memory.forget(device);
        self.roster.forget(device, self.limits.devices);
    }

    /// The devices in memory that were not heard for ten minutes.
    pub fn idle_devices(&self, now: Millis) -> Vec<String> {
        self.memory.devices().filter(|device| self.roster.is_idle(device, now)).map(str::to_owned).collect()
    }

    /// The devices of which something changed since they were last copied or parked.
    pub fn changed_devices(&self) -> Vec<String> {
        self.memory.changed().map(str::to_owned).collect()
    }

    /// A device's series as bytes, as [`Engine::park`] gives them; they stay in memory, and count as copied.
    ///
    /// # Errors
    /// [`InvalidParked`] when it cannot be written.
    pub fn copy(&mut self, device: &str) -> Result<Option<Vec<u8>>, InvalidParked> {
        self.memory.copy(device)
    }

    /// Copies of all that changed since the last one, and the book.
    ///
    /// # Errors
    /// [`InvalidParked`] when it cannot be written.
    pub fn checkpoint(&mut self) -> Result<Checkpoint, InvalidParked> {
        let mut devices = Vec::new();
        for device in self.changed_devices() {
            if let Some(copy) = self.copy(&device)? {
                devices.push((device, copy));
            }
        }
        Ok(Checkpoint { devices, book: self.save_book()? })
    }

    /// All but the series, as bytes: who was heard, alarms, incidents, the memory of earlier ones.
    ///
    /// # Errors
    /// [`InvalidParked`] when it cannot be written.
    pub fn save_book(&self) -> Result<Vec<u8>, InvalidParked> {
        form::to_bytes(&Writing(&self.roster, &self.book))
    }

    /// Begins where a book was saved.
    ///
    /// # Errors
    /// [`InvalidParked`] when the bytes are none of [`Engine::save_book`]'s in this version.
    pub fn restore(&mut self, book: &[u8]) -> Result<(), InvalidParked> {
        let Reading(roster, book) = form::from_bytes(book)?;
        (self.roster, self.book) = (roster, book);
        Ok(())
    }
}
