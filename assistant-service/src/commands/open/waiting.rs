//! Those who wait here for a command of a service: one is woken for each that comes, so that a hundred who wait do not all look
//! for the same one.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::{Known, OpenCommands};

/// Somebody who waits for the commands of a service.
pub(in crate::commands) struct Waiting<'a> {
    service: &'a str,
    notify: Arc<Notify>,
    open: &'a OpenCommands,
}

/// Somebody who looks, having been woken or not. Whoever breaks off passes the word on, for it may have been meant for
/// another's command as well.
pub(in crate::commands) struct Looking<'a> {
    notify: &'a Notify,
    is_over: bool,
}

impl OpenCommands {
    /// Waits in the row for `service`; to be called before the first look, so that nothing falls between the two.
    pub(in crate::commands) fn wait_for<'a>(&'a self, service: &'a str) -> Waiting<'a> {
        let notify = Arc::clone(self.lock().waiting.entry(service.to_owned()).or_default());
        Waiting { service, notify, open: self }
    }
}

impl Waiting<'_> {
    /// Completes when it is time to look again, beginning with what happens from now on.
    pub(in crate::commands) fn woken(&self) -> Notified<'_> {
        self.notify.notified()
    }

    pub(in crate::commands) fn look(&self) -> Looking<'_> {
        Looking { notify: &self.notify, is_over: false }
    }
}

impl Looking<'_> {
    /// The look was carried through, and whatever came of it, nobody else needs to know.
    pub(in crate::commands) fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.notify.notify_one();
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut known = self.open.lock();
        // Counted under the lock under which they come: this one's and the row's own.
        if Arc::strong_count(&self.notify) <= 2 {
            known.waiting.remove(self.service);
        }
    }
}

impl Known {
    /// Wakes one who waits for `service`, or the next to come; all of them where a time has changed by which they wake
    /// themselves.
    pub(super) fn wake(&self, service: &str, is_for_later: bool) {
        let Some(notify) = self.waiting.get(service) else { return };
        if is_for_later {
            notify.notify_waiters();
        } else {
            notify.notify_one();
        }
    }
}
