//! Rewrites the gate for the wazero that Traefik carries: `memory.copy` and `memory.fill` become calls of plain loops,
//! 128-bit arithmetic becomes 64-bit arithmetic in its place.
//!
//! Traefik 3.7 carries wazero 1.8.0, built with Go 1.24 or newer. There wazero's machine code for the first two instructions
//! loses a register whenever more than 2,048 bytes are moved (wazero issue 2375, mended in wazero 1.9.0): measured, a
//! token of 2,100 bytes made the gate trap, and nothing says that a trap is the worst that can come of it. Rust's
//! standard library is full of both instructions, and no compiler flag takes them out of it.
//!
//! 128-bit arithmetic no wazero knows. The compiler is told to use it all the same, because what it does without, a call
//! for each product, makes elliptic curves half as slow again or more.
//!
//! And a trap leaves the stack pointer where it was, in an instance that Traefik uses again: what the host enters sets it anew.

mod loops;
mod rewrite;
mod wide;

use std::env;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lower-wasm: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = env::args_os().skip(1);
    let (Some(from), Some(to), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        bail!("say which file to read and which to write");
    };
    let module = fs::read(&from).with_context(|| format!("{} cannot be read", from.display()))?;
    let lowered = rewrite::lower(&module).with_context(|| format!("{} cannot be rewritten", from.display()))?;
    fs::write(&to, &lowered.module).with_context(|| format!("{} cannot be written", to.display()))?;
    let rewrite::Lowered { copies, fills, wide, entries, .. } = lowered;
    println!("lower-wasm: {copies} copies and {fills} fills made loops, {wide} 128-bit operations made of 64-bit ones");
    println!("lower-wasm: {entries} functions that the host enters begin with an empty stack");
    Ok(())
}
