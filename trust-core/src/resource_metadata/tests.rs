use serde_json::json;

use super::*;

fn origin(text: &str) -> Origin {
    Origin { text: text.to_owned(), authority: text.split_once("://").unwrap().1.to_owned() }
}

#[test]
fn the_answer_has_the_form_of_the_rfcs_example() {
    // RFC 9728, section 3.2, but for `body`: this gate takes no token from a body.
    let metadata = ResourceMetadata {
        authorization_servers: vec!["https://as1.example.com".into(), "https://as2.example.net".into()],
        scopes: vec!["profile".into(), "email".into(), "phone".into()],
        documentation: Some("https://resource.example.com/resource_documentation.html".into()),
        ..ResourceMetadata::default()
    };
    let answer = metadata.answer("https://resource.example.com");
    assert_eq!(answer.status, 200);
    assert!(answer.headers.contains(&("Content-Type", "application/json".to_owned())));
    assert_eq!(
        serde_json::from_str::<Value>(&answer.body).unwrap(),
        json!({
            "resource": "https://resource.example.com",
            "authorization_servers": ["https://as1.example.com", "https://as2.example.net"],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["profile", "email", "phone"],
            "resource_documentation": "https://resource.example.com/resource_documentation.html"
        })
    );
}

#[test]
fn members_without_values_are_left_out() {
    let metadata = ResourceMetadata { takes_client_certificates: true, ..ResourceMetadata::default() };
    assert_eq!(
        metadata.json("https://a.example"),
        json!({
            "resource": "https://a.example",
            "bearer_methods_supported": ["header"],
            "tls_client_certificate_bound_access_tokens": true
        })
    );
}

#[test]
fn the_resource_is_the_origin_as_the_client_named_it() {
    assert_eq!(resource(&origin("https://gw.example.com"), "gw.example.com"), "https://gw.example.com");
    assert_eq!(resource(&origin("https://gw.example.com"), "gw.example.com:8443"), "https://gw.example.com:8443");
    assert_eq!(resource(&origin("https://gw.example.com:8443"), "gw.example.com:8443"), "https://gw.example.com:8443");
    assert_eq!(
        url("https://resource.example.com"),
        "https://resource.example.com/.well-known/oauth-protected-resource"
    );
}
