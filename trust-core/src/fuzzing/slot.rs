//! Any bytes in the files that all gates of a host share: torn, rolled back, moved or invented, they give nobody claims that
//! were not kept for exactly this token.
//!
//! The first byte says what the others are: the whole of the file, or edits of one in which three tokens lie. An edit is
//! `kind, at:u16, from:u16, length:u16`; it copies from the file itself, from one of the gate's past, or out of the input.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::json;

use super::fixture::{ISSUER, NOW, gate_keys};
use crate::claims::VerifiedClaims;
use crate::claims::record::ClaimRecord;
use crate::claims::selection::ClaimSelection;
use crate::claims_cache::{CONTEXT_BYTES, ClaimsCache, Verification};
use crate::client_address::{ClientAddress, ClientAddresses};
use crate::denial::Denial;
use crate::gate_key::GateKeys;
use crate::shared_files::{SharedFile, SharedFiles};
use crate::throttle::Throttle;
use crate::time::UnixSeconds;

/// One set: every token has its slot among the same few.
const FILE_BYTES: usize = 8 * 1024;
const LIFETIME_SECONDS: u64 = 600;
const LEEWAY_SECONDS: u64 = 30;

const KEPT: [&str; 3] = ["token of ada", "token of bob", "token of carol"];
const UNKNOWN: &str = "token of nobody";

/// What verified the tokens that count, and what verified those of the past.
const LOADED: u8 = 1;
const UNLOADED: u8 = 2;

struct Memory(RefCell<Vec<u8>>);

impl SharedFiles for Memory {
    fn read_at(&self, _file: SharedFile, offset: u64, buffer: &mut [u8]) -> bool {
        let held = self.0.borrow();
        let rest = usize::try_from(offset).ok().and_then(|offset| held.get(offset..));
        let found = rest.and_then(|rest| rest.get(..buffer.len()));
        found.map(|found| buffer.copy_from_slice(found)).is_some()
    }

    fn write_at(&self, _file: SharedFile, offset: u64, bytes: &[u8]) -> bool {
        let mut held = self.0.borrow_mut();
        let rest = usize::try_from(offset).ok().and_then(|offset| held.get_mut(offset..));
        let place = rest.and_then(|rest| rest.get_mut(..bytes.len()));
        place.map(|place| place.copy_from_slice(bytes)).is_some()
    }

    fn append_denial(&self, _line: &str) {}
}

thread_local! {
    static PRESENT: Vec<u8> = file_with(&KEPT, LOADED, &gate_keys());
    /// The same tokens under a key that is no longer loaded, and under a secret that is no longer ours.
    static PAST: Vec<u8> = [
        file_with(&KEPT, UNLOADED, &gate_keys()),
        file_with(&[UNKNOWN], LOADED, &GateKeys::generate("g0".into(), [8; 32], None)),
    ].concat();
}

pub(super) fn check(bytes: &[u8]) {
    let memory = Memory(RefCell::new(file(bytes)));
    let loaded = [verification(LOADED)];
    for token in KEPT {
        only_what_was_kept_is_found(token, &memory);
        let after_its_end = NOW.plus(LIFETIME_SECONDS).plus(LEEWAY_SECONDS);
        for now in [after_its_end, UnixSeconds(u64::MAX), UnixSeconds(NOW.0.saturating_sub(1)), UnixSeconds(0)] {
            assert!(cache(&gate_keys()).find(token.as_bytes(), &loaded, now, &memory).is_err(), "{token} at {now:?}");
        }
        assert!(cache(&gate_keys()).find(token.as_bytes(), &[], NOW, &memory).is_err(), "{token} without any key");
    }
    assert!(
        cache(&gate_keys()).find(UNKNOWN.as_bytes(), &loaded, NOW, &memory).is_err(),
        "claims of a token that nobody has seen"
    );
    whoever_is_kept_anew_is_found(&memory);
    a_throttled_source_waits_two_minutes_at_most(&memory);
}

fn only_what_was_kept_is_found(token: &str, memory: &Memory) {
    if let Ok(found) = cache(&gate_keys()).find(token.as_bytes(), &[verification(LOADED)], NOW, memory) {
        let kept = claims(token);
        assert_eq!(found.record(), kept.record(), "claims of somebody else");
        assert_eq!((found.issuer(), found.expires_at()), (kept.issuer(), kept.expires_at()));
    }
}

/// Nothing in the file keeps it from being used.
fn whoever_is_kept_anew_is_found(memory: &Memory) {
    let is_whole = memory.0.borrow().len() >= FILE_BYTES;
    for token in KEPT {
        keep(token, LOADED, &gate_keys(), memory);
        let found = cache(&gate_keys()).find(token.as_bytes(), &[verification(LOADED)], NOW, memory);
        assert!(found.is_ok() || !is_whole, "{token} is kept and lost");
        only_what_was_kept_is_found(token, memory);
    }
}

fn a_throttled_source_waits_two_minutes_at_most(memory: &Memory) {
    let throttle = Throttle::new(60);
    let addresses = ClientAddresses::default();
    let source = ClientAddress::Known(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));
    for now in [NOW, UnixSeconds(0), UnixSeconds(u64::MAX)] {
        throttle.count(source, &addresses, now, memory);
        match throttle.check(source, &addresses, now, memory) {
            Ok(()) => {}
            Err(Denial::Throttled { retry_after_seconds }) => assert!((1..=120).contains(&retry_after_seconds)),
            Err(other) => panic!("{other:?}"),
        }
        assert!(throttle.check(ClientAddress::Unknown, &addresses, now, memory).is_ok());
    }
}

fn file(bytes: &[u8]) -> Vec<u8> {
    let Some((kind, rest)) = bytes.split_first() else { return PRESENT.with(Clone::clone) };
    if *kind == b'!' {
        let mut whole = rest.to_vec();
        whole.resize(FILE_BYTES, 0);
        return whole;
    }
    let mut file = PRESENT.with(Clone::clone);
    let mut rest = rest;
    while let Some((&[kind, at_low, at_high, from_low, from_high, length_low, length_high], behind)) =
        rest.split_first_chunk()
    {
        let number = |low, high| usize::from(u16::from_le_bytes([low, high]));
        let (at, from) = (number(at_low, at_high), number(from_low, from_high));
        let length = number(length_low, length_high).min(FILE_BYTES);
        rest = behind;
        let bytes = match kind & 3 {
            0 => {
                let (bytes, behind) = rest.split_at(length.min(rest.len()));
                rest = behind;
                bytes.to_vec()
            }
            1 => file.iter().skip(from).take(length).copied().collect(),
            2 => PAST.with(|past| past.iter().skip(from).take(length).copied().collect()),
            // A file that is cut off.
            _ => {
                file.truncate(at);
                Vec::new()
            }
        };
        file.iter_mut().skip(at).zip(bytes).for_each(|(held, byte)| *held = byte);
    }
    file
}

fn file_with(tokens: &[&str], context: u8, keys: &GateKeys) -> Vec<u8> {
    let memory = Memory(RefCell::new(vec![0; FILE_BYTES]));
    tokens.iter().for_each(|token| keep(token, context, keys, &memory));
    memory.0.into_inner()
}

fn keep(token: &str, context: u8, keys: &GateKeys, memory: &Memory) {
    let mut cache = cache(keys);
    let verification = verification(context);
    if let Err(vacancy) = cache.find(token.as_bytes(), std::slice::from_ref(&verification), NOW, memory) {
        cache.keep(token.as_bytes(), &claims(token), &verification, &vacancy, NOW, memory);
    }
}

/// As another gate of the host has it, which remembers nothing by itself.
fn cache(keys: &GateKeys) -> ClaimsCache {
    let mut cache = ClaimsCache::new(FILE_BYTES as u64);
    cache.take_secrets(keys.cache_secrets());
    cache
}

fn verification(context: u8) -> Verification {
    Verification {
        context: [context; CONTEXT_BYTES],
        issuer: ISSUER.into(),
        speaks_for: [].into(),
        leeway_seconds: LEEWAY_SECONDS,
    }
}

fn claims(token: &str) -> VerifiedClaims {
    let claims = json!({"sub": token.replace("token of ", ""), "scope": format!("the scope of a {token}")});
    let record = claims.as_object().and_then(|claims| ClaimRecord::of(claims, &ClaimSelection::default()));
    VerifiedClaims::new(ISSUER, NOW.plus(LIFETIME_SECONDS), record.expect("short claims"))
}
