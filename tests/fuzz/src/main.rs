//! libFuzzer, let loose on one of the targets of `trust_core::fuzzing`. `make fuzz` builds and runs it.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
mod target {
    use std::sync::LazyLock;

    use trust_core::fuzzing::{TARGETS, Target};

    /// libFuzzer has the command line for itself, so the name comes another way.
    static CHOSEN: LazyLock<Target> = LazyLock::new(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let known: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
        let Some((_, target)) = TARGETS.iter().find(|(known, _)| *known == name) else {
            eprintln!("fuzz: FUZZ_TARGET must be one of {}", known.join(", "));
            std::process::exit(2);
        };
        *target
    });

    libfuzzer_sys::fuzz_target!(|bytes: &[u8]| CHOSEN(bytes));
}

#[cfg(not(fuzzing))]
fn main() {}
