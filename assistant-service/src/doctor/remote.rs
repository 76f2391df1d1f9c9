//! What answers over HTTP: its clock, its certificate, and whether the gate stands there.

use std::path::Path;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, WWW_AUTHENTICATE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::certificates;
use super::finding::Notes;
use super::judge::{Judge, Shown};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
/// More than a refusal has, or what a provider says of itself.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// From here on tokens that are good somewhere are not yet good here.
const WARN: Duration = Duration::from_secs(2);
/// So old may a keeper's word be.
const BAD: Duration = Duration::from_secs(10);

/// One answer.
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// This machine's clock before the question, and after the answer.
    between: (SystemTime, SystemTime),
    shown: Option<Shown>,
}

/// Asks without a token, and follows nothing.
pub(super) async fn get(url: &Url, ca: Option<&Path>) -> Result<Answer, String> {
    let (config, judge) = Judge::with(ca)?;
    let client = Client::builder()
        .tls_backend_preconfigured(config)
        .http1_only()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .build()
        .map_err(|cause| said(&cause))?;
    // The first one makes the connection, which takes several ways there and back.
    read_away(client.get(url.clone()).send().await.map_err(|cause| said(&cause))?).await;
    let before = SystemTime::now();
    let answer = client.get(url.clone()).send().await.map_err(|cause| said(&cause))?;
    let between = (before, SystemTime::now());
    Ok(Answer { status: answer.status(), headers: answer.headers().clone(), between, shown: judge.shown() })
}

/// Reads an answer to its end, so that its connection serves once more; not one that goes on and on.
async fn read_away(mut answer: Response) {
    let mut read = 0_usize;
    while read < MAX_BODY_BYTES
        && let Ok(Some(piece)) = answer.chunk().await
    {
        read = read.saturating_add(piece.len());
    }
}

/// With what lies below: "error sending request" alone helps nobody.
fn said(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        said = cause.to_string();
        below = cause.source();
    }
    said
}

/// Its clock against this machine's.
pub(super) fn look_at_clock(notes: &mut Notes<'_>, here: &str, answer: &Answer) {
    let date = answer.headers.get(DATE).and_then(|date| date.to_str().ok());
    match date.and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok()) {
        Some(date) => judge_clock(notes, here, date.into(), Duration::from_secs(1), answer.between),
        None => notes.not_here(here, "it does not say what time it is", "compare both clocks by hand: `date -u`"),
    }
}

/// `said` and up to `grain` later it was there, at some time between the two here.
pub(super) fn judge_clock(
    notes: &mut Notes<'_>,
    here: &str,
    said: SystemTime,
    grain: Duration,
    (before, after): (SystemTime, SystemTime),
) {
    let ahead = said.duration_since(after).unwrap_or_default();
    let behind = before.duration_since(said.checked_add(grain).unwrap_or(said)).unwrap_or_default();
    let (differs, which) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    let found = format!("its clock is {} s {which} this machine's", differs.as_secs());
    let mend = "set both by the same time servers: `chronyc tracking` or `timedatectl timesync-status` on both";
    if differs >= BAD {
        notes.bad(here, format!("{found}: tokens and the keeper's word are refused"), mend);
    } else if differs >= WARN {
        notes.warn(here, found, mend);
    } else {
        notes.good(here, "its clock is this machine's");
    }
}

/// The certificate that it has shown, and whether it is one of the authorities'.
pub(super) fn look_at_certificate(notes: &mut Notes<'_>, here: &str, shown: Option<&Shown>) {
    let Some(shown) = shown else {
        return notes.bad(
            here,
            "it speaks without TLS",
            "name it with https://, and let Traefik serve it on `websecure`",
        );
    };
    let now = SystemTime::now();
    match (&shown.mistrusted, &shown.untimely) {
        (Some(why), _) => notes.bad(
            here,
            format!("clients do not believe its certificate: {why}"),
            "give it one for this name, of an authority that clients know, or name that authority's file with --ca",
        ),
        // Nothing that it has shown says so: the authority's own certificate may, which servers do not send.
        (None, Some(why)) if certificates::hold(&shown.chain, now) => notes.bad(
            here,
            format!("clients do not believe its certificate: {why}"),
            "see until when the authority's own certificate holds, and set this machine's clock",
        ),
        (None, _) => certificates::look_at(notes, here, &shown.chain, now),
    }
}

impl Answer {
    pub(super) fn shown(&self) -> Option<&Shown> {
        self.shown.as_ref()
    }
}

/// Whether a path that wants a token is refused by the gate.
pub(super) fn look_at_gate(notes: &mut Notes<'_>, here: &str, answer: &Answer) {
    let header = |name| {
        answer
            .headers
            .get(name)
            .and_then(|value: &reqwest::header::HeaderValue| value.to_str().ok())
            .unwrap_or_default()
    };
    let is_problem = header(CONTENT_TYPE).starts_with("application/problem+json");
    let is_challenge = header(WWW_AUTHENTICATE).contains("realm=\"watchgate\"");
    let log = "look for `watchgate` in Traefik's log";
    match answer.status {
        StatusCode::UNAUTHORIZED if is_problem && is_challenge => notes.good(here, "the gate asks for a token"),
        StatusCode::NOT_FOUND => notes.bad(
            here,
            "Traefik has no route for it: the dynamic files are not read, or the plugin is not loaded",
            format!("put routes.yml and gate.yml into the dynamic directory, and {log}"),
        ),
        StatusCode::SERVICE_UNAVAILABLE if is_problem => notes.bad(
            here,
            "the gate answers 503: its configuration has mistakes, or keys or the keeper are missing",
            format!("{log}, and mend what is bad above"),
        ),
        status if status.is_success() => notes.bad(
            here,
            format!("it was answered {status} without a token: no gate stands before it, or it only observes"),
            "name `gate` in the router's `middlewares`, and `mode: enforce` in gate.yml",
        ),
        status => notes.bad(
            here,
            format!("{status} came, and not the gate's 401"),
            format!("choose a path that wants a token with --protected, or {log}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::super::finding::{Report, Verdict};
    use super::*;

    fn parameters(name: &str, is_ca: bool, ends_in_days: i64) -> CertificateParams {
        let names = if is_ca { Vec::new() } else { vec![name.to_owned()] };
        let mut parameters = CertificateParams::new(names).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = if is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::NoCa };
        parameters.not_before = OffsetDateTime::now_utc() - time::Duration::days(90);
        parameters.not_after = OffsetDateTime::now_utc() + time::Duration::days(ends_in_days);
        parameters
    }

    #[test]
    fn a_chain_holds_for_as_long_as_each_certificate_of_it() {
        let key = || KeyPair::generate().unwrap();
        let root = CertifiedIssuer::self_signed(parameters("root", true, 900), key()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, root.pem()).unwrap();
        for (between_ends, own_ends, wanted) in
            [(90, 90, Verdict::Good), (-1, 90, Verdict::Bad), (12, 90, Verdict::Warn), (90, -1, Verdict::Bad)]
        {
            let between = CertifiedIssuer::signed_by(parameters("between", true, between_ends), key(), &root).unwrap();
            let own = parameters("localhost", false, own_ends).signed_by(&key(), &between).unwrap();
            let (_, judge) = Judge::with(Some(&ca)).unwrap();
            let (name, sent) = (ServerName::try_from("localhost").unwrap(), [between.der().clone()]);
            judge.verify_server_cert(own.der(), &sent, &name, &[], UnixTime::now()).unwrap();
            let shown = judge.shown().unwrap();
            assert_eq!((shown.chain.len(), &shown.mistrusted), (2, &None), "{between_ends} {own_ends}");
            let mut report = Report::default();
            look_at_certificate(&mut report.of("certificates"), "gateway", Some(&shown));
            assert_eq!(report.findings[0].verdict, wanted, "{between_ends} {own_ends}");
        }
    }

    #[test]
    fn a_doubt_about_times_that_no_certificate_shows_is_told_all_the_same() {
        let own = parameters("localhost", false, 90).self_signed(&KeyPair::generate().unwrap()).unwrap();
        let untimely = Some("expired".to_owned());
        let shown = Shown { chain: vec![own.der().clone()], mistrusted: None, untimely };
        let mut report = Report::default();
        look_at_certificate(&mut report.of("certificates"), "gateway", Some(&shown));
        assert_eq!(report.findings[0].verdict, Verdict::Bad);
    }

    #[tokio::test]
    async fn an_answer_without_an_end_is_not_read_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        let root = CertifiedIssuer::self_signed(parameters("root", true, 900), KeyPair::generate().unwrap()).unwrap();
        std::fs::write(&ca, root.pem()).unwrap();
        let endless = async || {
            let piece = || Ok::<_, std::io::Error>(axum::body::Bytes::from_static(&[b'x'; 8192]));
            axum::body::Body::from_stream(futures_util::stream::repeat_with(piece))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let served = tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(endless)).await });
        let answer = tokio::time::timeout(TIMEOUT / 2, get(&url, Some(&ca))).await.unwrap().unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        served.abort();
    }

    fn verdict(said: SystemTime, between: (SystemTime, SystemTime)) -> Verdict {
        let mut report = Report::default();
        judge_clock(&mut report.of("clocks"), "gateway", said, Duration::from_secs(1), between);
        report.findings[0].verdict
    }

    #[test]
    fn what_a_clock_says_in_whole_seconds_after_a_slow_answer_is_no_difference() {
        let seconds = |count| SystemTime::UNIX_EPOCH + Duration::from_millis(count);
        let slow = (seconds(100_000), seconds(104_000));
        for (said, wanted) in [
            (99_500, Verdict::Good),
            (104_500, Verdict::Good),
            (98_500, Verdict::Good),
            (106_100, Verdict::Warn),
            (96_900, Verdict::Warn),
            (114_000, Verdict::Bad),
            (89_000, Verdict::Bad),
        ] {
            assert_eq!(verdict(seconds(said), slow), wanted, "{said}");
        }
    }

    #[test]
    fn only_the_gates_own_answer_is_the_gate() {
        let answer = |status, kind: &'static str, challenge: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            headers.insert(WWW_AUTHENTICATE, challenge.parse().unwrap());
            let now = SystemTime::now();
            let answer = Answer { status, headers, between: (now, now), shown: None };
            let mut report = Report::default();
            look_at_gate(&mut report.of("gateway"), "x", &answer);
            report.findings[0].verdict
        };
        let (problem, ours) = ("application/problem+json", "Bearer realm=\"watchgate\"");
        assert_eq!(answer(StatusCode::UNAUTHORIZED, problem, ours), Verdict::Good);
        assert_eq!(answer(StatusCode::UNAUTHORIZED, problem, "Bearer"), Verdict::Bad);
        assert_eq!(answer(StatusCode::UNAUTHORIZED, "text/html", ours), Verdict::Bad);
        for status in [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE, StatusCode::FOUND] {
            assert_eq!(answer(status, problem, ours), Verdict::Bad, "{status}");
        }
    }
}
