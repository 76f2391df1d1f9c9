//! The connections of a listener: so many at once and no more, each with a head that comes in time and is of bounded size. Further ones
//! wait in the kernel's queue, which is bounded too, and cost this program nothing.

mod unread;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Semaphore;
use unread::Unread;

/// More than all seats together, so that whoever is refused a seat is told so and does not wait for a connection.
const AT_ONCE: usize = 8192;

/// Of the files that this process may have open, those that are for other things than connections: the store, its readers, models, NATS.
const OTHER_FILES: usize = 512;

/// From the end of one request, or from the beginning of the connection, until the next one's head is there. Longer than the 90 s for which
/// Traefik keeps a connection that nobody uses: who closes first must not be the one who cannot know that a request is under way.
const HEAD_WITHIN: Duration = Duration::from_secs(100);

/// The most that a head may have, and so what a connection holds of what was not read yet. Traefik lets 64 KiB through and the gate adds its word.
const MOST_HEAD_BYTES: usize = 128 * 1024;

/// How long nothing can be written to a client before it counts as one that does not read.
const UNREAD_FOR: Duration = Duration::from_secs(60);

/// What a listener bears.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Connections at once.
    pub(crate) at_once: usize,
    /// Until a head is there.
    pub(crate) head_within: Duration,
}

impl Bounds {
    /// Of a listener that gateways come to. Lets this process have as many files open as it may, which by itself it does not.
    pub(crate) fn of_a_service() -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = AT_ONCE.saturating_add(OTHER_FILES);
        let most = maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX)).min(wanted);
        let has = current.map_or(usize::MAX, |has| usize::try_from(has).unwrap_or(usize::MAX));
        let files = if has < most
            && setrlimit(Resource::Nofile, Rlimit { current: u64::try_from(most).ok(), maximum }).is_ok()
        {
            most
        } else {
            has
        };
        // With very few files half of them: then something is left for either.
        let at_once = files.saturating_sub(OTHER_FILES).max(files / 2).min(AT_ONCE);
        if at_once < AT_ONCE {
            tracing::warn!(at_once, "fewer connections are taken at once, for want of open files (LimitNOFILE)");
        }
        Self { at_once, head_within: HEAD_WITHIN }
    }

    /// Of a listener for few.
    pub(crate) fn few(at_once: usize) -> Self {
        Self { at_once, head_within: Duration::from_secs(10) }
    }
}

/// Answers what comes by `listener` until `ending`, then lets each connection end its request and says that there is no next one. Returns
/// when all have ended.
pub(crate) async fn answer<L: Listener>(
    mut listener: L,
    routes: Router,
    bounds: Bounds,
    ending: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(bounds.head_within).max_buf_size(MOST_HEAD_BYTES);
    let (seats, open) = (Arc::new(Semaphore::new(bounds.at_once)), GracefulShutdown::new());
    let mut ending = pin!(ending);
    loop {
        let next = async {
            // Never closed, so there is always one to come.
            let seat = Arc::clone(&seats).acquire_owned().await.ok();
            (seat, listener.accept().await)
        };
        let (seat, (connection, _)) = tokio::select! {
            () = &mut ending => break,
            next = next => next,
        };
        let service = TowerToHyperService::new(routes.clone());
        let answering = open.watch(http.serve_connection(TokioIo::new(Unread::new(connection, UNREAD_FOR)), service));
        tokio::spawn(async move {
            // A client that broke off, or had no head in time, is its own concern.
            let _ = answering.await;
            drop(seat);
        });
    }
    drop(listener);
    open.shutdown().await;
}

#[cfg(test)]
mod tests;
