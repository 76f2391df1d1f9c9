use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;
use crate::claims::record::ClaimRecord;
use crate::claims::selection::ClaimSelection;
use crate::request::RawRequest;
use crate::time::UnixSeconds;

const DER: &[u8] = b"the leaf";

fn thumbprint(der: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(der))
}

fn claims(confirmation: &Value) -> VerifiedClaims {
    let all = json!({"sub": "console-7", "cnf": confirmation});
    let record = ClaimRecord::of(all.as_object().unwrap(), &ClaimSelection::default()).unwrap();
    VerifiedClaims::new("https://idp.example.com", UnixSeconds(1), record)
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
fn a_confirmation_is_read_as_the_rfc_writes_it() {
    // RFC 8705, section 3.1.
    let example = json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"});
    assert!(matches!(Binding::of(Some(&example)), Binding::Certificate([0x6f, 0x07, 0x0a, 0xd1, ..])));
    assert_eq!(Binding::of(None), Binding::Unbound);
    for unknown in [
        json!({}),
        json!(null),
        json!("x5t#S256"),
        json!([example]),
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": thumbprint(DER), "jkt": "a"}),
        json!({"x5t#S256": 7}),
        json!({"x5t#S256": ""}),
        json!({"x5t#S256": format!("{}=", thumbprint(DER))}),
        json!({"x5t#S256": BASE64_STANDARD.encode([255; 32])}),
        json!({"x5t#s256": thumbprint(DER)}),
    ] {
        assert_eq!(Binding::of(Some(&unknown)), Binding::Unknown, "{unknown}");
    }
}

#[test]
fn a_bound_token_needs_its_certificate_on_every_request() {
    let bound = claims(&json!({"x5t#S256": thumbprint(DER)}));
    let leaf = BASE64_STANDARD.encode(DER);
    let other = BASE64_STANDARD.encode(b"another");
    let check = |certificates: ClientCertificates, claims: &VerifiedClaims, raw: &RawRequest| {
        certificates.check(claims, &RequestFacts::read(raw).unwrap())
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
    let unbound = claims(&Value::Null);
    assert_eq!(check(ClientCertificates::Trusted, &unbound, &forged), Err(InvalidToken::Bound), "null is no absence");
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
