//! Against a real TLS server on this host, in all its moods.

use std::io::Write;
use std::time::Instant;

use super::*;
use crate::testing::provider::{Answer, Provider, http};

const BOUND: usize = 64 * 1024;

struct Asked {
    provider: Provider,
    ca: tempfile::NamedTempFile,
}

impl Asked {
    fn new(provider: Provider) -> Self {
        let mut ca = tempfile::NamedTempFile::new().unwrap();
        ca.write_all(provider.ca_pem.as_bytes()).unwrap();
        Self { provider, ca }
    }

    fn settings(&self, networks: &[&str]) -> OutboundSettings {
        OutboundSettings {
            timeout: Duration::from_millis(1500),
            max_bytes: BOUND,
            allowed_networks: networks.iter().map(|network| Network::parse(network).unwrap()).collect(),
            ca_file: Some(self.ca.path().to_owned()),
            client_identity: None,
        }
    }

    fn url(&self, start: &str) -> Url {
        Url::parse(&format!("{start}:{}/keys", self.provider.address.port())).unwrap()
    }

    async fn get(&self, networks: &[&str], start: &str) -> Result<OutboundAnswer, OutboundError> {
        Outbound::new(&self.settings(networks)).unwrap().get(&self.url(start)).await
    }

    async fn local(&self) -> Result<OutboundAnswer, OutboundError> {
        self.get(&["127.0.0.0/8"], "https://localhost").await
    }
}

fn asked(answers: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Asked {
    Asked::new(Provider::https(answers))
}

fn asked_good() -> Asked {
    asked(|_, _| http("200 OK", &["ETag: \"1\""], b"{}"))
}

#[tokio::test]
async fn an_answer_comes_whole_with_its_headers() {
    for start in ["https://localhost", "https://127.0.0.1"] {
        let answer = asked_good().get(&["127.0.0.0/8"], start).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, b"{}".as_slice()));
        assert_eq!(answer.headers["etag"], "\"1\"");
    }
}

#[tokio::test]
async fn statuses_that_refuse_are_answers() {
    for status in ["304 Not Modified", "404 Not Found", "500 Internal Server Error"] {
        let answer = asked(move |_, _| http(status, &[], b"")).local().await.unwrap();
        assert!(status.starts_with(answer.status.as_str()));
    }
}

#[tokio::test]
async fn whoever_is_slow_at_any_point_is_given_up_in_time() {
    let part = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{".to_vec();
    for answer in
        [Answer::Silence(Vec::new()), Answer::Silence(part), Answer::After(Duration::from_secs(9), Vec::new())]
    {
        let begun = Instant::now();
        let outcome = asked(move |_, _| answer.clone()).local().await;
        assert!(outcome.is_err() && begun.elapsed() < Duration::from_secs(3), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_server_that_takes_no_handshake_is_given_up_in_time() {
    // Listens, and never accepts: the handshake waits in the backlog.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let asked = asked_good();
    let url = Url::parse(&format!("https://{}/", silent.local_addr().unwrap())).unwrap();
    let begun = Instant::now();
    let outcome = Outbound::new(&asked.settings(&["127.0.0.0/8"])).unwrap().get(&url).await;
    assert!(outcome.is_err() && begun.elapsed() < Duration::from_secs(3), "{outcome:?}");
}

#[tokio::test]
async fn bodies_over_the_bound_are_refused_whether_they_say_so_or_not() {
    let says = asked(|_, _| http("200 OK", &[], &vec![b' '; 5 * 1024 * 1024]));
    let endless = asked(|_, _| Answer::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()));
    for asked in [says, endless] {
        let outcome = asked.local().await;
        assert!(matches!(outcome, Err(OutboundError::TooLarge)), "{outcome:?}");
    }
    let fits = asked(|_, _| http("200 OK", &[], &[b' '; BOUND])).local().await.unwrap();
    assert_eq!(fits.body.len(), BOUND);
}

#[tokio::test]
async fn a_redirection_is_followed_nowhere() {
    let elsewhere = asked_good();
    let location = format!("Location: https://localhost:{}/keys", elsewhere.provider.address.port());
    let outcome = asked(move |_, _| http("302 Found", &[&location], b"")).local().await;
    assert!(matches!(outcome, Err(OutboundError::Redirected(StatusCode::FOUND))), "{outcome:?}");
    assert!(elsewhere.provider.seen().is_empty());
}

#[tokio::test]
async fn addresses_that_may_not_be_asked_are_not_whatever_they_are_called() {
    let asked = asked_good();
    for (networks, start) in [
        (&[][..], "https://localhost"),
        (&[], "https://127.0.0.1"),
        (&[], "https://0x7f.1"),
        (&[], "https://[::ffff:127.0.0.1]"),
        (&["10.0.0.0/8"], "https://localhost"),
        (&["10.0.0.0/8"], "https://[::ffff:7f00:1]"),
    ] {
        let outcome = asked.get(networks, start).await;
        assert!(matches!(outcome, Err(OutboundError::Address | OutboundError::Unreachable(_))), "{start} {outcome:?}");
    }
    assert!(asked.provider.seen().is_empty());
}

#[tokio::test]
async fn without_tls_only_allowed_addresses_of_this_host_are_asked() {
    let asked = Asked::new(Provider::http(|_, _| http("200 OK", &[], b"{}")));
    for (networks, start, is_asked) in [
        (&[][..], "http://127.0.0.1", false),
        (&[], "http://localhost", false),
        (&["10.0.0.0/8"], "http://10.0.0.1", false),
        (&["127.0.0.0/8"], "http://1.1.1.1", false),
        (&["127.0.0.0/8"], "http://name@127.0.0.1", false),
        (&["127.0.0.0/8"], "ftp://127.0.0.1", false),
        (&["127.0.0.0/8"], "http://127.0.0.1", true),
        (&["127.0.0.0/8"], "http://localhost", true),
    ] {
        let outcome = asked.get(networks, start).await;
        let is_refused = matches!(outcome, Err(OutboundError::Scheme | OutboundError::Address));
        assert_eq!((outcome.is_ok(), is_refused), (is_asked, !is_asked), "{start} {outcome:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_not_accepted() {
    let (one, other) = (asked_good(), asked_good());
    let outbound = Outbound::new(&other.settings(&["127.0.0.0/8"])).unwrap();
    assert!(matches!(outbound.get(&one.url("https://localhost")).await, Err(OutboundError::Unreachable(_))));
    assert!(one.provider.seen().is_empty());
}

#[tokio::test]
async fn a_form_carries_its_fields_and_who_sends_it() {
    let asked = asked(|_, head| http("200 OK", &[], head.as_bytes()));
    let outbound = Outbound::new(&asked.settings(&["127.0.0.0/8"])).unwrap();
    let basic = ClientAuthentication::Basic {
        client_id: "the gate".to_owned(),
        client_secret: Zeroizing::new("a:b".to_owned()),
    };
    // RFC 6749, section 2.3.1: both parts are encoded as in a form before they are joined.
    for (authentication, expected) in [
        (basic, Some("authorization: Basic dGhlJTIwZ2F0ZTphJTNBYg==")),
        (ClientAuthentication::Bearer(Zeroizing::new("abc".to_owned())), Some("authorization: Bearer abc")),
        (ClientAuthentication::None, None),
    ] {
        let fields = [("token", "a&b=c d"), ("hint", "ü")];
        let answer = outbound.post_form(&asked.url("https://localhost"), &fields, &authentication).await.unwrap();
        let head = String::from_utf8(answer.body).unwrap();
        assert!(head.starts_with("POST /keys HTTP/1.1\r\n"), "{head}");
        assert_eq!(head.lines().find(|line| line.starts_with("authorization")), expected);
        assert!(head.ends_with("\r\n\r\ntoken=a%26b%3Dc%20d&hint=%C3%BC"), "{head}");
    }
    assert_eq!(encoded("a&b=c d~ü"), "a%26b%3Dc%20d~%C3%BC");
}

#[test]
fn proxies_of_the_environment_are_not_asked() {
    // Nobody listens at port 9: whoever asks a proxy there gets no answer.
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "outbound::tests::an_answer_comes_whole_with_its_headers"]);
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        again.env(name, "http://127.0.0.1:9");
    }
    let ended = again.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap();
    assert!(ended.status.success() && String::from_utf8_lossy(&ended.stdout).contains("1 passed"));
}
