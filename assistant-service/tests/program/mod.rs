//! The built `watchgate` as a child process.

use std::io::Write;
use std::process::{Command, Stdio};

/// How a run ended, and what it said.
#[derive(Debug)]
#[allow(dead_code, reason = "each test looks at a part of it")]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `watchgate` with these arguments and nothing on its standard input.
pub(crate) fn watchgate(arguments: &[&str]) -> Ended {
    watchgate_reading(arguments, "")
}

/// The same, with `input` on its standard input.
pub(crate) fn watchgate_reading(arguments: &[&str], input: &str) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchgate"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that ends without reading closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
