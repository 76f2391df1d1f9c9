//! The clock, which only a test in the same process can set.

use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use serde_json::json;
use time::OffsetDateTime;

use super::*;
use crate::testing::provider::{Provider as Server, http};

const NOW: i64 = 1_800_000_000;

struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::Relaxed)).unwrap()
    }

    fn elapsed(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

struct Stage {
    server: Server,
    clock: Arc<SetClock>,
    exchange: Exchange,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// The provider's tokens end at `NOW + 3600`, whatever the exchange thinks of the time.
    fn new() -> Self {
        let answer = json!({"active": true, "sub": "anna", "aud": "watchgate", "exp": NOW + 3600}).to_string();
        let server = Server::https(move |_, _| http("200 OK", &["Content-Type: application/json"], answer.as_bytes()));
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
        std::fs::write(path("ca.pem"), &server.ca_pem).unwrap();
        std::fs::write(path("secret"), "hush").unwrap();
        let issuer = format!("https://localhost:{}", server.address.port());
        let settings = json!({"audience": "watchgate", "keyFile": path("key.pem"), "providers": [{
            "name": "idp", "issuer": issuer, "introspectionEndpoint": issuer, "audiences": ["watchgate"],
            "auth": {"method": "client_secret_basic", "clientId": "gw", "secretFile": path("secret")},
            "caFile": path("ca.pem"), "allowedNetworks": ["127.0.0.0/8"],
        }]});
        let clock = Arc::new(SetClock(AtomicI64::new(NOW)));
        let exchange = Exchange::open(Settings::read(&settings.to_string()).unwrap(), clock.clone()).unwrap();
        Self { server, clock, exchange, _folder: folder }
    }

    /// The outcome at this time, and how often the provider has been asked until then.
    async fn at(&self, seconds: i64) -> (Result<String, Refusal>, usize) {
        self.clock.0.store(NOW + seconds, Ordering::Relaxed);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer opaque"));
        let credential = Credential::of(&headers).unwrap();
        let provider = self.exchange.provider("idp").unwrap();
        let known = self.exchange.phantom(provider, &credential, None).await;
        (known.map(|known| known.phantom.token.clone()), self.server.seen().len())
    }
}

#[tokio::test]
async fn a_clock_that_goes_on_renews_a_phantom_shortly_before_its_end() {
    let stage = Stage::new();
    let (first, _) = stage.at(0).await;
    assert_eq!(stage.at(49).await, (first.clone(), 1));
    let (second, questions) = stage.at(50).await;
    assert!(second.is_ok() && second != first);
    assert_eq!(questions, 2);
}

#[tokio::test]
async fn a_clock_that_is_set_back_revives_nothing() {
    let stage = Stage::new();
    let (first, _) = stage.at(3000).await;
    let (second, questions) = stage.at(2999).await;
    assert!(second.is_ok() && second != first, "a phantom of a time that has not come yet");
    assert_eq!(questions, 2);
    // Beyond the end of the original nothing passes, and after that no phantom of before does.
    let expired = Err(Refusal::NotGood(NotGood::Expired));
    assert_eq!(stage.at(3600).await, (expired.clone(), 3));
    assert_eq!(stage.at(2999).await, (expired, 3), "what was refused stays so for seconds");
}
