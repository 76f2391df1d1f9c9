//! The claims cache against a table of everything that was ever put into it: whatever gates, clocks, keys and neighbours do,
//! nothing comes out but what was kept for exactly this token, by a key that is loaded, in its time.

use std::cell::RefCell;
use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use crate::claims::VerifiedClaims;
use crate::claims::record::ClaimRecord;
use crate::claims::selection::ClaimSelection;
use crate::claims_cache::{CONTEXT_BYTES, ClaimsCache, Verification};
use crate::gate_key::GateKeys;
use crate::shared_files::{SharedFile, SharedFiles};
use crate::time::UnixSeconds;

const START: u64 = 1_800_000_000;
const LEEWAY_SECONDS: u64 = 30;
const GATES: usize = 3;
/// Two sets, so that a few tokens fill one.
const FILE_BYTES: usize = 16 * 1024;
const SLOT_BYTES: usize = 512;

/// What one of the gates, the clock, or somebody with a hand in the file does.
#[derive(Clone, Debug)]
enum Step {
    /// A token comes to a gate that knows it, or has it verified and keeps it.
    Meet {
        gate: usize,
        token: u8,
        issuer_key: u8,
        lifetime_seconds: u64,
        claim_bytes: usize,
    },
    Clock {
        seconds: i64,
    },
    /// These keys are the issuer's from now on, for all gates.
    IssuerKeys {
        loaded: Vec<u8>,
    },
    GateKey {
        gate: usize,
        seed: u8,
    },
    Corrupt {
        at: Index,
        bytes: Vec<u8>,
    },
    CopySlot {
        from: Index,
        to: Index,
    },
    CopyBytes {
        from: Index,
        to: Index,
        length: usize,
    },
    RollBack,
    LoseFile {
        is_lost: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let meet = (0..GATES, 0..40_u8, 0..3_u8, 0..90_u64, prop_oneof![9 => 0..200_usize, 1 => 350..1200_usize]);
    prop_oneof![
        20 => meet.prop_map(|(gate, token, issuer_key, lifetime_seconds, claim_bytes)| {
            Step::Meet { gate, token, issuer_key, lifetime_seconds, claim_bytes }
        }),
        4 => (-40..60_i64).prop_map(|seconds| Step::Clock { seconds }),
        1 => prop::sample::subsequence(vec![0_u8, 1, 2], 0..=3).prop_map(|loaded| Step::IssuerKeys { loaded }),
        1 => (0..GATES, 0..2_u8).prop_map(|(gate, seed)| Step::GateKey { gate, seed }),
        2 => (any::<Index>(), vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Step::Corrupt { at, bytes }),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Step::CopySlot { from, to }),
        1 => (any::<Index>(), any::<Index>(), 1..600_usize)
            .prop_map(|(from, to, length)| Step::CopyBytes { from, to, length }),
        1 => Just(Step::RollBack),
        1 => any::<bool>().prop_map(|is_lost| Step::LoseFile { is_lost }),
    ]
}

#[derive(Default)]
struct Memory {
    bytes: RefCell<Vec<u8>>,
    is_lost: bool,
}

impl SharedFiles for Memory {
    fn read_at(&self, _file: SharedFile, offset: u64, buffer: &mut [u8]) -> bool {
        let (bytes, offset) = (self.bytes.borrow(), usize::try_from(offset).unwrap());
        buffer.copy_from_slice(&bytes[offset..offset + buffer.len()]);
        !self.is_lost
    }

    fn write_at(&self, _file: SharedFile, offset: u64, bytes: &[u8]) -> bool {
        let offset = usize::try_from(offset).unwrap();
        if !self.is_lost {
            self.bytes.borrow_mut()[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        !self.is_lost
    }

    fn append_denial(&self, _line: &str) {}
}

/// One entry of the table.
#[derive(Clone, Debug)]
struct Kept {
    claims: VerifiedClaims,
    issuer_key: u8,
    at: u64,
    by: usize,
    gate_key: u8,
}

struct World {
    gates: Vec<(ClaimsCache, u8)>,
    memory: Memory,
    past: Vec<u8>,
    loaded: Vec<u8>,
    now: u64,
    table: HashMap<String, Vec<Kept>>,
}

fn take_gate_key(gate: &mut (ClaimsCache, u8), seed: u8) {
    gate.0.take_secrets(GateKeys::generate("g".into(), [seed; 32], None).cache_secrets());
    gate.1 = seed;
}

fn verification(issuer_key: u8) -> Verification {
    let context = [issuer_key; CONTEXT_BYTES];
    Verification {
        context,
        issuer: "https://idp.example.com".into(),
        speaks_for: [].into(),
        leeway_seconds: LEEWAY_SECONDS,
    }
}

fn claims(token: &str, ends_at: u64, bytes: usize) -> VerifiedClaims {
    let claims = json!({"sub": token, "jti": format!("{ends_at}"), "scope": "s".repeat(bytes)});
    let record = ClaimRecord::of(claims.as_object().unwrap(), &ClaimSelection::default()).unwrap();
    VerifiedClaims::new("https://idp.example.com", UnixSeconds(ends_at), record)
}

fn are_same(one: &VerifiedClaims, other: &VerifiedClaims) -> bool {
    one.record() == other.record() && one.expires_at() == other.expires_at() && one.issuer() == other.issuer()
}

impl World {
    fn new() -> Self {
        let mut gates: Vec<_> = (0..GATES).map(|_| (ClaimsCache::new(FILE_BYTES as u64), 0)).collect();
        gates.iter_mut().for_each(|gate| take_gate_key(gate, 0));
        let memory = Memory { bytes: RefCell::new(vec![0; FILE_BYTES]), is_lost: false };
        Self { gates, memory, past: vec![0; FILE_BYTES], loaded: vec![0, 1], now: START, table: HashMap::new() }
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        let bytes = self.memory.bytes.get_mut();
        let slot = |at: Index| at.index(FILE_BYTES / SLOT_BYTES) * SLOT_BYTES;
        match step {
            Step::Meet { gate, token, issuer_key, lifetime_seconds, claim_bytes } => {
                let token = format!("token {token}");
                return self.meet(gate, &token, issuer_key, self.now + lifetime_seconds, claim_bytes);
            }
            Step::Clock { seconds } => self.now = self.now.saturating_add_signed(seconds),
            Step::IssuerKeys { loaded } => {
                self.loaded = loaded;
                self.gates.iter_mut().for_each(|(cache, _)| cache.forget_recent());
            }
            Step::GateKey { gate, seed } => take_gate_key(&mut self.gates[gate], seed),
            Step::Corrupt { at, bytes: new } => {
                let at = at.index(FILE_BYTES - new.len());
                bytes[at..at + new.len()].copy_from_slice(&new);
            }
            Step::CopySlot { from, to } => bytes.copy_within(slot(from)..slot(from) + SLOT_BYTES, slot(to)),
            Step::CopyBytes { from, to, length } => {
                let from = from.index(FILE_BYTES - length);
                bytes.copy_within(from..from + length, to.index(FILE_BYTES - length));
            }
            Step::RollBack => std::mem::swap(bytes, &mut self.past),
            Step::LoseFile { is_lost } => self.memory.is_lost = is_lost,
        }
        Ok(())
    }

    fn meet(
        &mut self,
        by: usize,
        token: &str,
        issuer_key: u8,
        ends_at: u64,
        claim_bytes: usize,
    ) -> Result<(), TestCaseError> {
        match self.find(by, token) {
            Ok(found) => self.check(by, token, &found),
            // Nobody verifies a token by a key that is not loaded.
            Err(vacancy) if self.loaded.contains(&issuer_key) => {
                let claims = claims(token, ends_at, claim_bytes);
                let (cache, gate_key) = &mut self.gates[by];
                cache.keep(
                    token.as_bytes(),
                    &claims,
                    &verification(issuer_key),
                    &vacancy,
                    UnixSeconds(self.now),
                    &self.memory,
                );
                let kept = Kept { claims: claims.clone(), issuer_key, at: self.now, by, gate_key: *gate_key };
                self.table.entry(token.to_owned()).or_default().push(kept);
                self.check_that_it_is_known(by, token, &claims)
            }
            Err(_) => Ok(()),
        }
    }

    fn find(&mut self, by: usize, token: &str) -> Result<VerifiedClaims, crate::claims_cache::Vacancy> {
        let verifications: Vec<_> = self.loaded.iter().copied().map(verification).collect();
        self.gates[by].0.find(token.as_bytes(), &verifications, UnixSeconds(self.now), &self.memory)
    }

    fn check(&self, by: usize, token: &str, found: &VerifiedClaims) -> Result<(), TestCaseError> {
        let is_this = |kept: &&Kept| {
            are_same(&kept.claims, found)
                && self.loaded.contains(&kept.issuer_key)
                && kept.at <= self.now
                && self.now < kept.claims.expires_at().0 + LEEWAY_SECONDS
        };
        let kept = self.table.get(token).into_iter().flatten().find(is_this);
        prop_assert!(kept.is_some(), "gate {} found {:?} for {}", by, found, token);
        Ok(())
    }

    /// By whoever has kept it, and by every gate with the same key where there is room for it in the file.
    fn check_that_it_is_known(&mut self, by: usize, token: &str, claims: &VerifiedClaims) -> Result<(), TestCaseError> {
        if self.now >= claims.expires_at().0 + LEEWAY_SECONDS {
            return Ok(());
        }
        let found = self.find(by, token).ok();
        let bytes = claims.record().as_bytes().len();
        prop_assert!(found.is_some() || bytes > 1024, "gate {} has kept {} in vain", by, token);
        let fits = !self.memory.is_lost && bytes <= SLOT_BYTES - 99;
        let key = self.gates[by].1;
        let others: Vec<_> = (0..GATES).filter(|other| self.gates[*other].1 == key).collect();
        for other in others {
            self.gates[other].0.forget_recent();
            let found = self.find(other, token).ok();
            prop_assert_eq!(found.as_ref().is_some_and(|found| are_same(found, claims)), fits, "gate {}", other);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn nothing_comes_out_but_what_was_kept_for_this_token(steps in vec(step(), 1..80)) {
        let mut world = World::new();
        for step in steps {
            world.take(step)?;
        }
        // Whatever has happened, what is asked for at last was kept for it, by the key that its finder has.
        for by in 0..GATES {
            world.gates[by].0.forget_recent();
            for token in (0..40).map(|number| format!("token {number}")) {
                let Ok(found) = world.find(by, &token) else { continue };
                world.check(by, &token, &found)?;
                let key = world.gates[by].1;
                let kept = world.table.get(&token).into_iter().flatten();
                prop_assert!(kept.clone().any(|kept| kept.gate_key == key && are_same(&kept.claims, &found)), "{:?}", kept.map(|kept| kept.by).collect::<Vec<_>>());
            }
        }
    }
}
