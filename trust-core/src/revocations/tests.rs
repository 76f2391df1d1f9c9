use super::*;
use crate::claims::record::ClaimRecord;
use crate::claims::selection::ClaimSelection;
use crate::claims::{TokenIdentity, Voucher};
use serde_json::{Value, json};

const ISSUER: &str = "https://idp.example.com";
const SEED: [u8; 16] = [7; 16];

fn claims_of(issuer: &str, digest: u8, claims: &Value) -> VerifiedClaims {
    let record = ClaimRecord::of(claims.as_object().unwrap(), &ClaimSelection::default()).unwrap();
    let identity = TokenIdentity { issuer: issuer.into(), voucher: Voucher::Issuer, digest: [digest; 32] };
    VerifiedClaims::new(identity, UnixSeconds(2_000_000_000), record)
}

fn ada() -> VerifiedClaims {
    claims_of(ISSUER, 1, &json!({"sub": "ada", "jti": "t-1", "sid": "s-1", "iat": 1_000}))
}

fn reader(bytes: &[u8]) -> impl Fn(u64, &mut [u8]) -> bool + Copy {
    move |offset, buffer| {
        let from = usize::try_from(offset).unwrap();
        let found = bytes.get(from..from + buffer.len());
        found.inspect(|found| buffer.copy_from_slice(found)).is_some()
    }
}

fn is_revoked(revocations: &[Revocation], claims: &VerifiedClaims) -> bool {
    let bytes = table(revocations, SEED);
    let read_at = reader(&bytes);
    Table::open(read_at).unwrap().holds(claims, read_at).unwrap()
}

fn of_subject(subject: &str, issued_before: u64) -> Revocation {
    Revocation::Subject { issuer: ISSUER.into(), subject: subject.into(), issued_before: UnixSeconds(issued_before) }
}

#[test]
fn a_token_is_revoked_by_each_of_its_names_and_by_nobody_elses() {
    let issuer = || ISSUER.to_owned();
    for revocation in [
        Revocation::Token { digest: [1; 32] },
        Revocation::Id { issuer: issuer(), jti: "t-1".into() },
        Revocation::Session { issuer: issuer(), sid: "s-1".into() },
        of_subject("ada", 1_001),
    ] {
        assert!(is_revoked(std::slice::from_ref(&revocation), &ada()), "{revocation:?}");
    }
    for revocation in [
        Revocation::Token { digest: [2; 32] },
        Revocation::Id { issuer: issuer(), jti: "t-2".into() },
        Revocation::Id { issuer: issuer(), jti: "s-1".into() },
        Revocation::Id { issuer: "https://other.example.com".into(), jti: "t-1".into() },
        Revocation::Session { issuer: issuer(), sid: "t-1".into() },
        Revocation::Session { issuer: "https://idp.example.co".into(), sid: "ms-1".into() },
        of_subject("adam", 1_001),
    ] {
        assert!(!is_revoked(std::slice::from_ref(&revocation), &ada()), "{revocation:?}");
    }
    assert!(!is_revoked(&[], &ada()));
}

#[test]
fn a_token_is_revoked_with_the_login_in_which_a_deputy_made_it() {
    let made = claims_of(ISSUER, 1, &json!({"sub": "ada", "sid": "s-1", "origin": {"iss": ISSUER, "sid": "login-1"}}));
    let of = |issuer: &str, sid: &str| [Revocation::Session { issuer: issuer.into(), sid: sid.into() }];
    assert!(is_revoked(&of(ISSUER, "login-1"), &made));
    assert!(is_revoked(&of(ISSUER, "s-1"), &made));
    assert!(!is_revoked(&of(ISSUER, "login-2"), &made));
    assert!(!is_revoked(&of("https://other.example.com", "login-1"), &made));
    assert!(!is_revoked(&of(ISSUER, "login-1"), &ada()));
}

#[test]
fn a_session_that_is_a_number_is_revoked_by_its_digits() {
    let numbered = claims_of(ISSUER, 1, &json!({"sub": "ada", "jti": 17, "sid": 4711}));
    let issuer = || ISSUER.to_owned();
    assert!(is_revoked(&[Revocation::Session { issuer: issuer(), sid: "4711".into() }], &numbered));
    assert!(is_revoked(&[Revocation::Id { issuer: issuer(), jti: "17".into() }], &numbered));
    assert!(!is_revoked(&[Revocation::Session { issuer: issuer(), sid: "17".into() }], &numbered));
}

#[test]
fn a_subjects_tokens_are_revoked_up_to_a_time_and_those_without_one_always() {
    assert!(!is_revoked(&[of_subject("ada", 1_000)], &ada()));
    assert!(is_revoked(&[of_subject("ada", 900), of_subject("ada", 1_001), of_subject("ada", 950)], &ada()));
    let undated = claims_of(ISSUER, 1, &json!({"sub": "ada"}));
    assert!(is_revoked(&[of_subject("ada", 1)], &undated));
    let late = claims_of(ISSUER, 1, &json!({"sub": "ada", "iat": 1_000.5}));
    assert!(is_revoked(&[of_subject("ada", 1_001)], &late));
}

#[test]
fn many_revocations_are_all_found_and_nobody_else_is_hit() {
    for count in [1_u32, 10, 11, 5_000, 40_000] {
        let revocations: Vec<_> =
            (0..count).map(|n| Revocation::Id { issuer: ISSUER.into(), jti: format!("t-{n}") }).collect();
        let bytes = table(&revocations, SEED);
        let read_at = reader(&bytes);
        let table = Table::open(read_at).unwrap();
        let holds =
            |jti: String| table.holds(&claims_of(ISSUER, 1, &json!({"sub": "ada", "jti": jti})), read_at).unwrap();
        assert!((0..count).all(|n| holds(format!("t-{n}"))));
        assert!(!(count..count + 2_000).any(|n| holds(format!("t-{n}"))));
    }
}

#[test]
fn a_table_that_is_torn_or_none_at_all_is_no_answer() {
    let bytes = table(&[of_subject("ada", 1_001)], SEED);
    for length in [0, 8, 40, 4_135, 4_136, bytes.len() - 1] {
        assert!(Table::open(reader(&bytes[..length])).is_err(), "{length}");
    }
    for (place, byte) in [(0, b'x'), (32, 0), (39, 0xff)] {
        let mut spoilt = bytes.clone();
        spoilt[place] = byte;
        assert!(Table::open(reader(&spoilt)).is_err(), "{place}");
    }
    let table = Table::open(reader(&bytes)).unwrap();
    assert!(table.holds(&ada(), reader(&[])).is_err());
}

#[test]
fn what_names_a_jwt_is_what_is_signed_whatever_the_signature() {
    assert_eq!(token_digest(b"a.b.c"), token_digest(b"a.b.other"));
    assert_eq!(token_digest(b"a.b.c"), <[u8; 32]>::from(Sha256::digest(b"a.b")));
    for other in ["a.x.c", "a.b.c.d", "opaque", "a.b.c.d.e"] {
        assert_ne!(token_digest(other.as_bytes()), token_digest(b"a.b.c"), "{other}");
    }
    assert_eq!(token_digest(b"a.b.c.d.e"), <[u8; 32]>::from(Sha256::digest(b"a.b.c.d.e")));
    let digest = token_digest(b"opaque");
    assert_eq!(digest_from_text(&digest_text(&digest)), Some(digest));
    assert_eq!((digest_from_text("AAAA"), digest_from_text("***")), (None, None));
}
