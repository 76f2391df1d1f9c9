use std::collections::HashSet;
use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use trust_core::revocations::{Revocation, digest_text, token_digest};
use trust_core::transaction_token::RequesterContext;

use super::index::MAX_ENTRIES;
use super::*;
use crate::testing::{Answer, ISSUER, KEEP_REVOCATIONS_FOR, Stage};

async fn revoke(stage: &Stage, form: &str) -> Answer {
    let request = stage.request("POST", "/v1/revocations").by("operator");
    request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await
}

async fn revoked(stage: &Stage, form: &str) {
    let answer = revoke(stage, form).await;
    assert_eq!(answer.status, StatusCode::OK, "{form}: {:?}", answer.json);
}

/// What the service answers to somebody with this token, whom a gate has let through.
async fn status(stage: &Stage, change: impl FnOnce(&mut RequesterContext)) -> u16 {
    stage.get("/v1/events").claiming(|claims| change(&mut claims.rctx)).send().await.status.as_u16()
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn now(stage: &Stage) -> u64 {
    stage.claims("GET", "/").iat
}

fn jwt(payload: &Value, signature: &str) -> String {
    let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.{signature}", part(&json!({"alg": "ES256", "typ": "at+jwt"})), part(payload))
}

async fn events(stage: &Stage) -> Vec<Value> {
    let answer = stage.get("/v1/events?type=dev.watchgate.revocation").by("operator").send().await;
    let events = answer.json["events"].as_array().unwrap().clone();
    events.into_iter().map(|event| event["event"].clone()).collect()
}

#[tokio::test]
async fn each_form_revokes_what_it_names_and_nothing_else() {
    let stage = Stage::new();
    let issuer = "iss=https%3A%2F%2Fissuer.watchgate.test";
    revoked(&stage, &format!("{issuer}&jti=token-1")).await;
    revoked(&stage, &format!("{issuer}&sid=session-1")).await;
    revoked(&stage, "token=opaque-1&token_type_hint=access_token").await;

    for (name, expected, context) in [
        ("the token", 401, RequesterContext { jti: text("token-1"), ..RequesterContext::default() }),
        ("another one", 200, RequesterContext { jti: text("token-2"), ..RequesterContext::default() }),
        ("one named like the session", 200, RequesterContext { jti: text("session-1"), ..RequesterContext::default() }),
        ("a token of the session", 401, RequesterContext { sid: text("session-1"), ..RequesterContext::default() }),
        (
            "one made in the session",
            401,
            RequesterContext { opened_in: text("session-1"), ..RequesterContext::default() },
        ),
        ("one made in another", 200, RequesterContext { opened_in: text("session-2"), ..RequesterContext::default() }),
        ("one of another session", 200, RequesterContext { sid: text("token-1"), ..RequesterContext::default() }),
    ] {
        assert_eq!(
            status(&stage, |rctx| *rctx = RequesterContext { iss: text(ISSUER), ..context }).await,
            expected,
            "{name}"
        );
    }
    let other = "https://other.watchgate.test";
    assert_eq!(status(&stage, |rctx| (rctx.iss, rctx.jti) = (text(other), text("token-1"))).await, 200);
    for (token, expected) in [("opaque-1", 401), ("opaque-2", 200)] {
        let digest = digest_text(&token_digest(token.as_bytes()));
        assert_eq!(status(&stage, |rctx| rctx.digest = Some(digest)).await, expected, "{token}");
    }
}

#[tokio::test]
async fn a_subject_is_revoked_up_to_a_time_and_whoever_does_not_say_when_he_began_is_too() {
    let stage = Stage::new();
    let now = now(&stage);
    revoked(&stage, &format!("iss={ISSUER}&sub=tester-7&before={}", now - 100)).await;
    for (issued_at, expected) in [(Some(now - 101), 401), (Some(now - 100), 200), (None, 401)] {
        assert_eq!(status(&stage, |rctx| rctx.iat = issued_at).await, expected, "{issued_at:?}");
    }
    // Without a time all tokens of now are meant, and none that is issued later.
    revoked(&stage, &format!("iss={ISSUER}&sub=tester-7")).await;
    // An earlier time takes nothing back.
    revoked(&stage, &format!("iss={ISSUER}&sub=tester-7&before=1")).await;
    for (issued_at, expected) in [(now, 401), (now + 1, 200)] {
        assert_eq!(status(&stage, |rctx| rctx.iat = Some(issued_at)).await, expected, "{issued_at}");
    }
}

#[tokio::test]
async fn a_jwt_stays_revoked_however_its_signature_is_written() {
    let stage = Stage::new();
    let payload = json!({"iss": ISSUER, "sub": "tester-7", "exp": now(&stage) + 60});
    revoked(&stage, &format!("token={}", jwt(&payload, "c2lnbmF0dXJl"))).await;
    for signature in ["c2lnbmF0dXJl", "c2lnbmF0dXJm", "AAAA", ""] {
        let digest = digest_text(&token_digest(jwt(&payload, signature).as_bytes()));
        assert_eq!(status(&stage, |rctx| rctx.digest = Some(digest)).await, 401, "{signature}");
    }
    let other = jwt(&json!({"iss": ISSUER, "sub": "tester-8"}), "c2lnbmF0dXJl");
    assert_eq!(status(&stage, |rctx| rctx.digest = Some(digest_text(&token_digest(other.as_bytes())))).await, 200);
    assert_eq!(status(&stage, |rctx| rctx.digest = text("no digest")).await, 401, "what cannot be looked up");
}

#[tokio::test]
async fn what_is_half_understood_is_refused_by_name_and_nothing_is_kept() {
    let stage = Stage::new();
    let long = format!("token={}", "x".repeat(16 * 1024 + 1));
    let long_name = format!("iss=i&sid={}", "x".repeat(2049));
    let later = format!("iss=i&sub=s&before={}", now(&stage) + KEEP_REVOCATIONS_FOR.as_secs() + 1);
    for (form, field) in [
        ("", "token"),
        ("jti=x", "token"),
        ("iss=i", "iss"),
        ("iss=i&jti=x&sid=y", "iss"),
        ("iss=i&sid=y&sub=z", "iss"),
        ("token=t&iss=i", "iss"),
        ("token=t&jti=x", "jti"),
        ("token=t&before=1", "before"),
        ("iss=i&jti=x&before=1", "before"),
        ("iss=i&jti=x&token_type_hint=access_token", "token_type_hint"),
        ("token=t&token=t", "token"),
        ("iss=i&iss=j&jti=x", "iss"),
        ("token=t&client_id=c", "client_id"),
        ("Token=t", "Token"),
        ("token=", "token"),
        ("token=a+b", "token"),
        ("token=%C3%A4", "token"),
        ("iss=i&sub=%FF", "sub"),
        ("iss=i&sub=a%0Ab", "sub"),
        ("iss=i&sub=s&before=soon", "before"),
        ("iss=i&sub=s&before=-1", "before"),
        (&long, "token"),
        (&long_name, "sid"),
        (&later, "before"),
    ] {
        let answer = revoke(&stage, form).await;
        assert_eq!((answer.status.as_u16(), answer.wrong_fields()), (400, vec![field]), "{form}");
    }
    let json = stage.post("/v1/revocations", &json!({"token": "t"})).send().await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let public = stage.request("POST", "/v1/revocations").claiming(|claims| claims.sub = None);
    let public = public.header("content-type", "application/x-www-form-urlencoded").body("token=t").send().await;
    assert_eq!(public.status, StatusCode::UNAUTHORIZED);
    assert_eq!(events(&stage).await.len(), 0);
}

#[tokio::test]
async fn a_revocation_is_one_event_that_says_who_and_what_kind_but_no_name() {
    let stage = Stage::new();
    let token = jwt(&json!({"exp": now(&stage) + 60}), "c2ln");
    for form in
        [&format!("iss={ISSUER}&sid=session-1"), &format!("token={token}"), &format!("iss={ISSUER}&sub=ana&before=9")]
    {
        revoked(&stage, form).await;
        revoked(&stage, form).await;
    }
    let events = events(&stage).await;
    let said: Vec<_> = events.iter().map(|event| event["data"].clone()).collect();
    let kept = now(&stage) + KEEP_REVOCATIONS_FOR.as_secs();
    assert_eq!(
        said,
        [
            json!({"kind": "sid", "iss": ISSUER, "keep_until": kept}),
            json!({"kind": "token", "keep_until": now(&stage) + 660}),
            json!({"kind": "sub", "iss": ISSUER, "before": 9, "keep_until": kept}),
        ]
    );
    for event in &events {
        assert_eq!(event["authid"], format!("{ISSUER}#operator"));
        let text = event.to_string();
        assert!(!text.contains("session-1") && !text.contains("ana") && !text.contains(&token), "{text}");
    }
}

#[tokio::test]
async fn a_restart_keeps_what_is_revoked() {
    let stage = Stage::new();
    revoked(&stage, &format!("iss={ISSUER}&sid=session-1")).await;
    revoked(&stage, &format!("iss={ISSUER}&sub=tester-7&before=100")).await;
    let stage = stage.restarted();
    assert_eq!(status(&stage, |rctx| (rctx.iat, rctx.sid) = (Some(100), text("session-1"))).await, 401);
    assert_eq!(status(&stage, |rctx| rctx.iat = Some(99)).await, 401);
    assert_eq!(status(&stage, |rctx| rctx.iat = Some(100)).await, 200);
    // Known already: nothing new is written.
    revoked(&stage, &format!("iss={ISSUER}&sid=session-1")).await;
    assert_eq!(events(&stage).await.len(), 2);
}

#[tokio::test]
async fn a_revocation_is_forgotten_a_day_after_every_such_token_has_ended() {
    let stage = Stage::new();
    let begun = now(&stage);
    let (day, usual) = (24 * 60 * 60, KEEP_REVOCATIONS_FOR.as_secs());
    let long = usual * 2;
    let forms = [
        ("ended long ago", format!("token={}", jwt(&json!({"exp": 1}), "s")), 600),
        ("a minute to live", format!("token={}", jwt(&json!({"exp": begun + 60}), "s")), 660),
        ("a minute and a half second", format!("token={}", jwt(&json!({"exp": begun as f64 + 60.5}), "s")), 661),
        ("lives longer than most", format!("token={}", jwt(&json!({"exp": begun + long}), "s")), long + 600),
        ("lives for ever", format!("token={}", jwt(&json!({"exp": u64::MAX}), "s")), u64::MAX - begun),
        ("does not say", format!("token={}", jwt(&json!({}), "s")), usual),
        ("no JWT", "token=opaque".to_owned(), usual),
    ];
    for (_, form, _) in &forms {
        revoked(&stage, form).await;
    }
    let kept = async || -> HashSet<u64> {
        let entries = stage.state.backbone.list("revocations", None, 100).await.unwrap();
        assert_eq!(i64::try_from(entries.len()).unwrap(), stage.state.metrics.revocations_kept.get());
        let until = |entry: &crate::backbone::Entry| {
            serde_json::from_slice::<Value>(&entry.value).unwrap()["keep_until"].as_u64().unwrap() - begun
        };
        entries.iter().map(until).collect()
    };
    assert_eq!(kept().await, forms.iter().map(|(_, _, seconds)| *seconds).collect());
    let all: HashSet<u64> = forms.iter().map(|(_, _, seconds)| *seconds).collect();
    let left = |ended: &[u64]| all.iter().copied().filter(|seconds| !ended.contains(seconds)).collect::<HashSet<_>>();
    // A clock that is wrong by less than a day ends nothing for good.
    stage.clock.advance(Duration::from_secs(day + 599));
    stage.state.trust.sweep().await.unwrap();
    assert_eq!(kept().await, all);
    stage.clock.advance(Duration::from_secs(60));
    stage.state.trust.sweep().await.unwrap();
    assert_eq!(kept().await, left(&[600]));
    stage.clock.advance(Duration::from_secs(usual + 2));
    stage.state.trust.sweep().await.unwrap();
    assert_eq!(kept().await, left(&[600, 660, 661, usual]));
}

#[test]
fn as_much_is_kept_as_keepers_can_be_told() {
    let entry = |number: usize, name_bytes: usize| Entry {
        revocation: Revocation::Id { issuer: "i".repeat(name_bytes), jti: number.to_string() },
        keep_until: 1,
    };
    let mut index = Index::default();
    for number in 0..MAX_ENTRIES {
        let of_sessions = number < MAX_ENTRIES / 4 * 3;
        assert_eq!(index.takes(&entry(number, 1), Room::OfSessions), of_sessions, "{number}");
        index.insert(entry(number, 1), number.try_into().unwrap());
    }
    assert!(!index.takes(&entry(MAX_ENTRIES, 1), Room::All));
    index.remove(&RevocationKey::from(&entry(0, 1).revocation));
    assert!(index.takes(&entry(MAX_ENTRIES, 1), Room::All));

    let mut index = Index::default();
    let (mut number, mut of_sessions) = (0, 0);
    while index.takes(&entry(number, 2000), Room::All) {
        of_sessions += usize::from(index.takes(&entry(number, 2000), Room::OfSessions));
        index.insert(entry(number, 2000), number.try_into().unwrap());
        number += 1;
    }
    assert!((8000..9000).contains(&number), "{number}");
    assert!(of_sessions.abs_diff(number / 4 * 3) < 8, "{of_sessions} of {number}");
}
