//! Keys that change: a new JWK Set in the old one's place, and from then on what was signed before is nothing.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::gateway;
use crate::issuer::Generation;

/// Within this time a changed JWK Set must count everywhere.
pub(crate) const COUNTS_WITHIN: Duration = Duration::from_secs(1);

/// A minute is much less than any issuer takes, so that a run sees many changes.
pub(crate) const PACE: Duration = Duration::from_secs(60);

/// The generation that is good, and the one that was.
pub(crate) struct Keys {
    now: RefCell<(Rc<Generation>, Option<Rc<Generation>>)>,
    changed: Cell<Instant>,
    rotations: Cell<u64>,
    folder: PathBuf,
}

impl Keys {
    pub(crate) fn new(first: Generation, folder: PathBuf) -> Keys {
        Keys {
            now: RefCell::new((Rc::new(first), None)),
            // The first set was there before any Traefik.
            changed: Cell::new(Instant::now().checked_sub(COUNTS_WITHIN).unwrap_or_else(Instant::now)),
            rotations: Cell::new(0),
            folder,
        }
    }

    /// The tokens that are good now.
    pub(crate) fn current(&self) -> Rc<Generation> {
        Rc::clone(&self.now.borrow().0)
    }

    /// The tokens that were good before.
    pub(crate) fn previous(&self) -> Option<Rc<Generation>> {
        self.now.borrow().1.clone()
    }

    /// When the current ones became good.
    pub(crate) fn changed(&self) -> Instant {
        self.changed.get()
    }

    pub(crate) fn rotations(&self) -> u64 {
        self.rotations.get()
    }

    /// Makes the next generation in time in a thread of its own, and puts its key in place.
    pub(crate) async fn rotate(self: Rc<Keys>, tokens: usize) -> Result<()> {
        loop {
            let due = tokio::time::Instant::now() + PACE;
            let number = self.current().number() + 1;
            let made = tokio::task::spawn_blocking(move || Generation::make(number, tokens));
            let next = made.await.context("signing panicked")??;
            tokio::time::sleep_until(due).await;
            let file = gateway::jwks_file(&self.folder);
            let fresh = file.with_extension("new");
            fs::write(&fresh, next.jwks().to_string())?;
            fs::rename(&fresh, &file).context("the new JWK Set could not be put in place")?;
            self.changed.set(Instant::now());
            let mut now = self.now.borrow_mut();
            *now = (Rc::new(next), Some(Rc::clone(&now.0)));
            self.rotations.set(self.rotations.get() + 1);
        }
    }
}
