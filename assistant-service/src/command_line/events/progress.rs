//! How far a long command has come, for whoever sits before a terminal.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(200);

/// One line on standard error that is written over.
pub(in crate::command_line) struct Progress {
    is_shown: bool,
    next: Instant,
}

impl Progress {
    pub(in crate::command_line) fn begin() -> Self {
        Self { is_shown: std::io::stderr().is_terminal(), next: Instant::now() }
    }

    pub(in crate::command_line) fn tell(&mut self, what: impl FnOnce() -> String) {
        if self.is_shown && Instant::now() >= self.next {
            self.next = Instant::now().checked_add(EVERY).unwrap_or(self.next);
            self.write(&what());
        }
    }

    /// Makes room for a line that stays.
    pub(in crate::command_line) fn clear(&self) {
        if self.is_shown {
            self.write("");
        }
    }

    /// Leaves the line empty for what is said at the end.
    pub(in crate::command_line) fn end(self) {
        self.clear();
    }

    fn write(&self, what: &str) {
        // A line that is longer than the terminal is wide is cut there: on two lines it could not be written over. Whoever closes the
        // terminal does not need it.
        let _ = write!(std::io::stderr(), "\r\x1b[K\x1b[?7l{what}\x1b[?7h");
    }
}
