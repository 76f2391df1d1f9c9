#![expect(clippy::disallowed_methods, reason = "seeds are files")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds").join(target)
}

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder(target)).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn everything_holds_for_every_seed() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for (path, bytes) in seeds {
            let outcome = catch_unwind(AssertUnwindSafe(|| target(&bytes)));
            assert!(outcome.is_ok(), "{}", path.display());
        }
    }
    let folders = std::fs::read_dir(folder("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    for folder in folders {
        assert!(TARGETS.iter().any(|(name, _)| *name == folder), "nobody reads the seeds of {folder}");
    }
}

#[test]
fn the_seeds_hold_what_the_gate_lets_in() {
    let seed = |name: &str| String::from_utf8(std::fs::read(folder("token").join(name)).unwrap()).unwrap();
    let [bearer, bound] = fixture::genuine_tokens();
    assert_eq!(
        [seed("bearer.jwt"), seed("bound.jwt"), seed("transaction.jwt")],
        [bearer, bound, token::transaction_token().to_owned()]
    );
    let proof = std::fs::read_to_string(folder("proof").join("genuine.jwt")).unwrap();
    assert_eq!(proof, proof::genuine());
    let mut gate = fixture::gate();
    let request = fixture::with_authorization(format!("Bearer {}", seed("bearer.jwt")).as_bytes());
    assert!(gate.decide(&request, fixture::moment(), &crate::shared_files::NoSharedFiles).is_ok());
}

/// One thing done to a copy of a seed.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    /// A piece of the copy, put in somewhere else.
    Repeat(Index, Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (at(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (at(), 1_usize..40).prop_map(|(at, length)| Damage::Remove(at, length)),
        (at(), at(), 1_usize..40).prop_map(|(from, to, length)| Damage::Repeat(from, to, length)),
    ]
}

fn spoilt(mut bytes: Vec<u8>, damages: Vec<Damage>) -> Vec<u8> {
    for damage in damages {
        let places = bytes.len() + 1;
        match damage {
            Damage::Set(at, byte) => {
                if let Some(held) = bytes.get_mut(at.index(places)) {
                    *held = byte;
                }
            }
            Damage::Insert(at, new) => drop(bytes.splice(at.index(places)..at.index(places), new)),
            Damage::Remove(at, length) => {
                let start = at.index(places);
                bytes.drain(start..(start + length).min(bytes.len()));
            }
            Damage::Repeat(from, to, length) => {
                let start = from.index(places);
                let piece = bytes[start..(start + length).min(bytes.len())].to_vec();
                bytes.splice(to.index(places)..to.index(places), piece);
            }
        }
    }
    bytes
}

proptest! {
    #[test]
    fn everything_holds_for_any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        TARGETS.iter().for_each(|(_, target)| target(&bytes));
    }

    #[test]
    fn everything_holds_for_spoilt_seeds(seed in any::<Index>(), damages in vec(damage(), 1..6)) {
        for (name, target) in TARGETS {
            let seeds = seeds(name);
            let (_, bytes) = seeds[seed.index(seeds.len())].clone();
            target(&spoilt(bytes, damages.clone()));
        }
    }
}
