use std::cell::RefCell;
use std::time::Duration;

use super::*;
use crate::claims::record::ClaimRecord;
use crate::claims::selection::ClaimSelection;
use crate::revocations::{Revocation, table};
use serde_json::json;

const NOW: u64 = 1_795_000_000_000;
const ISSUER: &str = "https://idp.example.com";
const FILE: &str = "jwks/idp.json";

#[derive(Default)]
struct Files {
    table: Vec<u8>,
    wanted: RefCell<Vec<String>>,
}

impl SharedFiles for Files {
    fn read_at(&self, file: SharedFile, offset: u64, buffer: &mut [u8]) -> bool {
        assert_eq!(file, SharedFile::Revocations);
        let from = usize::try_from(offset).unwrap();
        let found = self.table.get(from..from + buffer.len());
        found.inspect(|found| buffer.copy_from_slice(found)).is_some()
    }

    fn write_at(&self, _file: SharedFile, _offset: u64, _bytes: &[u8]) -> bool {
        false
    }

    fn want_keys(&self, file: &str) {
        self.wanted.borrow_mut().push(file.to_owned());
    }

    fn append_denial(&self, _line: &str) {}
}

fn at(milliseconds: u64) -> WallTime {
    WallTime::from_epoch(Duration::from_millis(milliseconds))
}

fn head(sequence: u64, revocations: Option<u64>) -> String {
    let key_sets = [(FILE.to_owned(), NOW - 60_000)].into();
    TrustHead { sequence, time: NOW, host: None, revocations, key_sets }.to_json()
}

fn kept(head: &str) -> KeptTrust {
    let mut kept = KeptTrust::default();
    kept.take_head(Some(head.as_bytes())).unwrap();
    kept
}

fn ada() -> VerifiedClaims {
    let claims = json!({"sub": "ada", "jti": "t-1"});
    let record = ClaimRecord::of(claims.as_object().unwrap(), &ClaimSelection::default()).unwrap();
    VerifiedClaims::new(ISSUER, UnixSeconds(2_000_000_000), record)
}

#[test]
fn nobody_is_believed_without_a_head_of_the_last_ten_seconds() {
    let kept = kept(&head(1, None));
    for (now, is_fresh) in
        [(NOW, true), (NOW + 10_000, true), (NOW + 10_001, false), (NOW - 10_000, true), (NOW - 10_001, false)]
    {
        assert_eq!(kept.check_fresh(at(now)).is_ok(), is_fresh, "{now}");
    }
    let mut without = KeptTrust::default();
    assert_eq!(without.check_fresh(at(NOW)), Err(Denial::TrustUnknown));
    assert_eq!(without.check_revoked(&ada(), &Files::default()), Err(Denial::TrustUnknown));
}

#[test]
fn a_head_that_is_gone_broken_or_older_than_one_before_ends_all_belief() {
    for (content, expected) in [
        (None, InvalidTrustFile::Missing),
        (Some("{}".to_owned()), InvalidTrustFile::Head(crate::trust_head::InvalidHead)),
        (Some(head(6, None)), InvalidTrustFile::RolledBack),
    ] {
        let mut kept = kept(&head(7, None));
        assert_eq!(kept.take_head(content.as_deref().map(str::as_bytes)), Err(expected));
        assert_eq!(kept.check_fresh(at(NOW)), Err(Denial::TrustUnknown));
        assert_eq!(kept.take_head(Some(head(7, None).as_bytes())), Ok(()));
        assert_eq!(kept.check_fresh(at(NOW)), Ok(()));
    }
}

#[test]
fn what_the_table_of_the_head_holds_is_refused_and_no_other_table_counts() {
    let revoked = [Revocation::Id { issuer: ISSUER.into(), jti: "t-1".into() }];
    let (holding, empty) = (table(&revoked, [1; 16]), table(&[], [2; 16]));
    let with = |table: &[u8]| Files { table: table.to_vec(), ..Files::default() };
    let mut kept = kept(&head(1, Some(1)));
    assert_eq!(kept.check_revoked(&ada(), &with(&empty)), Ok(()));
    kept.take_head(Some(head(2, Some(2)).as_bytes())).unwrap();
    assert_eq!(kept.check_revoked(&ada(), &with(&holding)), Err(InvalidToken::Revoked.into()));
    kept.take_head(Some(head(3, Some(3)).as_bytes())).unwrap();
    assert_eq!(kept.check_revoked(&ada(), &with(&holding[..100])), Err(Denial::TrustUnknown));
    assert_eq!(kept.check_revoked(&ada(), &with(&holding)), Err(InvalidToken::Revoked.into()));
    kept.take_head(Some(head(4, None).as_bytes())).unwrap();
    assert_eq!(kept.check_revoked(&ada(), &with(&holding)), Ok(()));
}

#[test]
fn an_unknown_key_is_awaited_unless_the_keeper_has_looked_since_the_token_was_issued() {
    let kept = kept(&head(1, None));
    let fetched = (NOW - 60_000) / 1_000;
    let judge = |file: Option<&str>, since: Option<u64>| {
        let files = Files::default();
        let denial = kept.judge_unknown_kid(file, ISSUER, since.map(UnixSeconds), &files);
        (denial, files.wanted.into_inner())
    };
    let awaited = (Denial::KeyAwaited { of: ISSUER.to_owned() }, vec![wanted_file(ISSUER)]);
    assert_eq!(judge(Some(FILE), Some(fetched)), awaited);
    assert_eq!(judge(Some(FILE), Some(fetched + 100)), awaited);
    let bad = (Denial::from(InvalidToken::UnknownKey), Vec::new());
    assert_eq!(judge(Some(FILE), Some(fetched - 1)), bad);
    assert_eq!(judge(Some(FILE), None), bad);
    assert_eq!(judge(Some("jwks/other.json"), Some(fetched + 100)), bad);
    assert_eq!(judge(None, Some(fetched + 100)), bad);
}
