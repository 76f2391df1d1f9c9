//! `watchgate keeper` and `watchgate serve`: both programs, one host or two, a service that goes silent.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test ends where it cannot go on, and counts small numbers"
)]

mod keeper_stage;
mod program;
mod provider;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keeper_stage::{Stage, issuer_lines, key_set, kid_of, until, when};
use program::watchgate;
use provider::{Answer, Provider, http};
use trust_core::gate_key::GateKeys;
use trust_core::transaction_token::{RequesterContext, TransactionClaims, TransactionContext, answer_seal};

/// The service, and the folder with its store and the first gate's key.
struct Service {
    folder: tempfile::TempDir,
    address: String,
    child: Child,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.end();
    }
}

impl Service {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        assert_eq!(watchgate(&["keys", "gate", "--trust", &path("trust")]).code, 0);
        let out = path("transaction.keys");
        let drawn =
            ["keys", "transaction", "--trust", &path("trust"), "--audience", "assistant-service", "--out", &out];
        assert_eq!(watchgate(&drawn).code, 0);
        let (child, address) = serve(folder.path(), "127.0.0.1:0", &[]);
        Self { folder, address, child }
    }

    fn end(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn start_again(&mut self) {
        (self.child, _) = serve(self.folder.path(), &self.address, &[]);
    }

    fn transaction_keys(&self) -> PathBuf {
        self.folder.path().join("transaction.keys")
    }

    /// A keeper with this service and these further lines, and with the first gate's key.
    fn keeper(&self, lines: &str) -> Stage {
        let mut stage =
            Stage::new(&format!("service: {{url: 'http://{}', maxSilenceSeconds: 10}}\n{lines}", self.address));
        fs::copy(self.folder.path().join("trust/gate.key"), stage.path("trust/gate.key")).unwrap();
        stage.start();
        stage
    }

    /// Revokes as a caller whom the gate has let in; 200 says that it is committed.
    fn revoke(&self, form: &str) {
        let keys = GateKeys::from_json(&fs::read(self.folder.path().join("trust/gate.key")).unwrap()).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let target = "/v1/revocations";
        let claims = TransactionClaims {
            iss: "https://gw.example.com".to_owned(),
            aud: "assistant-service".to_owned(),
            iat: now,
            exp: now + 30,
            txn: "transaction-1".to_owned(),
            sub: Some("operator".to_owned()),
            scope: Some("revocations:write".to_owned()),
            tctx: TransactionContext {
                rule: "revocations".to_owned(),
                method: "POST".to_owned(),
                host: self.address.clone(),
                target: target.to_owned(),
                event_types: Vec::new(),
            },
            rctx: RequesterContext {
                iss: Some("https://idp.example.com".to_owned()),
                exp: Some(now + 600),
                ..RequesterContext::default()
            },
        };
        let token = claims.sign(&keys.transaction_keys("assistant-service")).unwrap();
        let mut connection = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\nTxn-Token: {token}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.address,
            form.len()
        );
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

fn serve(folder: &Path, listen: &str, tls: &[&str]) -> (Child, String) {
    let company = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company");
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchgate"));
    command.args(["serve", "--listen", listen]).args(tls);
    for (option, path) in [
        ("--data-dir", folder.join("data")),
        ("--documents", company.join("documents")),
        ("--runbooks", company.join("runbooks")),
        ("--transaction-keys", folder.join("transaction.keys")),
    ] {
        command.arg(option).arg(path);
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().rsplit('/').next().unwrap().to_owned();
    (child, address)
}

/// The table that the head names, when it is not `before`.
fn table(stage: &Stage, before: Option<u64>) -> (Vec<u8>, u64, Duration) {
    let (number, took) = until("a new table", || stage.head()?.revocations.filter(|number| Some(*number) != before));
    (stage.file(&format!("revocations-{number}")).unwrap(), number, took)
}

/// What a keeper's configuration says where there are several hosts.
const SEVERAL: &str = "host: gw-1\nseveralHosts: true";

fn current_kid(stage: &Stage) -> String {
    GateKeys::from_json(&stage.file("gate.key").unwrap()).unwrap().current_kid().to_owned()
}

#[test]
fn what_is_revoked_is_in_every_hosts_table_within_a_second() {
    let service = Service::new();
    let stages = [service.keeper(""), service.keeper("")];
    for stage in &stages {
        when("a head", || stage.head().is_some_and(|head| head.revocations.is_none()));
    }
    let mut before = [None, None];
    for round in 0..5 {
        service.revoke(&format!("iss=https://idp.example.com&sid=session-{round}"));
        for (stage, before) in stages.iter().zip(&mut before) {
            let (bytes, number, took) = table(stage, *before);
            assert!(bytes.starts_with(b"wgrevok1") && took < Duration::from_secs(1), "{took:?}");
            *before = Some(number);
        }
    }
}

#[test]
fn a_keeper_that_is_started_while_the_service_is_away_still_knows_what_is_revoked_but_not_for_long() {
    let mut service = Service::new();
    let mut stage = service.keeper("");
    service.revoke("iss=https://idp.example.com&jti=token-1");
    let (_, before, _) = table(&stage, None);
    service.end();
    stage.kill();
    stage.start();
    let (_, number, _) = table(&stage, Some(before));
    assert!(number > before);
    // Silence: the head is no longer renewed, and stays so.
    until("the last head", || {
        let sequence = stage.head()?.sequence;
        std::thread::sleep(Duration::from_millis(2500));
        (stage.head()?.sequence == sequence).then_some(())
    });
    // Starting the keeper again breaks no silence.
    let sequence = stage.head().unwrap().sequence;
    stage.kill();
    stage.start();
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(stage.head().unwrap().sequence, sequence);
    service.start_again();
    when("a new head", || stage.head().is_some_and(|head| head.sequence > sequence));
    assert!(stage.head().unwrap().revocations.is_some());
}

#[test]
fn a_keeper_that_has_never_heard_the_service_writes_no_head() {
    let mut service = Service::new();
    service.end();
    let stage = service.keeper("");
    when("the keeper is there", || stage.path("trust/.keeper/revocations.json").exists());
    std::thread::sleep(Duration::from_millis(2500));
    assert!(stage.head().is_none());
}

#[test]
fn a_service_that_talks_nonsense_is_as_good_as_silent() {
    let silent = Provider::http(|_, _| Answer::Bytes(Vec::new()));
    let stage = told_by(&silent);
    let key = stage.path("trust/gate.key");
    let body = br#"{"cursor":"1","complete":true,"revocations":[{"device":"d","keep_until":9000000000}],"gate_keys":null,"key_sets":[]}"#;
    silent.answer(move |_, request| sealed_by(&key, request, body));
    asked_twice_more(&silent);
    assert!(stage.head().is_none());
}

#[test]
fn whoever_has_the_services_port_is_not_heard_without_its_key() {
    let impostor = Provider::http(|_, _| Answer::Bytes(Vec::new()));
    let stage = told_by(&impostor);
    let other = tempfile::tempdir().unwrap();
    assert_eq!(watchgate(&["keys", "gate", "--trust", other.path().to_str().unwrap()]).code, 0);
    let (own, other) = (stage.path("trust/gate.key"), other.path().join("gate.key"));

    impostor.answer(|_, _| http("200 OK", &["Content-Type: application/json"], NOTHING_REVOKED));
    asked_twice_more(&impostor);
    impostor.answer(move |_, request| sealed_by(&other, request, NOTHING_REVOKED));
    asked_twice_more(&impostor);
    assert!(stage.head().is_none() && !stage.path("trust/.keeper/heard").exists(), "a stranger was believed");
    let once = std::sync::OnceLock::new();
    let key = own.clone();
    impostor.answer(move |_, request| once.get_or_init(|| sealed_by(&key, request, NOTHING_REVOKED)).clone());
    // The first of these was sealed for its own request; from then on it is an old one.
    when("a head", || stage.head().is_some());
    let heard = || fs::read(stage.path("trust/.keeper/heard")).unwrap();
    let before = heard();
    asked_twice_more(&impostor);
    assert_eq!(heard(), before, "an answer to another request was believed");
    impostor.answer(move |_, request| sealed_by(&own, request, NOTHING_REVOKED));
    when("the service is heard again", || heard() != before);
}

const NOTHING_REVOKED: &[u8] = br#"{"cursor":"1","complete":true,"revocations":[],"gate_keys":null,"key_sets":[]}"#;

/// A keeper that takes this for the service.
fn told_by(service: &Provider) -> Stage {
    let mut stage = Stage::new(&format!("service: {{url: 'http://{}'}}", service.address));
    assert_eq!(watchgate(&["keys", "gate", "--trust", stage.path("trust").to_str().unwrap()]).code, 0);
    stage.start();
    stage
}

/// What is answered with the gates' key in this file.
fn sealed_by(key: &Path, request: &str, body: &[u8]) -> Answer {
    let keys = GateKeys::from_json(&fs::read(key).unwrap()).unwrap().transaction_keys("assistant-service");
    // The keys of somebody else have other names: their holder seals with what he has.
    let token = request.lines().find_map(|line| line.strip_prefix("txn-token: ")).unwrap();
    let seal = answer_seal(&keys, token, 200, body).unwrap_or_else(|| "A".repeat(43));
    http("200 OK", &["Content-Type: application/json", &format!("Keeper-Answer: {seal}")], body)
}

fn asked_twice_more(service: &Provider) {
    // One may be under way with the answer of before.
    let before = service.seen().len();
    when("it has been asked again", || service.seen().len() >= before + 3);
}

#[test]
fn one_hosts_keys_are_the_other_hosts_too() {
    let service = Service::new();
    let provider = Provider::https(|_, _| http("200 OK", &[], &key_set("one", 0)));
    let away = Provider::https(|_, _| Answer::Bytes(Vec::new()));
    let mut keepers = Vec::new();
    for provider in [&provider, &away] {
        let stage = Stage::new("");
        let ca = stage.path("ca.pem");
        fs::write(&ca, &provider.ca_pem).unwrap();
        keepers.push(service.keeper(&format!("{SEVERAL}\nissuers:\n{}", issuer_lines(provider, &ca, "a"))));
        // The file of authorities must outlive the keeper's start.
        when("a head", || keepers.last().unwrap().head().is_some());
    }
    let other = &keepers[1];
    when("the keys", || other.file("jwks/a.json").is_some());
    assert_eq!(kid_of(&other.file("jwks/a.json").unwrap()), "one");
    when("the head", || other.head().unwrap().key_sets == keepers[0].head().unwrap().key_sets);
}

#[test]
fn a_rotated_gate_key_reaches_the_other_host_after_its_services_know_it() {
    let service = Service::new();
    let audience =
        format!("transactionKeys: [{{audience: assistant-service, file: {}}}]", service.transaction_keys().display());
    let other = service.keeper(SEVERAL);
    when("a head", || other.head().is_some());
    let first = current_kid(&other);
    // Its key is older than an hour, so it is rotated as soon as the keeper has heard of the service.
    let mut rotating = Stage::new(&format!(
        "service: {{url: 'http://{}'}}\ngateKeys: {{rotateHours: 1}}\n{audience}\n{SEVERAL}",
        service.address
    ));
    let key = rotating.path("trust/gate.key");
    fs::copy(service.folder.path().join("trust/gate.key"), &key).unwrap();
    let hours_ago = SystemTime::now() - Duration::from_secs(7200);
    fs::File::options().write(true).open(&key).unwrap().set_modified(hours_ago).unwrap();
    rotating.start();
    let kids = || String::from_utf8(fs::read(service.transaction_keys()).unwrap()).unwrap();
    let before = kids();
    when("the service's new keys", || kids() != before);
    assert_eq!(current_kid(&rotating), first, "no gate signs before the services have looked");
    when("the new key", || current_kid(&rotating) != first);
    when("the same on the other host", || current_kid(&other) == current_kid(&rotating));
    assert!(kids().contains(&current_kid(&rotating)) && kids().contains(&first));
    // The keepers still speak with the service.
    service.revoke("iss=https://idp.example.com&jti=after-the-rotation");
    table(&other, None);
    table(&rotating, None);
}

#[test]
fn a_gate_key_that_was_rotated_by_hand_goes_to_the_other_host_and_is_not_undone() {
    let service = Service::new();
    let audience =
        format!("transactionKeys: [{{audience: assistant-service, file: {}}}]", service.transaction_keys().display());
    let keepers = [service.keeper(&format!("{SEVERAL}\n{audience}")), service.keeper(SEVERAL)];
    for keeper in &keepers {
        when("the key is everybody's", || keeper.path("trust/.keeper/gate-key-shared").exists());
    }
    assert_eq!(watchgate(&["keys", "gate", "--trust", keepers[0].path("trust").to_str().unwrap()]).code, 0);
    let by_hand = current_kid(&keepers[0]);
    let is_shared = |stage: &Stage| stage.file(".keeper/gate-key-shared").unwrap() == by_hand.as_bytes();
    when("it is offered", || is_shared(&keepers[0]));
    when("the same on the other host", || is_shared(&keepers[1]) && current_kid(&keepers[1]) == by_hand);
    assert_eq!(current_kid(&keepers[0]), by_hand);
}

#[test]
fn a_host_that_stands_alone_gives_nobody_its_keys_and_takes_nobodys() {
    let service = Service::new();
    let provider = Provider::https(|_, _| http("200 OK", &[], &key_set("one", 0)));
    let ca = service.folder.path().join("ca.pem");
    fs::write(&ca, &provider.ca_pem).unwrap();
    let issuers = format!("issuers:\n{}", issuer_lines(&provider, &ca, "a"));
    let alone = service.keeper(&issuers);
    when("its keys", || alone.head().is_some() && alone.file("jwks/a.json").is_some());
    // Whatever it would share it would have shared by now: it looks each five seconds.
    let heard = || fs::read(alone.path("trust/.keeper/heard")).unwrap();
    let before = heard();
    when("the next words", || heard() != before);
    provider.answer(|_, _| Answer::Bytes(Vec::new()));
    let other = service.keeper(&format!("{SEVERAL}\n{issuers}"));
    when("its key is everybody's", || other.path("trust/.keeper/gate-key-shared").exists());
    assert!(other.file("jwks/a.json").is_none());
    assert!(!alone.path("trust/.keeper/gate-key-shared").exists());
}

#[test]
fn over_mutual_tls_too_and_with_certificates_that_are_replaced() {
    let mut service = Service::new();
    service.end();
    let tls = service.folder.path().join("tls");
    let path = |name: &str| tls.join(name).display().to_string();
    let make = || {
        let made =
            watchgate(&["keys", "tls", "--dir", &path(""), "--host", "localhost", "--client", "keeper", "--force"]);
        assert_eq!(made.code, 0, "{}", made.stderr);
    };
    make();
    let options = ["--tls-cert", &path("server.pem"), "--tls-key", &path("server.key"), "--client-ca", &path("ca.pem")];
    (service.child, service.address) = serve(service.folder.path(), "127.0.0.1:0", &options);
    let mut stage = Stage::new(&format!(
        "service: {{url: 'https://{}', caFile: {}, clientCert: {}, clientKey: {}, maxSilenceSeconds: 10}}",
        service.address,
        path("ca.pem"),
        path("keeper.pem"),
        path("keeper.key")
    ));
    fs::copy(service.folder.path().join("trust/gate.key"), stage.path("trust/gate.key")).unwrap();
    stage.start();
    when("a head", || stage.head().is_some());
    // Another authority and new certificates for both; the service is started again, the keeper is not.
    make();
    service.end();
    (service.child, _) = serve(service.folder.path(), &service.address, &options);
    let heard = || fs::read(stage.path("trust/.keeper/heard")).unwrap();
    let before = heard();
    when("the service is heard again", || heard() != before);
    // Without a certificate nobody is heard.
    let mut stranger =
        Stage::new(&format!("service: {{url: 'https://{}', caFile: {}}}", service.address, path("ca.pem")));
    fs::copy(service.folder.path().join("trust/gate.key"), stranger.path("trust/gate.key")).unwrap();
    stranger.start();
    when("the keeper is there", || stranger.path("trust/.keeper/revocations.json").exists());
    std::thread::sleep(Duration::from_millis(1500));
    assert!(stranger.head().is_none());
}
