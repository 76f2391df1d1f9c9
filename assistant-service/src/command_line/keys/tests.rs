use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use trust_core::gate_key::GateKeys;
use trust_core::time::UnixSeconds;
use trust_core::transaction_token::{RequesterContext, TransactionClaims, TransactionContext, TransactionKeys};

use super::*;

fn dev(dir: &Path, force: bool) -> Vec<(PathBuf, Written)> {
    make(KeysCommand::Dev(DevArguments {
        dir: dir.to_owned(),
        issuer: "https://issuer.watchgate.test".to_owned(),
        audience: "assistant-service".to_owned(),
        hosts: vec!["gate.example.com".to_owned()],
        force,
    }))
    .unwrap()
}

fn rotate(trust: &Path) -> serde_json::Value {
    make(KeysCommand::Gate(GateArguments { trust: trust.to_owned(), transactions: Vec::new() })).unwrap();
    serde_json::from_slice(&fs::read(trust.join("gate.key")).unwrap()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn private_files_belong_to_their_owner_alone_and_public_ones_are_readable() {
    let dir = tempfile::tempdir().unwrap();
    dev(dir.path(), false);
    for private in [
        "issuer/ed25519.pem",
        "issuer/rsa.pem",
        "issuer/issuer.json",
        "trust/gate.key",
        "service/transaction.keys",
        "tls/server.key",
        "tls/traefik.key",
    ] {
        assert_eq!(mode(&dir.path().join(private)), 0o600, "{private}");
    }
    for public in ["trust/jwks/dev.json", "tls/ca.pem", "tls/server.pem", "tls/traefik.pem"] {
        assert_eq!(mode(&dir.path().join(public)), 0o644, "{public}");
    }
    for private in ["issuer", "service", "gate"] {
        assert_eq!(mode(&dir.path().join(private)), 0o700, "{private}");
    }
    assert_eq!(fs::read_dir(dir.path().join("gate")).unwrap().count(), 0);
}

#[test]
fn the_folder_above_the_private_ones_stays_open() {
    let dir = tempfile::tempdir().unwrap();
    dev(&dir.path().join("all"), false);
    assert_eq!(mode(&dir.path().join("all")), 0o755);
}

#[test]
fn a_second_run_keeps_every_file_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let first = dev(dir.path(), false);
    assert!(first.iter().all(|(_, written)| *written == Written::Created));
    let before: Vec<Vec<u8>> = first.iter().map(|(path, _)| fs::read(path).unwrap()).collect();

    let second = dev(dir.path(), false);
    assert!(second.iter().all(|(_, written)| *written == Written::Kept), "{second:?}");
    let after: Vec<Vec<u8>> = first.iter().map(|(path, _)| fs::read(path).unwrap()).collect();
    assert_eq!(before, after);
}

#[test]
fn force_replaces_every_file() {
    let dir = tempfile::tempdir().unwrap();
    let first = dev(dir.path(), false);
    let before: Vec<Vec<u8>> = first.iter().map(|(path, _)| fs::read(path).unwrap()).collect();
    let second = dev(dir.path(), true);
    assert!(second.iter().all(|(_, written)| *written == Written::Replaced), "{second:?}");
    for ((path, _), before) in first.iter().zip(before) {
        assert_ne!(fs::read(path).unwrap(), before, "{}", path.display());
    }
}

#[test]
fn a_lost_signing_key_renews_the_public_set() {
    let dir = tempfile::tempdir().unwrap();
    dev(dir.path(), false);
    let jwks = dir.path().join("trust/jwks/dev.json");
    let before = fs::read(&jwks).unwrap();
    fs::remove_file(dir.path().join("issuer/ed25519.pem")).unwrap();
    let written = dev(dir.path(), false);
    assert_ne!(fs::read(&jwks).unwrap(), before);
    assert!(written.contains(&(jwks, Written::Replaced)));
    assert!(written.contains(&(dir.path().join("issuer/rsa.pem"), Written::Kept)));
}

#[test]
fn the_public_set_holds_public_members_only() {
    let dir = tempfile::tempdir().unwrap();
    dev(dir.path(), false);
    let set: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.path().join("trust/jwks/dev.json")).unwrap()).unwrap();
    let keys = set["keys"].as_array().unwrap();
    let members = |key: &serde_json::Value| key.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys.len(), 2);
    assert_eq!(members(&keys[0]), ["alg", "crv", "kid", "kty", "use", "x"]);
    assert_eq!(members(&keys[1]), ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(
        (&keys[0]["alg"], &keys[0]["kty"], &keys[0]["crv"]),
        (&"EdDSA".into(), &"OKP".into(), &"Ed25519".into())
    );
    assert_eq!((&keys[1]["alg"], &keys[1]["kty"], &keys[1]["use"]), (&"RS256".into(), &"RSA".into(), &"sig".into()));
}

#[test]
fn rotation_keeps_exactly_one_previous_secret() {
    let dir = tempfile::tempdir().unwrap();
    let first = rotate(dir.path());
    let second = rotate(dir.path());
    let third = rotate(dir.path());
    let text = |value: &serde_json::Value| value.to_string();
    let kid = |value: &serde_json::Value| value["keys"][0]["kid"].as_str().unwrap().to_owned();
    assert!(text(&second).contains(&kid(&first)));
    assert!(text(&third).contains(&kid(&second)) && !text(&third).contains(&kid(&first)));
    assert_eq!(mode(&dir.path().join("gate.key")), 0o600);
}

#[test]
fn transaction_keys_are_those_that_the_gate_draws() {
    let dir = tempfile::tempdir().unwrap();
    rotate(dir.path());
    let out = dir.path().join("made/transaction.keys");
    make(KeysCommand::Transaction(TransactionArguments {
        trust: dir.path().to_owned(),
        audience: "reports".to_owned(),
        out: out.clone(),
    }))
    .unwrap();
    let gate = GateKeys::from_json(&fs::read(dir.path().join("gate.key")).unwrap()).unwrap();
    let written = fs::read(&out).unwrap();
    assert_eq!(TransactionKeys::from_json(&written).unwrap().audience(), "reports");
    assert_eq!(written, gate.transaction_keys("reports").to_json().as_bytes());
    assert_eq!(mode(&out), 0o600);
}

fn token(gate_key: &[u8], audience: &str) -> String {
    let claims = TransactionClaims {
        iss: "watchgate".to_owned(),
        aud: audience.to_owned(),
        iat: 1_000,
        exp: 1_030,
        txn: "transaction-1".to_owned(),
        sub: None,
        scope: None,
        tctx: TransactionContext {
            rule: "test".to_owned(),
            method: "GET".to_owned(),
            host: "localhost".to_owned(),
            target: "/".to_owned(),
            event_types: Vec::new(),
        },
        rctx: RequesterContext::default(),
    };
    claims.sign(&GateKeys::from_json(gate_key).unwrap().transaction_keys(audience)).unwrap()
}

#[test]
fn services_know_the_new_secret_before_the_gate_signs_with_it() {
    let dir = tempfile::tempdir().unwrap();
    rotate(dir.path());
    let gate_key = dir.path().join("gate.key");
    let old = fs::read(&gate_key).unwrap();
    let file = |audience: &str| dir.path().join(format!("{audience}.keys"));
    let transactions = ["reports", "invoices"].map(|audience| (audience.to_owned(), file(audience))).to_vec();
    let rotation = KeysCommand::Gate(GateArguments { trust: dir.path().to_owned(), transactions });
    let rotating = std::thread::spawn(|| make(rotation).unwrap());
    while !file("invoices").exists() {
        assert!(!rotating.is_finished());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(fs::read(&gate_key).unwrap(), old);

    assert_eq!(rotating.join().unwrap().len(), 3);
    let new = fs::read(&gate_key).unwrap();
    assert_ne!(new, old);
    for audience in ["reports", "invoices"] {
        let keys = TransactionKeys::from_json(&fs::read(file(audience)).unwrap()).unwrap();
        for gate_key in [&old, &new] {
            TransactionClaims::verify(&token(gate_key, audience), &keys, UnixSeconds(1_010)).unwrap();
        }
    }
}

#[test]
fn a_rotation_that_leaves_services_behind_says_what_to_run() {
    let dir = tempfile::tempdir().unwrap();
    let gate = |transactions| KeysCommand::Gate(GateArguments { trust: dir.path().to_owned(), transactions });
    assert_eq!(advice(&gate(Vec::new())), None);
    rotate(dir.path());
    let advised = advice(&gate(Vec::new())).unwrap();
    assert!(advised.contains("watchgate keys transaction --trust") && advised.lines().count() == 1, "{advised}");
    assert_eq!(advice(&gate(vec![("reports".to_owned(), dir.path().join("reports.keys"))])), None);
}

#[test]
fn an_audience_and_its_file_are_both_given() {
    assert_eq!(parse_transaction("reports=a=b"), Ok(("reports".to_owned(), PathBuf::from("a=b"))));
    for half in ["reports", "reports=", "=file", ""] {
        assert!(parse_transaction(half).is_err(), "{half}");
    }
}

#[test]
fn transaction_keys_without_a_gate_key_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("transaction.keys");
    let refused = gate::write_transaction_keys(dir.path(), "reports", &out).unwrap_err();
    assert!(refused.to_string().contains("watchgate keys gate --trust"), "{refused}");
    assert!(!out.exists());
}

#[test]
fn half_a_certificate_is_not_mixed_with_another() {
    let dir = tempfile::tempdir().unwrap();
    let make = |clients: &[&str], overwrite| {
        let clients: Vec<_> = clients.iter().map(|&client| client.to_owned()).collect();
        tls::make(&KeyFolder::public(dir.path()).unwrap(), &["gate.example.com".to_owned()], &clients, overwrite)
    };
    assert_eq!(make(&["traefik"], Overwrite::Keep).unwrap().len(), 5);
    fs::remove_file(dir.path().join("server.key")).unwrap();
    for clients in [&["traefik"][..], &["traefik", "keeper"]] {
        let refused = make(clients, Overwrite::Keep).unwrap_err();
        assert!(refused.to_string().contains("--force"), "{refused}");
        assert!(!dir.path().join("server.key").exists() && !dir.path().join("keeper.key").exists());
    }
    assert_eq!(make(&["traefik", "keeper"], Overwrite::Replace).unwrap().len(), 7);
}

#[test]
fn a_client_is_not_named_like_a_file_that_means_something_else() {
    for good in ["traefik", "gw-1.example.com", "Keeper_2"] {
        assert_eq!(tls::parse_client(good), Ok(good.to_owned()));
    }
    for bad in ["", "ca", "server", "../x", ".new", "a b", &"n".repeat(65)] {
        assert!(tls::parse_client(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_link_in_the_place_of_a_key_is_replaced_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = dir.path().join("elsewhere");
    fs::write(&elsewhere, "untouched").unwrap();
    std::os::unix::fs::symlink(&elsewhere, dir.path().join("secret")).unwrap();
    let folder = KeyFolder::public(dir.path()).unwrap();
    let (_, kept) = folder.write("secret", b"new", key_file::Readers::Owner, Overwrite::Keep).unwrap();
    assert_eq!(kept, Written::Kept);
    folder.write("secret", b"new", key_file::Readers::Owner, Overwrite::Replace).unwrap();
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "untouched");
    assert_eq!(fs::read_to_string(dir.path().join("secret")).unwrap(), "new");
}

#[test]
fn keys_of_another_issuer_are_not_taken_for_ours() {
    let dir = tempfile::tempdir().unwrap();
    let named = |issuer: &str, force: bool| {
        make(KeysCommand::Dev(DevArguments {
            dir: dir.path().to_owned(),
            issuer: issuer.to_owned(),
            audience: "assistant-service".to_owned(),
            hosts: vec!["gate.example.com".to_owned()],
            force,
        }))
    };
    named("https://one.example.com", false).unwrap();
    named("https://one.example.com", false).unwrap();
    let refused = named("https://other.example.com", false).unwrap_err().to_string();
    assert!(refused.contains("https://one.example.com") && refused.contains("--force"), "{refused}");
    named("https://other.example.com", true).unwrap();
    assert_eq!(read_issuer(&dir.path().join("issuer")).unwrap().issuer, "https://other.example.com");
}

#[test]
fn a_new_key_of_the_exchange_is_known_before_it_signs_and_the_one_before_it_stays_known() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, trust) = (dir.path().join("exchange"), dir.path().join("trust"));
    let rotate = || {
        let arguments = ExchangeArguments { dir: keys.clone(), trust: trust.clone() };
        let order: Vec<_> = make(KeysCommand::Exchange(arguments)).unwrap().into_iter().map(|(path, _)| path).collect();
        assert_eq!(order, [trust.join("jwks/exchange.json"), keys.join("phantom.pem")]);
        let set = fs::read(trust.join("jwks/exchange.json")).unwrap();
        let set: serde_json::Value = serde_json::from_slice(&set).unwrap();
        set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let signing = || {
        let key = read_signing_key(&keys.join("phantom.pem"), jsonwebtoken::Algorithm::EdDSA).unwrap();
        public_jwk(&key, jsonwebtoken::Algorithm::EdDSA).unwrap().common.key_id.unwrap()
    };

    let first = rotate();
    assert_eq!(first, [signing()]);
    let second = rotate();
    assert_eq!(second, [signing(), first[0].clone()]);
    let third = rotate();
    assert_eq!(third, [signing(), second[0].clone()]);
    assert_eq!((mode(&keys), mode(&keys.join("phantom.pem"))), (0o700, 0o600));
    assert_eq!(mode(&trust.join("jwks/exchange.json")), 0o644);
}

#[test]
fn a_new_key_of_sessions_leaves_the_secret_of_their_handles_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, trust) = (dir.path().join("sessions"), dir.path().join("trust"));
    let rotate = || {
        let arguments = SessionsArguments { dir: keys.clone(), trust: trust.clone() };
        let made = make(KeysCommand::Sessions(arguments)).unwrap();
        let paths: Vec<_> = made.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(paths, [trust.join("jwks/sessions.json"), keys.join("sessions.pem"), keys.join("handle.key")]);
        (fs::read(keys.join("handle.key")).unwrap(), fs::read(keys.join("sessions.pem")).unwrap())
    };
    let (first, second) = (rotate(), rotate());
    assert_eq!(first.0.len(), 32);
    assert_eq!(first.0, second.0);
    assert_ne!(first.1, second.1);
    let set: serde_json::Value = serde_json::from_slice(&fs::read(trust.join("jwks/sessions.json")).unwrap()).unwrap();
    assert_eq!(set["keys"].as_array().unwrap().len(), 2);
    for private in ["handle.key", "sessions.pem"] {
        assert_eq!(mode(&keys.join(private)), 0o600, "{private}");
    }
}
