//! Nonces (RFC 9449, section 9): where several hosts stand behind one address, each of them asks for a nonce of its own, so
//! that a proof that was spent at one is good at no other. They share no files in which it could be looked up.
//!
//! Nothing is kept: a nonce is a MAC over the host's name and the time, and whoever has the gate's key can make it again.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::gate_key::NamedSecret;
use crate::time::UnixSeconds;

/// How long one nonce is given out. It is taken for as long again.
const PERIOD_SECONDS: u64 = 300;

/// Bytes of a nonce: as many as nobody guesses.
const NONCE_BYTES: usize = 16;

/// Makes and checks them. One host alone wants none.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    host: Option<String>,
    /// The current one, then the one before it: a nonce outlives the rotation of the key.
    secrets: Vec<NamedSecret>,
}

impl Nonces {
    pub(super) fn take_host(&mut self, host: Option<String>) {
        self.host = host;
    }

    pub(super) fn take_secrets(&mut self, secrets: Vec<NamedSecret>) {
        self.secrets = secrets;
    }

    /// Whether there are several hosts, and no key by which this one could tell its nonces.
    pub(super) fn are_wanted_but_cannot_be_made(&self) -> bool {
        self.host.is_some() && self.secrets.is_empty()
    }

    /// The one to give out now; none where none is wanted.
    pub(super) fn current(&self, now: UnixSeconds) -> Option<String> {
        let mac = mac(self.secrets.first()?, self.host.as_deref()?, period(now))?.finalize().into_bytes();
        mac.first_chunk::<NONCE_BYTES>().map(|nonce| BASE64_URL_SAFE_NO_PAD.encode(nonce))
    }

    /// Whether a proof with this nonce is for this host and this time.
    pub(super) fn accept(&self, nonce: Option<&str>, now: UnixSeconds) -> bool {
        let Some(host) = &self.host else { return true };
        let decoded = nonce.and_then(|nonce| BASE64_URL_SAFE_NO_PAD.decode(nonce).ok());
        let Some(nonce) = decoded.filter(|nonce| nonce.len() == NONCE_BYTES) else { return false };
        let periods = [period(now), period(now).saturating_sub(1)];
        self.secrets.iter().flat_map(|secret| periods.map(|period| mac(secret, host, period))).any(|mac| {
            // In constant time.
            mac.is_some_and(|mac| mac.verify_truncated_left(&nonce).is_ok())
        })
    }
}

fn period(now: UnixSeconds) -> u64 {
    now.0 / PERIOD_SECONDS
}

/// The period has a fixed length and comes first, so no two hosts and periods spell the same.
fn mac(secret: &NamedSecret, host: &str, period: u64) -> Option<Hmac<Sha256>> {
    let mac = Hmac::<Sha256>::new_from_slice(&secret.secret).ok()?;
    Some(mac.chain_update(period.to_be_bytes()).chain_update(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate_key::GateKeys;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn of(host: Option<&str>, keys: &GateKeys) -> Nonces {
        let mut nonces = Nonces::default();
        nonces.take_host(host.map(str::to_owned));
        nonces.take_secrets(keys.nonce_secrets());
        nonces
    }

    fn keys() -> GateKeys {
        GateKeys::generate("a".into(), [1; 32], None)
    }

    #[test]
    fn a_nonce_is_taken_in_its_period_and_the_next_one() {
        let nonces = of(Some("gw-1"), &keys());
        let nonce = nonces.current(NOW).unwrap();
        for (seconds, is_taken) in [(0, true), (299, true), (300, true), (599, true), (600, false), (900, false)] {
            assert_eq!(nonces.accept(Some(&nonce), NOW.plus(seconds)), is_taken, "after {seconds} s");
        }
        assert!(!nonces.accept(Some(&nonce), UnixSeconds(NOW.0 - 1)), "the clock has moved back");
    }

    #[test]
    fn nothing_but_a_nonce_of_this_host_is_taken() {
        let nonces = of(Some("gw-1"), &keys());
        let nonce = nonces.current(NOW).unwrap();
        let of_another_host = of(Some("gw-2"), &keys()).current(NOW).unwrap();
        let of_another_key = of(Some("gw-1"), &GateKeys::generate("a".into(), [2; 32], None)).current(NOW).unwrap();
        for bad in ["", "AAAA", &format!("{nonce}="), &nonce[..8], &of_another_host, &of_another_key] {
            assert!(!nonces.accept(Some(bad), NOW), "{bad}");
        }
        assert!(!nonces.accept(None, NOW));
    }

    #[test]
    fn a_nonce_outlives_the_rotation_of_the_key() {
        let nonce = of(Some("gw-1"), &keys()).current(NOW).unwrap();
        let rotated = GateKeys::generate("b".into(), [2; 32], Some(&keys()));
        assert!(of(Some("gw-1"), &rotated).accept(Some(&nonce), NOW));
        assert_ne!(of(Some("gw-1"), &rotated).current(NOW).unwrap(), nonce);
    }

    #[test]
    fn one_host_alone_wants_none_and_several_without_a_key_say_so() {
        let alone = of(None, &keys());
        assert!(alone.accept(None, NOW) && alone.current(NOW).is_none() && !alone.are_wanted_but_cannot_be_made());
        let mut keyless = of(Some("gw-1"), &keys());
        keyless.take_secrets(Vec::new());
        assert!(keyless.are_wanted_but_cannot_be_made() && !keyless.accept(None, NOW));
    }
}
