use super::*;

const GOOD: &str = "
audience: watchgate
keyFile: /keys/phantom.pem
providers:
  - name: idp
    issuer: https://idp.example.com
    audiences: [watchgate]
    auth: {method: client_secret_basic, clientId: gw, secretFile: /keys/idp.secret}
  - name: other-1
    issuer: other
    introspectionEndpoint: https://other.example.com/introspect
    audiences: [watchgate, b]
    audienceOptional: true
    subjectFromClientId: true
    auth: {method: private_key_jwt, clientId: gw, keyFile: /keys/other.pem, alg: ES256}
    caFile: /keys/ca.pem
    allowedNetworks: [127.0.0.0/8]
    maxConcurrent: 4
    perSourcePerMinute: 7
";

fn mistakes(text: &str) -> Vec<(Option<u64>, String, String)> {
    let found = Settings::read(text).unwrap_err();
    found.into_iter().map(|found| (found.line, found.mistake.place, found.mistake.what)).collect()
}

#[test]
fn a_good_file_is_read_with_what_it_leaves_out() {
    let settings = Settings::read(GOOD).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8087");
    assert_eq!((settings.terms.issuer.as_str(), settings.terms.ttl_seconds), ("urn:watchgate:exchange", 60));
    let [idp, other] = &settings.providers[..] else { panic!("two providers") };
    assert_eq!((idp.max_concurrent, idp.per_source_per_minute), (32, 60));
    assert!(idp.introspection_endpoint.is_none() && !idp.expected.audience_optional);
    assert!(!idp.expected.subject_from_client_id && other.expected.subject_from_client_id);
    assert_eq!((other.max_concurrent, other.per_source_per_minute), (4, 7));
    assert!(other.expected.audience_optional && other.allowed_networks.len() == 1);
    assert_eq!(other.introspection_endpoint.as_ref().unwrap().as_str(), "https://other.example.com/introspect");
}

#[test]
fn the_shipped_file_has_no_mistake_whichever_of_its_lines_are_used() {
    let shipped = include_str!("../../../../traefik-config/exchange.yml");
    let auth = shipped.lines().find(|line| line.starts_with("    auth:")).unwrap();
    let others: Vec<_> = shipped.lines().filter(|line| line.starts_with("    # auth:")).collect();
    assert_eq!(others.len(), 2);
    assert!(Settings::read(shipped).is_ok());
    for other in others {
        let mut used = shipped.replace(auth, &other.replace("# ", ""));
        for key in ["introspectionEndpoint", "caFile", "allowedNetworks"] {
            used = used.replace(&format!("# {key}:"), &format!("{key}:"));
        }
        let settings = Settings::read(&used).unwrap();
        assert_eq!((settings.providers[0].allowed_networks.len(), settings.providers[0].max_concurrent), (1, 32));
    }
}

#[test]
fn every_mistake_is_found_at_once_with_its_line() {
    let text = "
listen: 8087
keyfile: /keys/phantom.pem
ttlSeconds: 301
providers:
  - name: Idp/1
    issuer: idp
    audience: watchgate
    audienceOptional: 'yes'
    subjectFromClientId: 1
    auth: {method: client_secret_basic, clientId: gw, secret: hunter2}
    allowedNetworks: [127.0.0.0/99]
    maxConcurrent: 0
  - name: b
    issuer: https://b.example.com
    audiences: [watchgate, 7]
    auth: {method: none, clientId: gw}
";
    let mut places: Vec<_> =
        mistakes(text).into_iter().map(|(line, place, _)| (line.unwrap_or_default(), place)).collect();
    places.sort();
    let expected = [
        (2, "audience"),
        (2, "keyFile"),
        (2, "listen"),
        (3, "keyfile"),
        (4, "ttlSeconds"),
        (6, "providers[0].audiences"),
        (6, "providers[0].name"),
        (7, "providers[0].issuer"),
        (8, "providers[0].audience"),
        (9, "providers[0].audienceOptional"),
        (10, "providers[0].subjectFromClientId"),
        (11, "providers[0].auth.secret"),
        (11, "providers[0].auth.secretFile"),
        (12, "providers[0].allowedNetworks[0]"),
        (13, "providers[0].maxConcurrent"),
        (16, "providers[1].audiences[1]"),
        (17, "providers[1].auth.method"),
    ];
    assert_eq!(places, expected.map(|(line, place)| (line, place.to_owned())));
}

#[test]
fn a_name_stands_for_one_provider() {
    assert_eq!(mistakes(&GOOD.replace("other-1", "idp"))[0].1, "providers[1].name");
}

#[test]
fn a_file_that_is_none_says_so() {
    assert_eq!(mistakes("a: [").len(), 1);
    assert!(!mistakes("").is_empty());
    assert!(!mistakes("[]").is_empty());
}

#[test]
fn nothing_that_is_shown_of_the_settings_is_a_secret() {
    let shown = format!("{:?}", Settings::read(GOOD).unwrap());
    assert!(shown.contains("/keys/idp.secret"), "files are named, and nothing else is known of them");
}
