use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::pkcs8::DecodePrivateKey;
use ed25519_dalek::{Signature, SigningKey, Verifier};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::runner::tests::{Stage, failed, post, runbook, service, webhooks};
use crate::runner::work::Ending;

use super::*;

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let head = request.split_once("\r\n\r\n").unwrap().0;
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
}

#[tokio::test]
async fn a_request_is_signed_over_its_target_and_its_body_as_a_receiver_checks_it() {
    let (service, heard) = service();
    let stage =
        Stage::new(&[runbook("tell", &format!("steps:\n{}", post(&service, "/hook?a=1")))]).with_webhooks(&service);
    let (ending, told) = stage.run("tell", json!({"value": "ä"})).await;
    assert!(matches!(ending, Ending::Succeeded(_)), "{ending:?}");
    assert!(told.contains("{\"ok\":true}"), "{told}");
    let request = heard.lock().unwrap().pop().unwrap();
    let body = request.split_once("\r\n\r\n").unwrap().1;
    let digest = format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(body)));
    assert_eq!(header(&request, "content-digest"), digest);
    let parameters = header(&request, "signature-input").strip_prefix("watchgate=").unwrap();
    assert!(parameters.starts_with("(\"@method\" \"@target-uri\" \"content-digest\" \"content-type\");created="));
    let base = format!(
        "\"@method\": POST\n\"@target-uri\": https://localhost:{}/hook?a=1\n\"content-digest\": {digest}\n\
         \"content-type\": {}\n\"@signature-params\": {parameters}",
        service.address.port(),
        header(&request, "content-type"),
    );
    let signature = header(&request, "signature").strip_prefix("watchgate=:").unwrap().strip_suffix(':').unwrap();
    let signature = Signature::from_slice(&BASE64_STANDARD.decode(signature).unwrap()).unwrap();
    let pem = std::fs::read_to_string(stage.folder.path().join("webhook.pem")).unwrap();
    let key = SigningKey::from_pkcs8_pem(&pem).unwrap().verifying_key();
    key.verify(base.as_bytes(), &signature).unwrap();
    assert!(key.verify(base.replace("a=1", "a=2").as_bytes(), &signature).is_err());
}

#[tokio::test]
async fn addresses_of_the_own_network_are_told_only_where_the_host_was_named() {
    let (service, heard) = service();
    let port = service.address.port();
    for (allowed, address, is_told) in [
        ("localhost", format!("https://localhost:{port}/"), true),
        (&format!("LOCALHOST:{port}"), format!("https://localhost:{port}/"), true),
        ("127.0.0.1", format!("https://127.0.0.1:{port}/"), true),
        ("127.0.0.1", format!("https://0x7f.1:{port}/"), true),
        ("localhost:1", format!("https://localhost:{port}/"), false),
        ("127.0.0.1", format!("https://localhost:{port}/"), false),
        ("localhost", format!("https://127.0.0.1:{port}/"), false),
        ("localhost", format!("https://[::ffff:127.0.0.1]:{port}/"), false),
        ("localhost", format!("https://0.0.0.0:{port}/"), false),
        // Named or not: neither links nor nobody nor groups.
        ("169.254.169.254", "https://169.254.169.254/".to_owned(), false),
        ("0.0.0.0", format!("https://0.0.0.0:{port}/"), false),
        ("224.0.0.1", "https://224.0.0.1/".to_owned(), false),
        ("[fe80::1]", "https://[fe80::1]/".to_owned(), false),
    ] {
        let step = format!("steps: [{{name: tell, webhook: {{url: '{address}'}}}}]");
        let mut stage = Stage::new(&[runbook("tell", &step)]);
        stage.runner.kinds.webhook = Some(webhooks(stage.folder.path(), &service, &[allowed]));
        let (ending, _) = stage.run("tell", json!({})).await;
        assert_eq!(matches!(ending, Ending::Succeeded(_)), is_told, "{allowed} {address} {ending:?}");
        assert_eq!(heard.lock().unwrap().drain(..).count(), usize::from(is_told), "{allowed} {address}");
    }
}

#[tokio::test]
async fn what_may_have_arrived_is_unknown_and_what_did_not_is_failed() {
    let (service, _) = service();
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let closed = nobody.local_addr().unwrap().port();
    drop(nobody);
    let silent = runbook("silent", &format!("steps:\n{}", post(&service, "/silence")));
    let closed =
        runbook("closed", &format!("steps: [{{name: tell, webhook: {{url: 'https://localhost:{closed}/'}}}}]"));
    let stage = Stage::new(&[silent, closed]).with_webhooks(&service);
    let work = crate::runner::work::Work { timeout_seconds: 1, ..stage.work("silent", json!({"value": 1})) };
    let (ending, _) = stage.carry_out(&work).await;
    assert!(failed(&ending).contains("nobody knows whether it was done"), "{ending:?}");
    let (ending, _) = stage.run("closed", json!({})).await;
    assert!(failed(&ending).contains("no connection"), "{ending:?}");
}

#[test]
fn hosts_are_read_as_addresses_are() {
    let is = |host: &str, address: &str| host.parse::<AllowedHost>().unwrap().is(&Url::parse(address).unwrap());
    assert!(is("Hooks.Internal", "https://hooks.internal/a") && is("hooks.internal:443", "https://hooks.internal/"));
    assert!(is("[::1]:8443", "https://[::1]:8443/") && is("127.1", "https://127.0.0.1:9/"));
    assert!(!is("hooks.internal", "https://hooks.internal.example.com/") && !is("a:443", "https://a:444/"));
    for wrong in ["", "https://a", "a/b", "user@a", "a?b", "a:port", "*.internal", "a b"] {
        assert!(wrong.parse::<AllowedHost>().is_err(), "{wrong:?}");
    }
}

#[test]
fn addresses_that_would_be_told_in_the_clear_or_to_the_wrong_one_are_refused() {
    for wrong in ["http://a/", "ftp://a/", "https://user@a/", "https://user:pw@a/", "https://a/#b", "a", "//a/", ""] {
        assert!(matches!(url(wrong), Err(StepFailure::Refused(_))), "{wrong:?}");
    }
    assert!(url("https://a:8443/b?c=d").is_ok());
}
