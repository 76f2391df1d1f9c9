use std::sync::Mutex;

use super::*;
use fake::{FakePortal, Heard};

mod fake;

const SECRET: &str = "tester:correct horse";

fn credentials() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{SECRET}\n")).unwrap();
    file
}

fn portal(address: Url, trust: PortalTrust) -> Portal {
    let credentials = credentials();
    Portal::new(&PortalSettings { address, trust, credentials: Some(credentials.path().to_owned()) }).unwrap()
}

fn another_pin() -> Pin {
    Pin::from_str_of("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
}

impl Pin {
    fn from_str_of(digest: &str) -> Self {
        format!("sha256/{digest}").parse().unwrap()
    }
}

#[tokio::test]
async fn a_wrong_pin_is_refused_before_any_byte_is_sent_to_whoever_shows_it() {
    let fake = FakePortal::start(true).await;
    for is_socket in [false, true] {
        let portal = portal(fake.address(), PortalTrust::Pin(another_pin()));
        let error = match is_socket {
            false => portal.identity().await.unwrap_err(),
            true => portal.figures(|_| true).await.unwrap_err(),
        };
        assert!(matches!(&error, PortalError::Unreachable(said) if said.contains("not the pinned one")), "{error}");
        assert_eq!(fake.heard().await, Heard::Nothing);
    }
}

#[tokio::test]
async fn a_first_contact_learns_the_pin_and_says_nothing() {
    let fake = FakePortal::start(true).await;
    let pin = first_contact(&fake.address()).await.unwrap();
    assert_eq!(fake.heard().await, Heard::Nothing);
    assert_eq!(pin.to_string().parse::<Pin>().unwrap(), pin);

    let portal = portal(fake.address(), PortalTrust::Pin(pin));
    let identity = portal.identity().await.unwrap();
    let traits: Vec<_> = identity.traits.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    let firmware = "14385.1002.amd64fre.rs1_xbox_rel_1608.160709-1700";
    let expected = [("edition", "SystemOS"), ("family", "Windows.Xbox"), ("firmware", firmware), ("model", "Xbox One")];
    assert_eq!((&identity.name[..], &traits[..]), ("XboxOneName", &expected[..]));
    let basic = "Basic dGVzdGVyOmNvcnJlY3QgaG9yc2U=".to_owned();
    assert_eq!(fake.heard().await, Heard::Request { path: "/api/os/info".to_owned(), authorization: Some(basic) });
}

#[tokio::test]
async fn an_authority_vouches_for_its_own_portals_alone() {
    let [fake, other] = [FakePortal::start(true).await, FakePortal::start(true).await];
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), fake.certificate_pem()).unwrap();
    let trust = || PortalTrust::Authorities(file.path().to_owned());
    assert_eq!(portal(fake.address(), trust()).identity().await.unwrap().name, "XboxOneName");
    portal(other.address(), trust()).identity().await.unwrap_err();
    assert_eq!(other.heard().await, Heard::Nothing);
}

#[tokio::test]
async fn figures_come_over_the_socket_and_where_that_is_refused_by_asking() {
    for has_socket in [true, false] {
        let fake = FakePortal::start(has_socket).await;
        let portal = portal(fake.address(), PortalTrust::Pin(first_contact(&fake.address()).await.unwrap()));
        let heard = Mutex::new(Vec::new());
        let hear = |reading: Reading| {
            let mut heard = heard.lock().unwrap();
            heard.push(reading.values.iter().find(|(name, _)| &**name == "CpuLoad").unwrap().1);
            heard.len() < 2
        };
        portal.figures(hear).await.unwrap();
        assert_eq!(*heard.lock().unwrap(), [1.0, 2.0], "over a socket: {has_socket}");
        assert_eq!((fake.sockets(), fake.polls()), if has_socket { (1, 0) } else { (0, 2) });
    }
}

#[tokio::test]
async fn a_portal_that_does_not_know_the_password_is_not_asked_by_other_ways() {
    let fake = FakePortal::start(true).await;
    let trust = PortalTrust::Pin(first_contact(&fake.address()).await.unwrap());
    let portal = Portal::new(&PortalSettings { address: fake.address(), trust, credentials: None }).unwrap();
    assert!(matches!(portal.identity().await, Err(PortalError::Refused("/api/os/info", 401))));
    assert!(matches!(portal.figures(|_| true).await, Err(PortalError::Refused(SYSTEM_PERFORMANCE, 401))));
}

#[test]
fn only_an_address_that_hides_a_password_is_taken() {
    let trust = || PortalTrust::Pin(another_pin());
    for (address, is_taken) in [
        ("https://192.168.1.20:11443", true),
        ("https://[::1]:11443/", true),
        ("https://console.lab.test:11443", true),
        ("http://192.168.1.20:11443", false),
        ("https://tester:secret@192.168.1.20:11443", false),
        ("https://192.168.1.20:11443/api", false),
        ("https://192.168.1.20:11443/?a", false),
        ("wss://192.168.1.20:11443", false),
    ] {
        let settings = PortalSettings { address: address.parse().unwrap(), trust: trust(), credentials: None };
        assert_eq!(Portal::new(&settings).is_ok(), is_taken, "{address}");
    }
}

#[test]
fn credentials_are_one_line_with_a_user_and_a_password() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (text, is_taken) in [
        ("tester:a:b\r\n", true),
        ("tester:", true),
        ("tester", false),
        (":secret", false),
        ("tester:a\nb", false),
        ("", false),
    ] {
        std::fs::write(file.path(), text).unwrap();
        assert_eq!(calls::authorization(file.path()).is_ok(), is_taken, "{text:?}");
    }
}

#[test]
fn a_pin_is_a_digest_and_says_so() {
    for text in ["", "sha256/", "sha256/AAAA", "sha1/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAAA"] {
        assert!(matches!(text.parse::<Pin>(), Err(PortalError::Pin)), "{text}");
    }
}
