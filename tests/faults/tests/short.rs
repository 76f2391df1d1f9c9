//! The short form, which needs no root and a few minutes.

use std::process::Command;

#[test]
fn every_fault_of_the_short_form_is_survived() {
    let status = Command::new(env!("CARGO_BIN_EXE_faults")).args(["run", "--length", "short"]).status();
    assert!(status.is_ok_and(|status| status.success()), "what was found stands above");
}
