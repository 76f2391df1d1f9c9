//! The modules of the pages, without a browser: their tests are Node's, beside which real keys, streams and digests are at hand.

use std::process::Command;

use anyhow::{Result, ensure};
use programs::artifacts;

#[test]
fn modules_of_the_pages_do_what_their_own_tests_say() -> Result<()> {
    let ran = Command::new(artifacts::node()?)
        .args(["--test", "--test-reporter=tap", "--test-timeout=30000", "tests/browser/unit/*.test.mjs"])
        .current_dir(artifacts::root())
        .output()?;
    let said = String::from_utf8_lossy(&ran.stdout);
    ensure!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    // No file is no failure for Node.
    let passed = said.lines().find_map(|line| line.strip_prefix("# pass ")).and_then(|count| count.parse::<u32>().ok());
    ensure!(passed.is_some_and(|passed| passed > 0), "nothing ran: {said}");
    Ok(())
}
