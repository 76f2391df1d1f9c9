//! A token is good as it was made and in no other way.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::fuzzing::fixture::{NOW, UPSTREAM, gate, gate_keys, genuine_tokens, moment, with_authorization};
use crate::fuzzing::token::transaction_token;
use crate::shared_files::NoSharedFiles;
use crate::transaction_token::TransactionClaims;

/// Before a gate that has met the genuine token, and one that has not.
fn is_let_in(token: &[u8]) -> bool {
    let mut gate = gate();
    let mut decide = |token: &[u8]| {
        gate.decide(&with_authorization(&[b"Bearer ", token].concat()), moment(), &NoSharedFiles).is_ok()
    };
    let at_first = decide(token);
    assert!(decide(genuine_tokens()[0].as_bytes()));
    assert_eq!(decide(token), at_first);
    at_first
}

proptest! {
    #[test]
    fn a_token_with_one_byte_changed_is_another_token(at in any::<Index>(), byte in any::<u8>()) {
        let [genuine, _] = genuine_tokens();
        let mut changed = genuine.clone().into_bytes();
        changed[at.index(genuine.len())] = byte;
        prop_assert_eq!(is_let_in(&changed), changed == genuine.as_bytes());
    }

    #[test]
    fn a_token_with_one_bit_changed_is_refused(at in any::<Index>(), bit in 0..8_u32) {
        let [genuine, _] = genuine_tokens();
        let mut changed = genuine.clone().into_bytes();
        changed[at.index(genuine.len())] ^= 1_u8 << bit;
        // A space at the end is none of the token's.
        prop_assert!(!is_let_in(&changed));
    }

    #[test]
    fn the_gates_word_with_one_byte_changed_is_not_its_word(at in any::<Index>(), byte in any::<u8>()) {
        let genuine = transaction_token();
        let mut changed = genuine.as_bytes().to_vec();
        changed[at.index(genuine.len())] = byte;
        let verified = std::str::from_utf8(&changed)
            .is_ok_and(|text| TransactionClaims::verify(text, &gate_keys().transaction_keys(UPSTREAM), NOW).is_ok());
        prop_assert_eq!(verified, changed == genuine.as_bytes());
    }

    #[test]
    fn a_token_cut_or_lengthened_is_refused(at in any::<Index>(), other in "[A-Za-z0-9_.=-]{0,4}") {
        let [genuine, _] = genuine_tokens();
        let (before, behind) = genuine.split_at(at.index(genuine.len()));
        let longer = format!("{before}{other}{behind}");
        prop_assert_eq!(is_let_in(longer.as_bytes()), other.is_empty());
        prop_assert!(!is_let_in(before.as_bytes()));
    }
}
