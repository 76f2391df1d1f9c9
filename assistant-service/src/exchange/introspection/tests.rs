use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;

fn expected() -> Expected {
    let audiences = vec!["watchgate".to_owned(), "https://gw.example.com".to_owned()];
    Expected {
        issuer: "https://idp.example.com".to_owned(),
        audiences,
        audience_optional: false,
        subject_from_client_id: false,
    }
}

/// A good answer with other members in place of some; `null` takes one away.
fn answer(changes: Value) -> Value {
    let mut answer = json!({
        "active": true, "sub": "anna", "client_id": "console", "scope": "events:read", "aud": "watchgate",
        "iss": "https://idp.example.com", "exp": NOW + 600, "iat": NOW - 5, "token_type": "Bearer", "jti": "t-1",
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            answer.as_object_mut().unwrap().remove(name);
        } else {
            answer[name] = value.clone();
        }
    }
    answer
}

fn judged(changes: Value) -> Result<ActiveToken, Judgement> {
    judge(answer(changes).to_string().as_bytes(), &expected(), NOW)
}

#[test]
fn a_good_answer_gives_all_that_the_phantom_shall_say() {
    let sender = json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"});
    let token = judged(json!({
        "nbf": NOW, "cnf": sender, "sid": "s-1", "auth_time": NOW - 9, "acr": "mfa", "amr": ["otp"], "tier": {"a": [1, 2.5]},
        "origin": {"iss": "https://somebody.else"}
    }))
    .unwrap();
    assert_eq!(token.expires_at(), Some(NOW + 600));
    assert_eq!(token.scheme(), Scheme::Bearer);
    assert_eq!(
        Value::Object(token.into_claims()),
        json!({
            "sub": "anna", "client_id": "console", "scope": "events:read", "iat": NOW - 5, "jti": "t-1", "cnf": sender,
            "sid": "s-1", "auth_time": NOW - 9, "acr": "mfa", "amr": ["otp"], "tier": {"a": [1, 2.5]},
        })
    );
}

#[test]
fn what_is_optional_may_be_missing() {
    let token = judged(json!({"exp": null, "iat": null, "iss": null, "token_type": null})).unwrap();
    assert_eq!(token.expires_at(), None);
}

#[test]
fn a_client_that_speaks_for_itself_is_somebody_only_where_that_is_said() {
    let nobody = [json!({"sub": null}), json!({"sub": ""})];
    for changes in &nobody {
        assert_eq!(judged(changes.clone()), Err(NotGood::OfAClient.into()), "{changes}");
    }
    let named = Expected { subject_from_client_id: true, ..expected() };
    for changes in nobody {
        let token = judge(answer(changes).to_string().as_bytes(), &named, NOW).unwrap();
        assert_eq!(token.into_claims().get("sub"), Some(&json!("console")));
    }
    let token = judge(answer(json!({})).to_string().as_bytes(), &named, NOW).unwrap();
    assert_eq!(token.into_claims().get("sub"), Some(&json!("anna")), "a user is never called like his client");
}

#[test]
fn a_token_that_is_not_good_is_told_from_a_broken_answer() {
    for (changes, reason) in [
        (json!({"active": false}), NotGood::Inactive),
        (json!({"exp": NOW}), NotGood::Expired),
        (json!({"exp": NOW as f64 + 0.9}), NotGood::Expired),
        (json!({"exp": -1}), NotGood::Expired),
        (json!({"nbf": NOW + 31}), NotGood::NotYetValid),
        (json!({"iss": "https://idp.example.com/"}), NotGood::OtherIssuer),
        (json!({"iss": ""}), NotGood::OtherIssuer),
        (json!({"aud": "watchgate2"}), NotGood::OtherAudience),
        (json!({"aud": ["a", "b"]}), NotGood::OtherAudience),
        (json!({"aud": []}), NotGood::OtherAudience),
        (json!({"aud": null}), NotGood::OtherAudience),
        (json!({"token_type": "refresh_token"}), NotGood::NotAnAccessToken),
        (json!({"token_type": ""}), NotGood::NotAnAccessToken),
        (json!({"token_type": "DPoP"}), NotGood::Unbound),
    ] {
        assert_eq!(judged(changes.clone()), Err(reason.into()), "{changes}");
    }
}

#[test]
fn a_broken_answer_is_nobodys_verdict() {
    for (changes, reason) in [
        (json!({"active": "true"}), InvalidAnswer::Active),
        (json!({"active": 1}), InvalidAnswer::Active),
        (json!({"active": null}), InvalidAnswer::Active),
        (json!({"exp": "1900000000"}), InvalidAnswer::Member("exp")),
        (json!({"nbf": [NOW]}), InvalidAnswer::Member("nbf")),
        (json!({"iat": "now"}), InvalidAnswer::Member("iat")),
        (json!({"iss": 7}), InvalidAnswer::Member("iss")),
        (json!({"aud": {"a": 1}}), InvalidAnswer::Member("aud")),
        (json!({"aud": ["watchgate", 7]}), InvalidAnswer::Member("aud")),
        (json!({"sub": 7}), InvalidAnswer::Member("sub")),
        (json!({"jti": 7}), InvalidAnswer::Member("jti")),
        (json!({"sid": ["s"]}), InvalidAnswer::Member("sid")),
        (json!({"scope": ["a"]}), InvalidAnswer::Member("scope")),
        (json!({"token_type": true}), InvalidAnswer::Member("token_type")),
        (json!({"cnf": "x"}), InvalidAnswer::Member("cnf")),
        (json!({"cnf": {"jkt": 7}}), InvalidAnswer::Member("cnf")),
        (json!({"sub": "", "client_id": null}), InvalidAnswer::NoSubject),
        (json!({"note": "x".repeat(MAX_CLAIMS_BYTES)}), InvalidAnswer::TooMuch),
    ] {
        let place = changes.to_string().chars().take(60).collect::<String>();
        assert_eq!(judged(changes), Err(reason.into()), "{place}");
    }
    for body in ["", "[true]", "\"active\"", "{\"active\":true", "<html>", "{\"active\":true}}"] {
        assert_eq!(judge(body.as_bytes(), &expected(), NOW), Err(InvalidAnswer::NotAnObject.into()), "{body}");
    }
}

#[test]
fn the_key_that_a_token_is_bound_to_decides_how_it_is_presented() {
    let bound = json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"});
    for kind in [json!("DPoP"), json!("dpop"), json!("Bearer"), Value::Null] {
        let token = judged(json!({"cnf": bound, "token_type": kind})).unwrap();
        assert_eq!(token.scheme(), Scheme::Dpop, "{kind}");
        assert_eq!(token.into_claims().get("cnf"), Some(&bound));
    }
}

#[test]
fn without_an_audience_the_type_must_say_that_it_is_an_access_token() {
    let lenient = Expected { audience_optional: true, ..expected() };
    let judged = |changes: Value| judge(answer(changes).to_string().as_bytes(), &lenient, NOW);
    assert!(judged(json!({"aud": null})).is_ok());
    assert_eq!(judged(json!({"aud": null, "token_type": null})), Err(NotGood::NotAnAccessToken.into()));
    assert_eq!(judged(json!({"aud": "somebody"})), Err(NotGood::OtherAudience.into()));
}
