//! Names as samples may carry them: what a console or a game says is cut to what the service takes.

use diagnosis::batch::MOST_NAME_BYTES;
use ring::digest::{SHA256, digest};

/// How much of a digest tells two long names apart that begin alike.
const DIGEST_BYTES: usize = 4;

/// The name without control characters, and no longer than the service takes. Of a longer one the beginning stays, and a mark
/// that tells it from others that begin like it: two builds must not become one.
pub(crate) fn fitted(name: &str) -> String {
    let clean: String = name.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.len() <= MOST_NAME_BYTES {
        return clean;
    }
    let mark: String =
        digest(&SHA256, name.as_bytes()).as_ref().iter().take(DIGEST_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let room = MOST_NAME_BYTES.saturating_sub(mark.len()).saturating_sub(1);
    let kept = clean.get(..clean.floor_char_boundary(room)).unwrap_or_default();
    format!("{kept}~{mark}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_fits_stays_and_loses_only_what_a_terminal_would_obey() {
        assert_eq!(fitted("1.4.2+vulkan"), "1.4.2+vulkan");
        assert_eq!(fitted(" lobby\u{1b}[2J\n"), "lobby [2J");
    }

    #[test]
    fn two_long_names_that_begin_alike_stay_two() {
        let long = "ü".repeat(100);
        let [one, other] = [fitted(&format!("{long}-debug")), fitted(&format!("{long}-release"))];
        assert_ne!(one, other);
        assert!(one.len() <= MOST_NAME_BYTES && one.starts_with("üüü"), "{one}");
        assert_eq!(one, fitted(&format!("{long}-debug")));
    }
}
