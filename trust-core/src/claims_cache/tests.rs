#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "tests look into slots of a small file")]

use std::cell::RefCell;

use serde_json::json;

use super::*;
use crate::claims::record::ClaimRecord;
use crate::claims::selection::ClaimSelection;
use crate::gate_key::GateKeys;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
const MEBIBYTE: u64 = 1024 * 1024;

/// A file that several gates of a host hold open.
struct Memory(RefCell<Vec<u8>>);

impl Memory {
    fn of(bytes: u64) -> Self {
        Self(RefCell::new(vec![0; usize::try_from(bytes).unwrap()]))
    }

    fn written_slots(&self) -> Vec<usize> {
        let bytes = self.0.borrow();
        let slots = bytes.chunks_exact(SLOT_BYTES).enumerate();
        slots.filter(|(_, slot)| slot.iter().any(|byte| *byte != 0)).map(|(index, _)| index * SLOT_BYTES).collect()
    }
}

impl SharedFiles for Memory {
    fn read_at(&self, _file: SharedFile, offset: u64, buffer: &mut [u8]) -> bool {
        let held = self.0.borrow();
        let found = held.get(offset as usize..offset as usize + buffer.len());
        found.map(|found| buffer.copy_from_slice(found)).is_some()
    }

    fn write_at(&self, _file: SharedFile, offset: u64, bytes: &[u8]) -> bool {
        let mut held = self.0.borrow_mut();
        let place = held.get_mut(offset as usize..offset as usize + bytes.len());
        place.map(|place| place.copy_from_slice(bytes)).is_some()
    }

    fn append_denial(&self, _line: &str) {}
}

fn secrets(seed: u8) -> Option<CacheSecrets> {
    GateKeys::generate("k".into(), [seed; 32], None).cache_secrets()
}

fn cache() -> ClaimsCache {
    let mut cache = ClaimsCache::new(MEBIBYTE);
    cache.take_secrets(secrets(1));
    cache
}

fn verification(context: u8) -> Verification {
    Verification {
        context: [context; CONTEXT_BYTES],
        issuer: "https://idp.example.com".into(),
        speaks_for: [].into(),
        leeway_seconds: 30,
    }
}

fn claims(subject: &str) -> VerifiedClaims {
    let all = json!({"sub": subject, "scope": "a b"});
    let record = ClaimRecord::of(all.as_object().unwrap(), &ClaimSelection::default()).unwrap();
    VerifiedClaims::new("https://idp.example.com", NOW.plus(600), record)
}

fn keep(cache: &mut ClaimsCache, token: &str, claims: &VerifiedClaims, memory: &Memory) {
    let verification = verification(1);
    let vacancy = cache.find(token.as_bytes(), std::slice::from_ref(&verification), NOW, memory).err().unwrap();
    cache.keep(token.as_bytes(), claims, &verification, &vacancy, NOW, memory);
}

/// As another gate of the host finds it.
fn found(token: &str, verifications: &[Verification], now: UnixSeconds, memory: &Memory) -> Option<VerifiedClaims> {
    cache().find(token.as_bytes(), verifications, now, memory).ok()
}

#[test]
fn what_one_gate_has_verified_all_gates_of_the_host_know() {
    let memory = Memory::of(MEBIBYTE);
    let mut first = cache();
    keep(&mut first, "token", &claims("ada"), &memory);
    let known = found("token", &[verification(7), verification(1)], NOW, &memory).unwrap();
    assert_eq!((known.issuer(), known.subject()), ("https://idp.example.com", "ada"));
    assert_eq!((known.scopes().collect::<Vec<_>>(), known.expires_at()), (vec!["a", "b"], NOW.plus(600)));
    assert!(found("token.", &[verification(1)], NOW, &memory).is_none());
    let held = memory.0.borrow();
    assert!(!held.windows(5).any(|window| window == b"token"), "no token lies in the file");
}

#[test]
fn what_another_key_or_policy_verified_counts_for_nothing() {
    let memory = Memory::of(MEBIBYTE);
    keep(&mut cache(), "token", &claims("ada"), &memory);
    assert!(found("token", &[verification(2)], NOW, &memory).is_none());
    assert!(found("token", &[], NOW, &memory).is_none());
}

#[test]
fn nothing_holds_past_its_end_or_before_it_was_verified() {
    let memory = Memory::of(MEBIBYTE);
    let mut keeper = cache();
    keep(&mut keeper, "token", &claims("ada"), &memory);
    let known = [verification(1)];
    for (now, holds) in [(NOW, true), (NOW.plus(629), true), (NOW.plus(630), false), (UnixSeconds(NOW.0 - 1), false)] {
        assert_eq!(found("token", &known, now, &memory).is_some(), holds, "shared, {now:?}");
        assert_eq!(keeper.find(b"token", &known, now, &Memory::of(0)).is_ok(), holds, "recent, {now:?}");
    }
}

#[test]
fn a_slot_with_any_byte_changed_is_empty() {
    let memory = Memory::of(MEBIBYTE);
    keep(&mut cache(), "token", &claims("ada"), &memory);
    let slot = memory.written_slots()[0];
    let sealed = 66 + claims("ada").record().as_bytes().len();
    for byte in 0..sealed {
        memory.0.borrow_mut()[slot + byte] ^= 1;
        assert!(found("token", &[verification(1)], NOW, &memory).is_none(), "byte {byte}");
        memory.0.borrow_mut()[slot + byte] ^= 1;
    }
    assert!(found("token", &[verification(1)], NOW, &memory).is_some());
}

#[test]
fn a_slot_torn_by_two_writers_is_empty() {
    let (one, other) = (Memory::of(MEBIBYTE), Memory::of(MEBIBYTE));
    keep(&mut cache(), "token", &claims("ada"), &one);
    keep(&mut cache(), "token", &claims("bob"), &other);
    let slot = one.written_slots()[0];
    let whole = one.0.borrow().clone();
    for cut in 1..96 {
        let mut torn = whole.clone();
        torn[slot + cut..slot + SLOT_BYTES].copy_from_slice(&other.0.borrow()[slot + cut..slot + SLOT_BYTES]);
        // Behind the last difference, or before the first, it is one of the two, whole.
        let is_whole = torn == whole || torn == *other.0.borrow();
        let subject = found("token", &[verification(1)], NOW, &Memory(RefCell::new(torn)));
        assert!(is_whole || subject.is_none(), "cut at {cut}");
    }
}

#[test]
fn a_slot_moved_to_another_token_or_made_with_another_secret_is_empty() {
    let memory = Memory::of(MEBIBYTE);
    keep(&mut cache(), "token", &claims("ada"), &memory);
    let mut stranger = ClaimsCache::new(MEBIBYTE);
    stranger.take_secrets(secrets(2));
    assert!(stranger.find(b"token", &[verification(1)], NOW, &memory).is_err());

    // The victim's digest over a slot that the attacker's own token filled.
    let victims = Memory::of(MEBIBYTE);
    keep(&mut cache(), "victim", &claims("victim"), &victims);
    let (from, to) = (memory.written_slots()[0], victims.written_slots()[0]);
    let mut slot = memory.0.borrow()[from..from + SLOT_BYTES].to_vec();
    slot[16..32].copy_from_slice(&victims.0.borrow()[to + 16..to + 32]);
    victims.0.borrow_mut()[to..to + SLOT_BYTES].copy_from_slice(&slot);
    assert!(found("victim", &[verification(1)], NOW, &victims).is_none());
}

#[test]
fn claims_that_fit_no_slot_are_kept_by_the_instance_alone() {
    let memory = Memory::of(MEBIBYTE);
    let mut keeper = cache();
    keep(&mut keeper, "token", &claims(&"a".repeat(500)), &memory);
    assert!(keeper.find(b"token", &[verification(1)], NOW, &memory).is_ok());
    assert!(memory.written_slots().is_empty());
    keeper.forget_recent();
    assert!(keeper.find(b"token", &[verification(1)], NOW, &memory).is_err());
}

#[test]
fn without_a_file_or_secrets_the_instance_still_remembers() {
    for mut keeper in [ClaimsCache::new(0), ClaimsCache::new(MEBIBYTE), cache()] {
        keep(&mut keeper, "token", &claims("ada"), &Memory::of(0));
        assert!(keeper.find(b"token", &[verification(1)], NOW, &Memory::of(0)).is_ok());
    }
}

#[test]
fn a_file_with_room_for_them_loses_few_of_many_tokens() {
    // As full as the default file is with 20,000 tokens: 61 in 100.
    let slots = MEBIBYTE as usize / SLOT_BYTES;
    let tokens: Vec<_> = (0..slots * 61 / 100).map(|number| format!("token {number}")).collect();
    let memory = Memory::of(MEBIBYTE);
    for token in &tokens {
        keep(&mut cache(), token, &claims("ada"), &memory);
    }
    let lost = tokens.iter().filter(|token| found(token, &[verification(1)], NOW, &memory).is_none()).count();
    assert!(lost * 100 <= tokens.len() * 2, "{lost} of {} lost", tokens.len());
}

#[test]
fn a_full_set_gives_up_what_ends_first_and_what_has_ended() {
    let memory = Memory::of(SET_BYTES as u64);
    let mut small = ClaimsCache::new(SET_BYTES as u64);
    small.take_secrets(secrets(1));
    let ending = |seconds: u64| VerifiedClaims::new("i", NOW.plus(seconds), claims("ada").record().clone());
    for number in 0..WAYS as u64 {
        keep(&mut small, &format!("token {number}"), &ending(600 - number), &memory);
    }
    keep(&mut small, "one more", &ending(300), &memory);
    small.forget_recent();
    let known = [verification(1)];
    assert!(small.find(b"one more", &known, NOW, &memory).is_ok());
    assert!(small.find(format!("token {}", WAYS - 1).as_bytes(), &known, NOW, &memory).is_err());
    assert!(small.find(b"token 0", &known, NOW, &memory).is_ok());
}
