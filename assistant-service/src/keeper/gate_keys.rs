//! `gate.key`, the same on all hosts: rotated when it is old, and taken over when another host has rotated it. Services
//! that check tokens get the new secret before any gate signs with it. What somebody has rotated by hand goes to the others
//! and is not undone.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand_core::{OsRng, RngCore};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use trust_core::gate_key::{GateKeys, SECRET_BYTES};
use zeroize::Zeroizing;

use super::complaint::Complaint;
use super::issuer::Chain;
use super::service::{Put, Service, ServiceError};
use super::trust_folder::{Durability, Readers, TrustFolder, own, write_file};

pub(super) const GATE_KEY: &str = "gate.key";
pub(super) const MAX_GATE_KEY_BYTES: u64 = 64 * 1024;

/// Services look at their keys every second, and keepers of other hosts hear of them within another. Until they have, no
/// gate may sign with a new secret.
const SERVICES_HAVE_LOOKED: Duration = Duration::from_secs(5);
/// A key that was rotated by hand is of no use before the services know it.
const LOOK_EVERY: Duration = Duration::from_secs(10);
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What the service says of the gates' keys.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// Nothing was said yet.
    Nothing,
    /// It has none.
    None,
    /// These are everybody's.
    Keys(GateKeys),
}

/// Holds the last key that this host had in common with the others; without it there was none yet.
const SHARED: &str = "gate-key-shared";
const MAX_SHARED_BYTES: u64 = 4096;

/// What is to be done with a key that is not the one that the others have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// They are the same.
    Keep,
    /// The others' follows on this host's, or this host has yet to join.
    Apply,
    /// This host's follows on the others': somebody has rotated it here by hand.
    Offer,
    /// Neither follows on the other. Whichever were dropped, somebody may have had a reason for it.
    Apart,
}

fn step(own: &GateKeys, told: &GateKeys, was_shared: bool) -> Step {
    if own.current_kid() == told.current_kid() {
        Step::Keep
    } else if own.previous_kid() == Some(told.current_kid()) {
        Step::Offer
    } else if !was_shared || told.previous_kid() == Some(own.current_kid()) {
        Step::Apply
    } else {
        Step::Apart
    }
}

/// The keeper of `gate.key`.
pub(super) struct GateKeyKeeper {
    pub(super) trust: TrustFolder,
    pub(super) rotate_after: Option<Duration>,
    /// Audiences, and the files of services on this host.
    pub(super) transaction_keys: Vec<(String, PathBuf)>,
    pub(super) service: Option<(Service, watch::Receiver<Told>)>,
}

#[derive(Debug, thiserror::Error)]
enum CannotKeep {
    #[error(transparent)]
    Disk(#[from] io::Error),
    #[error("gate.key is no gate key")]
    NoKey,
    #[error(
        "gate.key is {own:?}, the other hosts' is {told:?}, and neither follows on the other; copy the right one to this host"
    )]
    Apart { own: String, told: String },
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl GateKeyKeeper {
    /// Looks after it for ever.
    pub(super) async fn run(mut self) {
        let mut complaint = Complaint::new("gate.key cannot be looked after");
        loop {
            let looked = self.look().await;
            let wait = if looked.is_ok() { LOOK_EVERY } else { AGAIN_AFTER };
            complaint.about(looked.as_ref().map_err(|error| Chain(error).to_string()));
            match &mut self.service {
                // Time or a word, the next step is the same.
                Some((_, told)) if looked.is_ok() => drop(timeout(wait, told.changed()).await),
                _ => sleep(wait).await,
            }
        }
    }

    async fn look(&mut self) -> Result<(), CannotKeep> {
        let current = self.read()?;
        let told = self.service.as_mut().map(|(service, told)| (service.clone(), told.borrow_and_update().clone()));
        match (told, current) {
            (Some((service, Told::Keys(told))), Some(current)) => {
                let was_shared = self.trust.read(&own(SHARED), MAX_SHARED_BYTES)?.is_some();
                match step(&current, &told, was_shared) {
                    Step::Keep => {
                        self.note_shared(&current)?;
                        self.rotate_if_old(Some(current)).await
                    }
                    Step::Apply => self.apply(&told).await,
                    Step::Offer => self.offer(&service, Some(told.current_kid()), &current).await,
                    Step::Apart => Err(CannotKeep::Apart {
                        own: current.current_kid().to_owned(),
                        told: told.current_kid().to_owned(),
                    }),
                }
            }
            (Some((_, Told::Keys(told))), None) => self.apply(&told).await,
            // The first host gives its keys to all; of several that do so at once, the feed tells whose they are.
            (Some((service, Told::None)), Some(current)) => self.offer(&service, None, &current).await,
            (Some((_, Told::Nothing | Told::None)), _) => Ok(()),
            (None, current) => self.rotate_if_old(current).await,
        }
    }

    /// Offers the key of this host, after its services know it: it is in force here already.
    async fn offer(&self, service: &Service, previous: Option<&str>, keys: &GateKeys) -> Result<(), CannotKeep> {
        self.tell_services(keys)?;
        if service.put_gate_keys(previous, keys).await? == Put::Taken {
            self.note_shared(keys)?;
        }
        Ok(())
    }

    fn note_shared(&self, keys: &GateKeys) -> io::Result<()> {
        self.trust.write_if_new(&own(SHARED), keys.current_kid().as_bytes(), Readers::Owner)
    }

    async fn rotate_if_old(&self, current: Option<GateKeys>) -> Result<(), CannotKeep> {
        let (Some(rotate_after), Some(current)) = (self.rotate_after, current) else { return Ok(()) };
        let written = fs::metadata(self.trust.path(GATE_KEY))?.modified()?;
        // A file from the future was written by a clock that has been set back: its age is not known, and it is not old.
        let is_old = SystemTime::now().duration_since(written).is_ok_and(|age| age >= rotate_after);
        if !is_old {
            return Ok(());
        }
        let new = generate(&current);
        if let Some((service, _)) = &self.service
            && service.put_gate_keys(Some(current.current_kid()), &new).await? == Put::Conflict
        {
            return Ok(());
        }
        self.apply(&new).await?;
        tracing::info!(kid = new.current_kid(), "the gates' key is rotated");
        Ok(())
    }

    /// Who checks tokens comes first: their files hold the sub-keys of both secrets, so each serves before the change and
    /// after it.
    async fn apply(&self, keys: &GateKeys) -> Result<(), CannotKeep> {
        self.tell_services(keys)?;
        sleep(SERVICES_HAVE_LOOKED).await;
        self.trust.write(GATE_KEY, keys.to_json().as_bytes(), Readers::AsBefore, Durability::Lasting)?;
        if self.service.is_some() {
            self.note_shared(keys)?;
        }
        Ok(())
    }

    fn tell_services(&self, keys: &GateKeys) -> io::Result<()> {
        for (audience, file) in &self.transaction_keys {
            let json = keys.transaction_keys(audience).to_json();
            write_file(file, json.as_bytes(), Readers::AsBefore, Durability::Lasting)?;
        }
        Ok(())
    }

    fn read(&self) -> Result<Option<GateKeys>, CannotKeep> {
        let Some(bytes) = self.trust.read(GATE_KEY, MAX_GATE_KEY_BYTES)? else { return Ok(None) };
        GateKeys::from_json(&Zeroizing::new(bytes)).map(Some).map_err(|_| CannotKeep::NoKey)
    }
}

fn generate(previous: &GateKeys) -> GateKeys {
    let mut kid = [0_u8; 9];
    let mut secret = Zeroizing::new([0_u8; SECRET_BYTES]);
    OsRng.fill_bytes(&mut kid);
    OsRng.fill_bytes(&mut *secret);
    GateKeys::generate(BASE64_URL_SAFE_NO_PAD.encode(kid), *secret, Some(previous))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_on_the_other_is_the_one_that_counts_and_nothing_is_undone() {
        let drawn =
            |kid: &str, before: Option<&GateKeys>| GateKeys::generate(kid.to_owned(), [7; SECRET_BYTES], before);
        let first = drawn("1", None);
        let second = drawn("2", Some(&first));
        let third = drawn("3", Some(&second));
        let other = drawn("4", Some(&first));
        for (own, told, was_shared, expected) in [
            (&first, &first, true, Step::Keep),
            (&first, &second, true, Step::Apply),
            (&second, &first, true, Step::Offer),
            (&second, &first, false, Step::Offer),
            (&other, &second, true, Step::Apart),
            (&third, &first, true, Step::Apart),
            (&first, &third, true, Step::Apart),
            (&first, &third, false, Step::Apply),
        ] {
            let kids = (own.current_kid(), told.current_kid(), was_shared);
            assert_eq!(step(own, told, was_shared), expected, "{kids:?}");
        }
    }
}
