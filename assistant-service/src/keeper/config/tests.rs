use super::*;

const WHOLE: &str = "
trust: /t
gate: /g
host: gw-1
severalHosts: true
service: {url: 'https://localhost:8085', audience: assistant-service, caFile: ca.pem, clientCert: c.pem, clientKey: k.pem, maxSilenceSeconds: 30}
gateKeys: {rotateHours: 168}
transactionKeys:
  - {audience: assistant-service, file: /s/transaction.keys}
issuers:
  - issuer: https://idp.example.com
    file: jwks/idp.json
  - {issuer: 'urn:mine', file: jwks/mine.json, jwksUri: 'http://127.0.0.1:1/jwks', maxAgeHours: 2, allowedNetworks: [127.0.0.0/8]}
";

#[test]
fn every_key_is_read() {
    let config = read(WHOLE).unwrap();
    assert_eq!((config.trust.to_str(), config.gate.to_str()), (Some("/t"), Some("/g")));
    assert_eq!(config.host.as_deref(), Some("gw-1"));
    let service = config.service.unwrap();
    assert_eq!((service.max_silence.as_secs(), service.client.is_some()), (30, true));
    assert_eq!(config.rotate_after, Some(hours(168)));
    assert_eq!(config.transaction_keys, [("assistant-service".to_owned(), PathBuf::from("/s/transaction.keys"))]);
    assert_eq!((config.issuers[0].max_age, config.issuers[1].max_age), (hours(24), hours(2)));
    assert_eq!(config.issuers[1].allowed_networks.len(), 1);
}

#[test]
fn a_name_is_told_to_the_gate_only_where_there_are_several_hosts() {
    assert_eq!(read("{trust: t, gate: g, host: gw-1}").unwrap().host, None);
}

#[test]
fn every_mistake_has_its_line_and_place() {
    let text = "
trust: 7
severalHosts: true
colour: red
service:
  url: ftp://x
  clientCert: c.pem
gateKeys: {rotateHours: 0}
transactionKeys: [{audience: a}]
issuers:
  - issuer: idp.example.com
    file: ../head
  - issuer: https://a.example/?x=1
    file: gate.key
    maxAgeHours: 9999
    allowedNetworks: [localhost]
  - {issuer: 'https://b.example', file: jwks/a.json, jwksUri: 'https://u:p@b.example'}
  - {issuer: 'https://b.example', file: jwks/a.json}
";
    let mut found: Vec<_> =
        read(text).unwrap_err().into_iter().map(|found| (found.line.unwrap_or(0), found.mistake.place)).collect();
    found.sort();
    let expected = [
        (2, "gate"),
        (2, "host"),
        (2, "trust"),
        (4, "colour"),
        (6, "service"),
        (6, "service.url"),
        (8, "gateKeys.rotateHours"),
        (9, "transactionKeys[0].file"),
        (11, "issuers[0].issuer"),
        (12, "issuers[0].file"),
        (13, "issuers[1].issuer"),
        (14, "issuers[1].file"),
        (15, "issuers[1].maxAgeHours"),
        (16, "issuers[1].allowedNetworks[0]"),
        (17, "issuers[2].jwksUri"),
        (18, "issuers[3].file"),
        (18, "issuers[3].issuer"),
    ];
    let found: Vec<_> = found.iter().map(|(line, place)| (*line, place.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_is_no_yaml_says_where() {
    let mistakes = read("trust: [\n").unwrap_err();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].line.is_some());
}

#[test]
fn a_file_of_keys_lies_below_the_trust_directory_and_is_none_of_its_others() {
    for good in ["jwks/idp.json", "idp.json", "jwks/a/b-c_d.e.json"] {
        assert!(is_key_set_file(good), "{good}");
    }
    for bad in [
        "/jwks/idp.json",
        "../idp.json",
        "jwks/../idp.json",
        ".keeper/state.json",
        "jwks//a.json",
        "./a.json",
        "head",
        "gate.key",
        "jwks/",
        ".json",
    ] {
        assert!(!is_key_set_file(bad), "{bad}");
    }
}
