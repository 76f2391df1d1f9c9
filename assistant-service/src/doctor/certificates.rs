//! How long certificates still hold: those in files, and one that a server shows.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::parse_x509_certificate;

use super::finding::Notes;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
const WARN_DAYS: i64 = 21;
const BAD_DAYS: i64 = 7;

/// Looks at every certificate of a file; the one that ends first counts.
pub(super) fn look_at_file(notes: &mut Notes<'_>, path: &Path, now: SystemTime) {
    let here = path.display().to_string();
    let chain: Result<Vec<_>, _> = match std::fs::read(path) {
        Err(cause) => {
            return notes.unreadable(
                &here,
                &cause,
                "put the certificate there, or run the doctor as a user who may read it",
            );
        }
        Ok(bytes) => CertificateDer::pem_slice_iter(&bytes).collect(),
    };
    match chain {
        Ok(chain) if !chain.is_empty() => look_at(notes, &here, &chain, now),
        _ => notes.bad(&here, "it holds no certificate as PEM", "put the certificate there, its chain after it"),
    }
}

/// Whether all of them hold at this time.
pub(super) fn hold(chain: &[CertificateDer<'_>], now: SystemTime) -> bool {
    let now = seconds(now);
    times(chain).is_some_and(|times| times.iter().all(|(begins, ends)| (*begins..*ends).contains(&now)))
}

/// From when on and until when each of them holds, in Unix seconds; nothing where one is no certificate.
fn times(chain: &[CertificateDer<'_>]) -> Option<Vec<(i64, i64)>> {
    let times = chain.iter().map(|certificate| {
        let (_, parsed) = parse_x509_certificate(certificate).ok()?;
        let validity = parsed.validity();
        Some((validity.not_before.timestamp(), validity.not_after.timestamp()))
    });
    times.collect()
}

fn seconds(time: SystemTime) -> i64 {
    i64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

/// Looks at certificates that were shown or read.
pub(super) fn look_at(notes: &mut Notes<'_>, here: &str, chain: &[CertificateDer<'_>], now: SystemTime) {
    let now = seconds(now);
    let Some(times) = times(chain) else {
        return notes.bad(here, "it holds what is no certificate", "put the certificate there, its chain after it");
    };
    let begins = times.iter().map(|(begins, _)| *begins).max().unwrap_or(now);
    let ends = times.iter().map(|(_, ends)| *ends).min().unwrap_or(now);
    let whose = |is_first: bool| if is_first { "it" } else { "a certificate of its chain" };
    let beginning = whose(times.first().is_none_or(|(first, _)| *first == begins));
    let ending = whose(times.first().is_none_or(|(_, first)| *first == ends));
    let days = ends.saturating_sub(now).div_euclid(SECONDS_PER_DAY);
    let renew = "have it renewed, and rename the new one into place (docs/OPERATIONS.md, Mutual TLS)";
    if begins > now {
        notes.bad(
            here,
            format!("{beginning} does not hold yet: it is for later, or this machine's clock is behind"),
            "set the clock, or have it made anew",
        );
    } else if ends <= now {
        notes.bad(here, format!("{ending} has ended {} day(s) ago", days.saturating_neg().saturating_sub(1)), renew);
    } else if days < BAD_DAYS {
        notes.bad(here, format!("{ending} ends in {days} day(s)"), renew);
    } else if days < WARN_DAYS {
        notes.warn(here, format!("{ending} ends in {days} days"), renew);
    } else {
        notes.good(here, format!("it holds for {days} days"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair};

    use super::super::finding::{Report, Verdict};
    use super::*;

    fn verdict(content: &str, now: SystemTime) -> Verdict {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.pem");
        std::fs::write(&path, content).unwrap();
        let mut report = Report::default();
        look_at_file(&mut report.of("certificates"), &path, now);
        report.findings[0].verdict
    }

    fn certificate(days: i64) -> String {
        let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.not_before = time::OffsetDateTime::now_utc() - time::Duration::days(30);
        parameters.not_after = time::OffsetDateTime::now_utc() + time::Duration::days(days);
        parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[test]
    fn whoever_must_renew_hears_of_it_in_time() {
        let now = SystemTime::now();
        for (days, wanted) in [
            (90, Verdict::Good),
            (23, Verdict::Good),
            (20, Verdict::Warn),
            (8, Verdict::Warn),
            (6, Verdict::Bad),
            (-2, Verdict::Bad),
        ] {
            assert_eq!(verdict(&certificate(days), now), wanted, "{days}");
        }
        assert_eq!(verdict(&(certificate(90) + &certificate(3)), now), Verdict::Bad, "the whole chain counts");
        assert_eq!(verdict(&certificate(90), now - Duration::from_hours(24 * 60)), Verdict::Bad, "it is for later");
        assert_eq!(verdict("nothing", now), Verdict::Bad);
    }
}
