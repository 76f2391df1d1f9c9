use std::net::Ipv4Addr;

use super::*;
use crate::network::Network;
use crate::shared_files::NoSharedFiles;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

/// A file that a test can look at.
#[derive(Default)]
struct File(RefCell<Vec<u8>>);

impl File {
    fn new() -> Self {
        Self(RefCell::new(vec![0; BAD_TOKENS_BYTES as usize]))
    }
}

impl SharedFiles for File {
    fn read_at(&self, _file: SharedFile, offset: u64, buffer: &mut [u8]) -> bool {
        let from = offset as usize;
        buffer.copy_from_slice(&self.0.borrow()[from..from + buffer.len()]);
        true
    }

    fn write_at(&self, _file: SharedFile, offset: u64, bytes: &[u8]) -> bool {
        let from = offset as usize;
        self.0.borrow_mut()[from..from + bytes.len()].copy_from_slice(bytes);
        true
    }

    fn append_denial(&self, _line: &str) {}
}

fn known(text: &str) -> ClientAddress {
    ClientAddress::Known(text.parse().unwrap())
}

fn bring(throttle: &Throttle, source: ClientAddress, times: usize, now: UnixSeconds, shared: &dyn SharedFiles) {
    for _ in 0..times {
        throttle.count(source, &ClientAddresses::default(), now, shared);
    }
}

fn wait(throttle: &Throttle, source: ClientAddress, now: UnixSeconds, shared: &dyn SharedFiles) -> u64 {
    match throttle.check(source, &ClientAddresses::default(), now, shared) {
        Ok(()) => 0,
        Err(Denial::Throttled { retry_after_seconds }) => retry_after_seconds,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn who_brings_too_many_bad_tokens_waits_and_is_told_how_long() {
    let file = File::new();
    for shared in [&file as &dyn SharedFiles, &NoSharedFiles] {
        let throttle = Throttle::new(60);
        let source = known("192.0.2.7");
        bring(&throttle, source, 59, NOW, shared);
        assert_eq!(wait(&throttle, source, NOW, shared), 0);
        bring(&throttle, source, 1, NOW, shared);
        let seconds = wait(&throttle, source, NOW, shared);
        assert_eq!(seconds, 61, "all sixty lie within the last minute for that long");
        assert_eq!(wait(&throttle, source, NOW.plus(seconds - 1), shared), 1);
        assert_eq!(wait(&throttle, source, NOW.plus(seconds), shared), 0);
        assert_eq!(wait(&throttle, known("192.0.2.8"), NOW, shared), 0, "others go on");
        assert_eq!(wait(&throttle, source, UnixSeconds(NOW.0 - 60), shared), 0, "a clock that moved back");
    }
}

#[test]
fn two_instances_count_together_where_they_share_a_file() {
    let (file, source) = (File::new(), known("192.0.2.7"));
    let (one, other) = (Throttle::new(10), Throttle::new(10));
    bring(&one, source, 5, NOW, &file);
    bring(&other, source, 5, NOW, &file);
    assert!(wait(&one, source, NOW, &file) > 0 && wait(&other, source, NOW, &file) > 0);
    assert_eq!(wait(&other, source, NOW, &NoSharedFiles), 0, "what is shared is not counted twice");
}

#[test]
fn an_ipv6_customer_is_one_source_and_a_mapped_address_is_the_ipv4_one() {
    let (throttle, file) = (Throttle::new(4), File::new());
    for last in 1..=4 {
        bring(&throttle, known(&format!("2001:db8:0:7::{last}")), 1, NOW, &file);
    }
    assert!(wait(&throttle, known("2001:db8:0:7:ffff::1"), NOW, &file) > 0);
    assert_eq!(wait(&throttle, known("2001:db8:0:8::1"), NOW, &file), 0);
}

#[test]
fn trusted_proxies_and_peers_without_an_address_never_wait() {
    let (throttle, file) = (Throttle::new(1), File::new());
    let addresses = ClientAddresses { depth: 1, trusted_proxies: vec![Network::parse("10.0.0.0/8").unwrap()] };
    for source in [known("10.1.2.3"), ClientAddress::Unknown] {
        for _ in 0..5 {
            throttle.count(source, &addresses, NOW, &file);
        }
        assert_eq!(throttle.check(source, &addresses, NOW, &file), Ok(()));
    }
    let behind = ClientAddress::Behind(Ipv4Addr::new(10, 1, 2, 3).into());
    throttle.count(behind, &addresses, NOW, &file);
    assert!(throttle.check(behind, &addresses, NOW, &file).is_err(), "who hides behind a proxy is no proxy");
    assert_eq!(throttle.check(known("10.1.2.3"), &addresses, NOW, &file), Ok(()));
}

#[test]
fn one_with_many_is_not_pushed_out_by_many_with_one() {
    let (throttle, file) = (Throttle::new(10), File::new());
    let source = known("192.0.2.7");
    bring(&throttle, source, 10, NOW, &file);
    for other in 0..20_000_u32 {
        bring(&throttle, ClientAddress::Known(Ipv4Addr::from(0x0a00_0000 + other).into()), 1, NOW, &file);
    }
    assert!(wait(&throttle, source, NOW, &file) > 0);
}

#[test]
fn slots_cannot_be_aimed_at_without_the_gates_key() {
    let place = |seed: u8| {
        let mut throttle = Throttle::new(1);
        throttle.take_secret(Some(KeyedHash::new(&[seed; 32])));
        throttle.digest(known("192.0.2.7"), &ClientAddresses::default())
    };
    assert_ne!(place(1), place(2));
}

#[test]
fn without_a_limit_nobody_waits_and_nothing_is_written() {
    let (throttle, file) = (Throttle::new(0), File::new());
    bring(&throttle, known("192.0.2.7"), 100, NOW, &file);
    assert_eq!(wait(&throttle, known("192.0.2.7"), NOW, &file), 0);
    assert!(file.0.borrow().iter().all(|byte| *byte == 0));
}

#[test]
fn only_tokens_that_were_never_good_count() {
    for (invalid, expected) in [
        (InvalidToken::Signature, true),
        (InvalidToken::Form, true),
        (InvalidToken::UnknownKey, true),
        (InvalidToken::Audience, true),
        (InvalidToken::Bound, true),
        (InvalidToken::Expired, false),
        (InvalidToken::NotYetValid, false),
    ] {
        assert_eq!(is_counted(invalid), expected, "{invalid}");
    }
}
