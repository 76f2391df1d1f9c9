//! The short form of the soak: a minute of everything at once, with an update and faults in it.

use std::process::Command;

#[test]
fn nothing_is_lost_and_nothing_stuck_while_everything_happens_at_once() {
    let status = Command::new(env!("CARGO_BIN_EXE_faults")).args(["soak", "--short"]).status();
    assert!(status.is_ok_and(|status| status.success()), "what was found stands above");
}
