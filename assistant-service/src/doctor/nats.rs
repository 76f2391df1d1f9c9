//! The NATS servers: whether they are those that the log can stand on, what they promise, their clocks and certificate.

use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::finding::{Notes, Report};
use super::judge::Judge;
use super::remote;
use crate::backbone::jetstream::{Promise, StreamSettings, Untold, connect, server_times};

const TIMEOUT: Duration = Duration::from_secs(5);
/// More than a greeting has.
const MAX_GREETING_BYTES: u64 = 64 * 1024;

/// Looks at all of it.
pub(super) async fn look(report: &mut Report, settings: &StreamSettings) {
    let here = settings
        .connection
        .servers
        .iter()
        .map(|at| format!("{}:{}", at.host(), at.port()))
        .collect::<Vec<_>>()
        .join(",");
    match connect(&settings.connection).await {
        Ok(connection) => {
            let version = connection.client.server_info().version;
            report.of("nats").good(&here, format!("version {version}, with JetStream, takes this user"));
        }
        Err(cause) => {
            let cause = std::error::Error::source(&cause)
                .map_or_else(|| cause.to_string(), |below| format!("{cause}: {below}"));
            report.of("nats").bad(&here, cause, "see `journalctl -u nats-server`, and deploy/nats/nats-server.conf");
            return;
        }
    }
    look_at_promise(&mut report.of("nats"), &here, settings).await;
    if let Some(audit) = &settings.audit {
        let before = SystemTime::now();
        let times = server_times(audit).await;
        look_at_clocks(&mut report.of("clocks"), times, (before, SystemTime::now()));
    }
    for server in &settings.connection.servers {
        let here = format!("NATS at {}:{}", server.host(), server.port());
        let ca = settings.connection.ca.as_deref();
        let notes = &mut report.of("certificates");
        match tokio::time::timeout(TIMEOUT, shown(server.host(), server.port(), ca)).await {
            Ok(Ok(shown)) => remote::look_at_certificate(notes, &here, Some(&shown)),
            Ok(Err(why)) => notes.unknown(&here, why, "see whether the server is up"),
            Err(_) => notes.unknown(&here, "it took too long", "see whether the server is up"),
        }
    }
}

/// The name of each server and what it says of its clock, heard at some time between the two here.
fn look_at_clocks(
    notes: &mut Notes<'_>,
    times: Result<Vec<(String, String)>, String>,
    between: (SystemTime, SystemTime),
) {
    let mend = "see what the audit user may (docs/OPERATIONS.md), or compare the clocks by hand: `date -u`";
    let times = match times {
        Ok(times) if times.is_empty() => return notes.unknown("NATS servers", "none says what time it is", mend),
        Ok(times) => times,
        Err(why) => return notes.unknown("NATS servers", why, mend),
    };
    for (server, time) in times {
        let here = format!("NATS server {server}");
        match OffsetDateTime::parse(&time, &Rfc3339) {
            Ok(time) => remote::judge_clock(notes, &here, time.into(), Duration::ZERO, between),
            Err(_) => notes.unknown(&here, "what it says is no time", mend),
        }
    }
}

async fn look_at_promise(notes: &mut Notes<'_>, here: &str, settings: &StreamSettings) {
    let promise = Promise::ask(settings.audit.as_ref(), settings.replicas).await;
    let said = promise.to_string();
    match promise {
        Promise::SurvivesPowerLoss { .. } => notes.good(here, said),
        Promise::SyncsLate { .. } => notes.warn(
            here,
            said,
            "write `sync_interval: always` below `jetstream` as deploy/nats/nats-server.conf does, and restart the server",
        ),
        Promise::CannotTell(Untold::NoAuditor) => {
            notes.not_here(here, said, "name a user of the system account with --nats-audit-user (docs/OPERATIONS.md)");
        }
        Promise::CannotTell(_) => notes.unknown(here, said, "see what the audit user may (docs/OPERATIONS.md)"),
    }
}

/// NATS greets in the open and begins TLS after it.
async fn shown(host: &str, port: u16, ca: Option<&std::path::Path>) -> Result<super::judge::Shown, String> {
    let (config, judge) = Judge::with(ca)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|cause| cause.to_string())?;
    let mut stream = BufReader::new(TcpStream::connect((host, port)).await.map_err(|cause| cause.to_string())?);
    let mut greeting = String::new();
    let mut bounded = tokio::io::AsyncReadExt::take(&mut stream, MAX_GREETING_BYTES);
    bounded.read_line(&mut greeting).await.map_err(|cause| cause.to_string())?;
    // A server that wants a certificate of ours says so after the handshake: by then it has shown its own.
    let _ = TlsConnector::from(std::sync::Arc::new(config)).connect(name, stream.into_inner()).await;
    judge.shown().ok_or_else(|| "it has shown no certificate".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_clock_that_nobody_has_read_is_told_too() {
        let now = SystemTime::UNIX_EPOCH;
        let verdicts = |times: Result<&[(&str, &str)], &str>| -> Vec<Verdict> {
            let owned = |times: &[(&str, &str)]| {
                times.iter().map(|(server, time)| ((*server).to_owned(), (*time).to_owned())).collect()
            };
            let mut report = Report::default();
            look_at_clocks(&mut report.of("clocks"), times.map(owned).map_err(str::to_owned), (now, now));
            report.findings.iter().map(|finding| finding.verdict).collect()
        };
        let times = [("one", "1970-01-01T00:00:00Z"), ("two", "soon"), ("three", "1970-01-01T00:01:00Z")];
        assert_eq!(verdicts(Ok(&times)), [Verdict::Good, Verdict::Unknown, Verdict::Bad]);
        assert_eq!(verdicts(Ok(&[])), [Verdict::Unknown]);
        assert_eq!(verdicts(Err("nobody answers")), [Verdict::Unknown]);
    }
}
