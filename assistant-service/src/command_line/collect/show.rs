//! What a collector does, for whoever sits before a terminal or reads a log.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use collector::{Progress, Voice};

use crate::command_line::events::progress::Progress as ProgressLine;
use crate::command_line::plain::line;

/// Between two lines where nothing can be written over.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Standard error.
pub(super) struct Shown {
    /// Only what has happened.
    is_quiet: bool,
    on_terminal: Option<Mutex<ProgressLine>>,
    next_plain: Mutex<Instant>,
}

impl Shown {
    pub(super) fn new(is_quiet: bool) -> Self {
        let on_terminal = std::io::stderr().is_terminal().then(|| Mutex::new(ProgressLine::begin()));
        let next_plain = Instant::now().checked_add(PLAIN_EVERY).unwrap_or_else(Instant::now);
        Self { is_quiet, on_terminal, next_plain: Mutex::new(next_plain) }
    }

    /// Makes room for what is said at the end.
    pub(super) fn end(&self) {
        if let Some(progress) = &self.on_terminal {
            progress.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

impl Voice for Shown {
    fn say(&self, what: &str) {
        self.end();
        // A portal or a gateway may have said what a terminal would obey.
        eprintln!("watchgate: {}", line(what));
    }

    fn show(&self, progress: &Progress) {
        match &self.on_terminal {
            _ if self.is_quiet => {}
            Some(shown) => shown.lock().unwrap_or_else(PoisonError::into_inner).tell(|| now(progress)),
            None => {
                let mut next = self.next_plain.lock().unwrap_or_else(PoisonError::into_inner);
                if Instant::now() >= *next {
                    *next = Instant::now().checked_add(PLAIN_EVERY).unwrap_or(*next);
                    eprintln!("watchgate: {}", now(progress));
                }
            }
        }
    }
}

fn now(progress: &Progress) -> String {
    let Progress { device, samples_per_second, sent, waiting, lost, refused, .. } = progress;
    let state = |is_up| match is_up {
        None => "not asked yet",
        Some(true) => "up",
        Some(false) => "down",
    };
    let mut text = format!(
        "{}: {samples_per_second:.0} samples/s, {sent} events sent, {waiting} spooled, {lost} lost, {refused} refused; gateway {}",
        line(device),
        state(progress.is_gateway_up),
    );
    if progress.is_portal_up.is_some() {
        text.push_str(&format!(", portal {}", state(progress.is_portal_up)));
    }
    text
}

/// How it all went.
pub(super) fn summary(progress: &Progress) -> String {
    let Progress { device, samples, sent, waiting, lost, refused, bad_lines, ignored, dropped, .. } = progress;
    // Whoever ends it before the console has said its name has no device.
    let whose = if device.is_empty() { String::new() } else { format!("{}: ", line(device)) };
    let mut text = format!("{whose}{samples} samples, {sent} events sent");
    let stays = match waiting {
        0 => "; nothing stays in the spool".to_owned(),
        waiting => format!("; {waiting} events stay in the spool for the next time"),
    };
    text.push_str(&stays);
    for (count, what) in [
        (lost, "events lost"),
        (refused, "events refused, which lie in the spool's file `refused`"),
        (bad_lines, "lines of the game that said nothing"),
        (ignored, "members of lines that nobody knows"),
        (dropped, "figures of the console for which there was no room"),
    ] {
        if *count > 0 {
            text.push_str(&format!("; {count} {what}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_all_that_somebody_would_act_on() {
        let progress = Progress {
            device: "console\u{1b}[2J-7".to_owned(),
            samples_per_second: 719.6,
            sent: 12,
            waiting: 3,
            is_gateway_up: Some(false),
            ..Progress::default()
        };
        let expected =
            "console\u{FFFD}[2J-7: 720 samples/s, 12 events sent, 3 spooled, 0 lost, 0 refused; gateway down";
        assert_eq!(now(&progress), expected);
        let with_portal = Progress { is_portal_up: Some(true), is_gateway_up: None, ..progress };
        assert!(now(&with_portal).ends_with("gateway not asked yet, portal up"));
    }

    #[test]
    fn the_summary_names_what_stays_and_what_went_wrong_and_nothing_that_did_not() {
        let good = Progress { device: "console-7".to_owned(), samples: 9, sent: 2, ..Progress::default() };
        assert_eq!(summary(&good), "console-7: 9 samples, 2 events sent; nothing stays in the spool");
        let nameless = Progress { device: String::new(), ..good.clone() };
        assert_eq!(summary(&nameless), "9 samples, 2 events sent; nothing stays in the spool");
        let bad = Progress { waiting: 4, lost: 1, refused: 2, bad_lines: 3, ..good };
        let expected = "console-7: 9 samples, 2 events sent; 4 events stay in the spool for the next time; 1 events lost; \
                        2 events refused, which lie in the spool's file `refused`; 3 lines of the game that said nothing";
        assert_eq!(summary(&bad), expected);
    }
}
