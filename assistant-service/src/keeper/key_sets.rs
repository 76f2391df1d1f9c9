//! The issuers' keys in the trust directory, and how old they are: by the wall clock and by the time that has passed, of
//! which the longer counts, so that a clock that is set back makes no old key young. Both survive a restart.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::time::Instant;

use super::config::{IssuerConfig, is_key_set_file};
use super::provider::{MAX_BYTES, UnfitKeys, check_keys};
use super::trust_folder::{Durability, Readers, TrustFolder, own};
use super::wall::{UnixMillis, now};
use crate::clock::Clock;

const STATE: &str = "state.json";
const MAX_STATE_BYTES: u64 = 4 * 1024 * 1024;

/// Clocks of two hosts are never quite the same.
const CLOCKS_APART_MS: u64 = 60_000;

/// When keys were last confirmed.
#[derive(Clone, Copy, Debug)]
struct Checked {
    /// When the fetch began, by the wall clock of then.
    at: UnixMillis,
    /// How long ago that was at `since`.
    age_then: Duration,
    since: Instant,
    /// False for a file that was there before any keeper: it has an age, but nobody knows of a fetch.
    is_fetched: bool,
}

impl Checked {
    fn passed(&self) -> Duration {
        self.age_then.saturating_add(self.since.elapsed())
    }

    fn age(&self, now: UnixMillis) -> Duration {
        self.passed().max(Duration::from_millis(now.saturating_sub(self.at)))
    }

    /// When the fetch began by the wall clock of now: after the clock was set back, earlier than what was written down.
    fn began(&self, now: UnixMillis) -> UnixMillis {
        if !self.is_fetched {
            return 0;
        }
        let passed = u64::try_from(self.passed().as_millis()).unwrap_or(u64::MAX);
        self.at.min(now.saturating_sub(passed))
    }
}

#[derive(Debug)]
struct KeySet {
    issuer: String,
    max_age: Duration,
    checked: Option<Checked>,
    /// Fetched here, and no other host knows of it yet.
    unshared: bool,
}

/// An issuer's keys on their way to or from other hosts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SharedKeySet {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) jwks: serde_json::Value,
    pub(super) checked_at: UnixMillis,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    key_sets: BTreeMap<String, SetState>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SetState {
    issuer: String,
    /// 0 when nobody knows of a fetch; whose file it is counts all the same.
    checked_at: UnixMillis,
    age_ms: u64,
}

/// Why offered keys are not taken.
#[derive(Debug, Error)]
pub(super) enum NotTaken {
    #[error("no issuer of this keeper has this file, or it is another's")]
    Unknown,
    #[error("newer ones are here")]
    Older,
    #[error("they are of the future: this host's clock or the other one's is wrong")]
    Future,
    #[error(transparent)]
    Unfit(#[from] UnfitKeys),
    #[error("they cannot be written: {0}")]
    Unwritten(#[from] io::Error),
}

/// Every issuer's keys. All of it touches the disk: none of it belongs on a thread that answers.
pub(super) struct KeySets {
    trust: TrustFolder,
    clock: Arc<dyn Clock>,
    sets: Mutex<BTreeMap<String, KeySet>>,
}

impl KeySets {
    /// Takes over what an earlier keeper left. Keys that were another issuer's are removed: in the place of this one's
    /// they would vouch for it. So are those of an issuer that is no longer kept: another one may get its file later.
    pub(super) fn open(trust: TrustFolder, clock: Arc<dyn Clock>, issuers: &[IssuerConfig]) -> io::Result<Self> {
        let mut state = left_behind(&trust)?;
        let now = now(&*clock);
        let mut sets = BTreeMap::new();
        for config in issuers {
            trust.remove_unfinished_beside(&config.file);
            let kept = state.key_sets.remove(&config.file);
            if kept.as_ref().is_some_and(|kept| kept.issuer != config.issuer) {
                trust.remove(&config.file)?;
            }
            let kept = kept.filter(|kept| kept.issuer == config.issuer);
            let checked = match kept.filter(|kept| kept.checked_at > 0) {
                Some(kept) => Some(checked_before(kept.checked_at, Duration::from_millis(kept.age_ms), now)),
                None => written_at(&trust, &config.file, now)
                    .map(|at| Checked { is_fetched: false, ..checked_before(at, Duration::ZERO, now) }),
            };
            let set = KeySet { issuer: config.issuer.clone(), max_age: config.max_age, checked, unshared: false };
            sets.insert(config.file.clone(), set);
        }
        for name in state.key_sets.keys() {
            trust.remove(name)?;
        }
        Ok(Self { trust, clock, sets: Mutex::new(sets) })
    }

    /// Takes keys that have just been fetched here, by a fetch that began at `began`.
    pub(super) fn take_fetched(&self, name: &str, jwks: &[u8], began: (UnixMillis, Instant)) -> Result<(), NotTaken> {
        let (at, since) = began;
        self.take(name, None, jwks, Checked { at, age_then: Duration::ZERO, since, is_fetched: true })
    }

    /// Takes keys that another host's keeper has fetched, if they are newer than those that are here.
    pub(super) fn take_offered(&self, offered: &SharedKeySet) -> Result<(), NotTaken> {
        let now = now(&*self.clock);
        // Taken as fetched now they would be younger each time that they are told.
        if offered.checked_at > now.saturating_add(CLOCKS_APART_MS) {
            return Err(NotTaken::Future);
        }
        let jwks = offered.jwks.to_string().into_bytes();
        check_keys(&jwks)?;
        let checked = checked_before(offered.checked_at, Duration::ZERO, now);
        self.take(&offered.name, Some(&offered.issuer), &jwks, checked)
    }

    fn take(&self, name: &str, issuer: Option<&str>, jwks: &[u8], checked: Checked) -> Result<(), NotTaken> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let set = sets.get_mut(name).ok_or(NotTaken::Unknown)?;
        if issuer.is_some_and(|issuer| issuer != set.issuer) {
            return Err(NotTaken::Unknown);
        }
        let (now, is_offered) = (now(&*self.clock), issuer.is_some());
        // What nobody has fetched is never newer.
        let own = set.checked.filter(|own| own.is_fetched);
        if own.is_some_and(|own| own.age(now) < checked.age(now) || (is_offered && own.at >= checked.at)) {
            return Err(NotTaken::Older);
        }
        // The keys first: what is known of their age may be too old, never too young.
        self.trust.write_if_new(name, jwks, Readers::Everyone)?;
        (set.checked, set.unshared) = (Some(checked), !is_offered);
        self.save(&sets)?;
        Ok(())
    }

    /// The keys that were fetched here and that no other host knows of yet.
    pub(super) fn unshared(&self) -> Vec<SharedKeySet> {
        let sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let unshared = sets.iter().filter(|(_, set)| set.unshared).filter_map(|(name, set)| {
            let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
            let jwks = self.trust.read(name, most).ok().flatten()?;
            let jwks = serde_json::from_slice(&jwks).ok()?;
            let checked_at = set.checked?.at;
            Some(SharedKeySet { name: name.clone(), issuer: set.issuer.clone(), jwks, checked_at })
        });
        unshared.collect()
    }

    /// Takes note that other hosts have been told.
    pub(super) fn shared(&self, told: &SharedKeySet) {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) =
            sets.get_mut(&told.name).filter(|set| set.checked.is_some_and(|own| own.at == told.checked_at))
        {
            set.unshared = false;
        }
    }

    /// Removes keys that nobody has confirmed for too long, and says whose.
    pub(super) fn expire(&self) -> io::Result<Vec<String>> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now(&*self.clock);
        let mut expired = Vec::new();
        for (name, set) in sets.iter_mut() {
            if set.checked.is_some_and(|checked| checked.age(now) > set.max_age) {
                self.trust.remove(name)?;
                set.checked = None;
                expired.push(set.issuer.clone());
            }
        }
        if !expired.is_empty() {
            self.save(&sets)?;
        }
        Ok(expired)
    }

    /// What the head says of each file: when its last successful fetch began. Of one that was never fetched 0, so that
    /// no token is refused for a key that nobody has asked for.
    pub(super) fn began(&self) -> BTreeMap<String, UnixMillis> {
        let sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now(&*self.clock);
        sets.iter().map(|(name, set)| (name.clone(), set.checked.map_or(0, |checked| checked.began(now)))).collect()
    }

    /// Writes down whose each file is and how old, so that little is lost of it when the keeper is killed.
    pub(super) fn save_ages(&self) -> io::Result<()> {
        self.save(&self.sets.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn save(&self, sets: &BTreeMap<String, KeySet>) -> io::Result<()> {
        let now = now(&*self.clock);
        let key_sets = sets.iter().map(|(name, set)| {
            let fetched = set.checked.filter(|checked| checked.is_fetched);
            let (checked_at, age) = fetched.map_or((0, Duration::ZERO), |checked| (checked.at, checked.age(now)));
            let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            (name.clone(), SetState { issuer: set.issuer.clone(), checked_at, age_ms })
        });
        let json = serde_json::to_vec(&State { key_sets: key_sets.collect() })?;
        self.trust.write(&own(STATE), &json, Readers::Owner, Durability::Lasting)
    }
}

/// What the last keeper wrote down. Where that cannot be read nobody knows whose the files are, and none may be believed.
fn left_behind(trust: &TrustFolder) -> io::Result<State> {
    let Some(bytes) = trust.read(&own(STATE), MAX_STATE_BYTES)? else { return Ok(State::default()) };
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", own(STATE)));
    let state: State = serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
    match state.key_sets.keys().find(|name| !is_key_set_file(name)) {
        Some(name) => Err(invalid(format!("{name} is no file of keys"))),
        None => Ok(state),
    }
}

fn checked_before(at: UnixMillis, least_age: Duration, now: UnixMillis) -> Checked {
    let age = Duration::from_millis(now.saturating_sub(at)).max(least_age);
    Checked { at, age_then: age, since: Instant::now(), is_fetched: true }
}

/// When a file that no keeper has written down came to be, at the latest now.
fn written_at(trust: &TrustFolder, name: &str, now: UnixMillis) -> Option<UnixMillis> {
    let written = fs::metadata(trust.path(name)).ok()?.modified().ok()?;
    let since_epoch = written.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Some(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX).min(now))
}

#[cfg(test)]
mod tests;
