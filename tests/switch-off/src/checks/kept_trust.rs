//! A trust directory with a keeper, and tokens that an exchange writes down.

use super::{Check, check};

const KEPT: &str = "kept_trust.rs";
const TABLE: &str = "revocations/table.rs";
const REVOCATIONS: &str = "revocations.rs";
const ISSUER: &str = "issuer.rs";
const VOUCHING: &str = "gate/vouching.rs";

pub(super) const CHECKS: &[Check] = &[
    check("that the keeper is alive", VOUCHING, "kept_trust.check_fresh(self.now)?;", ""),
    check(
        "a head that is too old, or from the future",
        KEPT,
        "let is_fresh = |head: &TrustHead| head.time.abs_diff(now.milliseconds()) <= MAX_AGE_MILLISECONDS;",
        "let is_fresh = |head: &TrustHead| head.time.abs_diff(now.milliseconds()) < u64::MAX && MAX_AGE_MILLISECONDS > 0;",
    ),
    check(
        "a head from the future",
        KEPT,
        "head.time.abs_diff(now.milliseconds()) <=",
        "now.milliseconds().saturating_sub(head.time) <=",
    ),
    check(
        "a head that is missing",
        KEPT,
        "if self.head.as_ref().is_some_and(is_fresh) { Ok(()) } else { Err(Denial::TrustUnknown) }",
        "if self.head.as_ref().is_none_or(is_fresh) { Ok(()) } else { Err(Denial::TrustUnknown) }",
    )
    .before(&[super::edit(
        KEPT,
        "let number = self.head.as_ref().ok_or(Denial::TrustUnknown)?.revocations;",
        "let number = self.head.as_ref().and_then(|head| head.revocations);",
    )]),
    check(
        "a head that is put back",
        KEPT,
        "if head.sequence < self.highest_sequence { return Err(InvalidTrustFile::RolledBack); }",
        "",
    ),
    check("a head that is gone", KEPT, "self.head = None; let head", "let head"),
    check("what is revoked", VOUCHING, "kept_trust.check_revoked(&claims, self.shared)?;", ""),
    check("the answer of the table", KEPT, "Ok(true) => Err(InvalidToken::Revoked.into()),", "Ok(true) => Ok(()),"),
    check(
        "the number of the table",
        KEPT,
        "self.table.take().filter(|(held, _)| *held == number)",
        "self.table.take().filter(|(held, _)| *held == number || *held > 0)",
    ),
    check(
        "a table that is not whole",
        KEPT,
        "None => Table::open(read_at).map_err(|_| Denial::TrustUnknown)?,",
        "None => match Table::open(read_at) { Ok(table) => table, Err(_) => return Ok(()) },",
    ),
    check("a table that cannot be read any more", KEPT, "Err(_) => Err(Denial::TrustUnknown),", "Err(_) => Ok(()),"),
    check("the end of the table", TABLE, "if !read_at(last, &mut [0]) { return Err(InvalidTable); }", "let _ = last;"),
    check(
        "the front of the table",
        TABLE,
        "if !read_at(0, &mut front) { return Err(InvalidTable); }",
        "if !read_at(0, &mut front) { return Ok(Self { hash: keyed_by(&[0; SEED_BYTES]), buckets: 1, is_empty: true, filter: [].into() }); }",
    ),
    check(
        "a bucket that cannot be read",
        TABLE,
        "if !read_at(BUCKETS_AT.saturating_add(bytes_before) as u64, &mut bucket) { return Err(InvalidTable); }",
        "if !read_at(BUCKETS_AT.saturating_add(bytes_before) as u64, &mut bucket) { return Ok(false); }",
    ),
    check(
        "the time before which a subject is shut out",
        TABLE,
        "is_some_and(|before| issued_at.0 < before)",
        "is_some_and(|before| issued_at.0 > before)",
    ),
    check(
        "tokens that were issued after",
        TABLE,
        "is_some_and(|before| issued_at.0 < before)",
        "is_some_and(|before| issued_at.0 <= before)",
    ),
    check(
        "tokens that say no time",
        TABLE,
        "claims.issued_at().unwrap_or(UnixSeconds(0))",
        "claims.issued_at().unwrap_or(UnixSeconds(u64::MAX))",
    ),
    check(
        "the token itself",
        REVOCATIONS,
        "std::iter::once(token).chain(named).chain(opened_in)",
        "std::iter::once(token).skip(1).chain(named).chain(opened_in)",
    ),
    check("the token's identifier", REVOCATIONS, "(Kind::Id, \"jti\"),", "(Kind::Id, \"no jti\"),"),
    check("the token's session", REVOCATIONS, "(Kind::Session, \"sid\"),", "(Kind::Session, \"no sid\"),"),
    check(
        "the session in which a deputy's token was made",
        REVOCATIONS,
        "std::iter::once(token).chain(named).chain(opened_in)",
        "std::iter::once(token).chain(named).chain(opened_in.filter(|_| false))",
    ),
    check("the token's subject", REVOCATIONS, "(Kind::Subject, \"sub\")", "(Kind::Subject, \"no sub\")"),
    check(
        "the issuer of what is revoked",
        REVOCATIONS,
        "hash.of([&[kind as u8][..], &length, issuer.as_bytes(), name])",
        "hash.of([&[kind as u8][..], &length[..0], name])",
    ),
    check(
        "a key that may have come into use",
        KEPT,
        "(Some(fetched_at), Some(since)) if since.0.saturating_mul(1000) >= fetched_at => { shared.want_keys(&wanted_file(issuer)); Denial::KeyAwaited { of: issuer.to_owned() } }",
        "",
    ),
    check(
        "a key that the keeper would have found",
        KEPT,
        "if since.0.saturating_mul(1000) >= fetched_at",
        "if since.0.saturating_mul(1000) >= fetched_at || fetched_at > 0",
    ),
    check(
        "that an exchange names the token it stands for",
        ISSUER,
        "if self.speaks_for.is_empty() { let digest",
        "if self.speaks_for.is_empty() || token.unverified_claims.get(\"origin\").is_none() { let digest",
    ),
    check(
        "for whom an exchange speaks",
        ISSUER,
        "let (place, issuer) = listed.find(|(_, issuer)| ***issuer == *unverified_issuer).ok_or(InvalidToken::Origin)?;",
        "let (place, issuer) = listed.next().filter(|_| !unverified_issuer.is_empty()).ok_or(InvalidToken::Origin)?;",
    ),
    check(
        "the digest of the token that an exchange stands for",
        ISSUER,
        "let digest = digest_from_text(member(\"digest\")?).ok_or(InvalidToken::Origin)?;",
        "let digest = digest_from_text(member(\"digest\")?).unwrap_or_default();",
    ),
    check(
        "whose tokens may stand for themselves",
        ISSUER,
        "if origin.get(\"digest\").is_none() && !self.writes_down_opaque_tokens() {",
        "if origin.get(\"digest\").is_none() {",
    ),
    check(
        "the form of the session in which a deputy's token was made",
        ISSUER,
        "if !origin.get(\"sid\").is_none_or(Value::is_string) { return Err(InvalidToken::Origin); }",
        "let _ = origin.get(\"sid\").is_none_or(Value::is_string);",
    ),
    check(
        "which token a deputy's proof is for, out of the cache",
        "claims_cache/slot.rs",
        "0x80.. => Voucher::Deputy(byte & 0x7f),",
        "0x80.. => Voucher::Exchange(byte & 0x7f),",
    ),
    check(
        "whose an exchanged token is, out of the cache",
        "claims_cache.rs",
        "Voucher::Exchange(place) | Voucher::Deputy(place) => self.speaks_for.get(usize::from(place)),",
        "Voucher::Exchange(place) | Voucher::Deputy(place) => Some(&self.issuer).filter(|_| place < u8::MAX),",
    ),
];
