//! The pools of read-only connections, used off the async threads.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::backbone::BackboneError;

/// A pool. There are as many permits as connections, so whoever has a permit finds a connection.
pub(super) struct Readers {
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn open(
        count: usize,
        open: impl Fn() -> Result<Connection, rusqlite::Error>,
    ) -> Result<Self, rusqlite::Error> {
        let idle = (0..count).map(|_| open()).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { permits: Arc::new(Semaphore::new(count)), idle: Arc::new(Mutex::new(idle)) })
    }

    /// Closes the connections that nobody uses.
    pub(super) fn close(&self) {
        lock(&self.idle).clear();
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, BackboneError> {
        let gone = |what: &str| BackboneError::Unavailable(what.to_owned());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| gone("its readers have ended"))?;
        let idle = Arc::clone(&self.idle);
        let done = tokio::task::spawn_blocking(move || {
            let taken = lock(&idle).pop();
            let connection = taken.ok_or_else(|| BackboneError::Unavailable("a reader was lost".to_owned()))?;
            let outcome = work(&connection);
            lock(&idle).push(connection);
            drop(permit);
            outcome.map_err(BackboneError::from)
        });
        done.await.map_err(|_| gone("a read was cut off"))?
    }
}

#[cfg(test)]
impl Readers {
    /// Every connection, as if each were at work.
    pub(super) async fn all(&self) -> tokio::sync::SemaphorePermit<'_> {
        let count = u32::try_from(self.permits.available_permits()).unwrap();
        self.permits.acquire_many(count).await.unwrap()
    }
}

fn lock(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
