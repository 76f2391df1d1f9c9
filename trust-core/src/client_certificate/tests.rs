use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;
use crate::request::RawRequest;

const DER: &[u8] = b"the leaf";

fn thumbprint(der: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(der))
}

fn request(name: &str, values: &[&str]) -> RawRequest {
    RawRequest {
        method: b"GET".to_vec(),
        target: b"/".to_vec(),
        host: b"a".to_vec(),
        source_address: Vec::new(),
        headers: vec![(name.into(), values.iter().map(|value| value.as_bytes().to_vec()).collect())],
    }
}

#[test]
fn a_bound_token_needs_its_certificate_on_every_request() {
    let bound = Binding::of(Some(&json!({"x5t#S256": thumbprint(DER)})));
    let leaf = BASE64_STANDARD.encode(DER);
    let other = BASE64_STANDARD.encode(b"another");
    let check = |certificates: ClientCertificates, binding: &Binding, raw: &RawRequest| {
        certificates.check(binding, &RequestFacts::read(raw).unwrap())
    };
    let trusted = |raw: &RawRequest| check(ClientCertificates::Trusted, &bound, raw);
    for shown in [leaf.clone(), format!("{leaf},{other}")] {
        assert_eq!(trusted(&request("X-Forwarded-Tls-Client-Cert", &[&shown])), Ok(()), "{shown}");
    }
    for (name, values) in [
        ("X-Forwarded-Tls-Client-Cert", &[][..]),
        ("X-Forwarded-Tls-Client-Cert", &[""]),
        ("X-Forwarded-Tls-Client-Cert", &[&other]),
        ("X-Forwarded-Tls-Client-Cert", &[&format!("{other},{leaf}")]),
        ("X-Forwarded-Tls-Client-Cert", &[&leaf, &leaf]),
        ("X-Forwarded-Tls-Client-Cert", &["***"]),
        ("X_Forwarded_Tls_Client_Cert", &[&leaf]),
        ("X-Forwarded-Tls-Client-Cert-Info", &[&leaf]),
    ] {
        assert_eq!(trusted(&request(name, values)), Err(InvalidToken::Bound), "{name}: {values:?}");
    }
    let forged = request("X-Forwarded-Tls-Client-Cert", &[&leaf]);
    assert_eq!(check(ClientCertificates::Untrusted, &bound, &forged), Err(InvalidToken::Bound));
    let to_null = Binding::of(Some(&serde_json::Value::Null));
    assert_eq!(check(ClientCertificates::Trusted, &to_null, &forged), Err(InvalidToken::Bound), "null is no absence");
}

#[test]
fn a_clients_own_header_goes_no_further() {
    for (spelled, folded) in [
        ("X-Forwarded-Tls-Client-Cert", HEADER),
        ("X_Forwarded_Tls_Client_Cert", HEADER),
        ("x-forwarded-tls-client-cert-info", INFO_HEADER),
    ] {
        assert!(ClientCertificates::Untrusted.are_forged_in(spelled, folded), "{spelled}");
        let is_traefiks = !spelled.contains('_');
        assert_eq!(ClientCertificates::Trusted.are_forged_in(spelled, folded), !is_traefiks, "{spelled}");
    }
    assert!(!ClientCertificates::Untrusted.are_forged_in("X-Forwarded-For", "x-forwarded-for"));
}
