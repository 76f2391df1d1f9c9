//! `gate.key`, the same on all hosts: rotated when it is old, and taken over when another host has rotated it. Services
//! that check tokens get the new secret before any gate signs with it.

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
use super::trust_folder::{Durability, Readers, TrustFolder, write_file};

pub(super) const GATE_KEY: &str = "gate.key";
pub(super) const MAX_GATE_KEY_BYTES: u64 = 64 * 1024;

/// Services look at their keys every second, and keepers of other hosts hear of them within another. Until they have, no
/// gate may sign with a new secret.
const SERVICES_HAVE_LOOKED: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_secs(60);
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
            (Some((_, Told::Keys(keys))), Some(current)) if keys.current_kid() == current.current_kid() => {
                self.rotate_if_old(Some(current)).await
            }
            (Some((_, Told::Keys(keys))), _) => self.apply(&keys).await,
            (Some((service, Told::None)), Some(current)) => {
                // The first host gives its keys to all; of several that do so at once, the feed tells whose they are.
                service.put_gate_keys(None, &current).await?;
                Ok(())
            }
            (Some((_, Told::Nothing | Told::None)), _) => Ok(()),
            (None, current) => self.rotate_if_old(current).await,
        }
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
        for (audience, file) in &self.transaction_keys {
            let json = keys.transaction_keys(audience).to_json();
            write_file(file, json.as_bytes(), Readers::AsBefore, Durability::Lasting)?;
        }
        sleep(SERVICES_HAVE_LOOKED).await;
        self.trust.write(GATE_KEY, keys.to_json().as_bytes(), Readers::AsBefore, Durability::Lasting)?;
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
