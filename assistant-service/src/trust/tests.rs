use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::future::join_all;
use serde_json::{Value, json};
use trust_core::gate_key::GateKeys;
use trust_core::revocations::Revocation;
use trust_core::time::UnixSeconds;
use trust_core::transaction_token::{KEEPER, KeeperRequest, RequesterContext, answer_holds, keeper_token};

use super::*;
use crate::backbone::Put;
use crate::revocations::Entry;
use crate::testing::{Answer, HOST, ISSUER, KEEP_REVOCATIONS_FOR, Stage, keys};

mod replicas;

fn token(stage: &Stage, method: &str, target: &str) -> String {
    let now = UnixSeconds(stage.claims("GET", "/").iat);
    keeper_token(&stage.keys, KeeperRequest { method, host: HOST, target }, "request-1", now).unwrap()
}

async fn send(stage: &Stage, method: &str, target: &str, token: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(target).header("host", HOST).header("txn-token", token);
    let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
    Answer::of(stage.send(request.unwrap()).await).await
}

async fn ask(stage: &Stage, method: &str, target: &str, body: &Value) -> Answer {
    send(stage, method, target, &token(stage, method, target), body).await
}

async fn feed(stage: &Stage, query: &str) -> Value {
    let answer = ask(stage, "GET", &format!("/v1/trust{query}"), &Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.json);
    assert_eq!(answer.headers["cache-control"], "no-store");
    answer.json
}

async fn revoke(stage: &Stage, form: &str) -> u16 {
    let request = stage.request("POST", "/v1/revocations").by("operator");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    request.send().await.status.as_u16()
}

fn gate_keys(kid: &str, previous: Option<&GateKeys>) -> GateKeys {
    GateKeys::generate(kid.to_owned(), [7; 32], previous)
}

async fn rotate(stage: &Stage, previous_kid: Option<&str>, keys: &GateKeys) -> u16 {
    let keys: Value = serde_json::from_str(&keys.to_json()).unwrap();
    let body = json!({"previous_kid": previous_kid, "gate_keys": keys});
    ask(stage, "PUT", "/v1/trust/gate-keys", &body).await.status.as_u16()
}

#[tokio::test]
async fn keepers_follow_the_trust_and_nobody_else_does() {
    let stage = Stage::new();
    let good = token(&stage, "GET", "/v1/trust");
    assert_eq!(send(&stage, "GET", "/v1/trust", &good, &Value::Null).await.status, StatusCode::OK);
    assert_eq!(stage.get("/v1/trust").send().await.status, StatusCode::UNAUTHORIZED, "a caller");
    let by_a_rule_without_a_token = stage.get("/v1/trust").claiming(|claims| {
        (claims.sub, claims.rctx) = (None, RequesterContext::default());
    });
    assert_eq!(by_a_rule_without_a_token.send().await.status, StatusCode::UNAUTHORIZED);
    let named = stage.get("/v1/trust").claiming(|claims| claims.iss = KEEPER.to_owned());
    assert_eq!(named.send().await.status, StatusCode::UNAUTHORIZED, "a keeper with a subject");
    let now = UnixSeconds(stage.claims("GET", "/").iat);
    let request = KeeperRequest { method: "GET", host: HOST, target: "/v1/trust" };
    for (name, token) in [
        ("another gate's", keeper_token(&keys(2, "assistant-service"), request, "1", now).unwrap()),
        ("another audience's", keeper_token(&keys(1, "reports"), request, "1", now).unwrap()),
        ("an old one", keeper_token(&stage.keys, request, "1", UnixSeconds(now.0 - 31)).unwrap()),
        ("another request's", token(&stage, "GET", "/v1/trust?after=x")),
        ("another method's", token(&stage, "PUT", "/v1/trust")),
    ] {
        let answer = send(&stage, "GET", "/v1/trust", &token, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
    }
}

#[tokio::test]
async fn every_answer_to_a_keeper_is_sealed_and_none_to_anybody_else() {
    let stage = Stage::new();
    let keys_of_gates: Value = serde_json::from_str(&gate_keys("one", None).to_json()).unwrap();
    let offered = json!({"previous_kid": null, "gate_keys": keys_of_gates});
    let conflicting = json!({"previous_kid": "none", "gate_keys": keys_of_gates});
    for (method, target, body, status) in [
        ("GET", "/v1/trust", &Value::Null, 200),
        ("GET", "/v1/trust?wait=26", &Value::Null, 400),
        ("PUT", "/v1/trust/gate-keys", &conflicting, 409),
        ("PUT", "/v1/trust/gate-keys", &offered, 204),
    ] {
        let token = token(&stage, method, target);
        let request = Request::builder().method(method).uri(target).header("host", HOST).header("txn-token", &token);
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
        let (parts, body) = stage.send(request).await.into_parts();
        assert_eq!(parts.status, status, "{method} {target}");
        let seal = parts.headers["keeper-answer"].to_str().unwrap();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        assert!(answer_holds(&stage.keys, &token, status, &body, seal), "{method} {target}");
    }
    for answer in [stage.get("/v1/trust").send().await, stage.get("/v1/events").send().await] {
        assert!(!answer.headers.contains_key("keeper-answer"));
    }
}

#[tokio::test]
async fn a_keeper_is_nobody_elsewhere() {
    let stage = Stage::new();
    for (method, target) in [
        ("GET", "/v1/events"),
        ("POST", "/v1/revocations"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("POST", "/v1/services/sample-service/commands:lease"),
        ("GET", "/nowhere"),
    ] {
        let answer = ask(&stage, method, target, &json!({})).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {target}");
    }
}

#[tokio::test]
async fn the_feed_tells_everything_once_and_then_what_is_new() {
    let stage = Stage::new();
    let kept = stage.claims("GET", "/").iat + KEEP_REVOCATIONS_FOR.as_secs();
    assert_eq!(revoke(&stage, &format!("iss={ISSUER}&jti=one")).await, 200);
    let first = feed(&stage, "").await;
    let one = json!({"iss": ISSUER, "jti": "one", "keep_until": kept});
    let cursor = first["cursor"].as_str().unwrap().to_owned();
    assert_eq!(
        first,
        json!({"cursor": cursor, "complete": true, "revocations": [one], "gate_keys": null, "key_sets": []})
    );
    let nothing = feed(&stage, &format!("?after={cursor}")).await;
    assert_eq!(
        nothing,
        json!({"cursor": cursor, "complete": false, "revocations": [], "gate_keys": null, "key_sets": []})
    );

    for form in ["sid=two", "sub=three&before=9"] {
        assert_eq!(revoke(&stage, &format!("iss={ISSUER}&{form}")).await, 200);
    }
    assert_eq!(revoke(&stage, "token=four").await, 200);
    let (old, new) = (gate_keys("old", None), gate_keys("new", Some(&gate_keys("old", None))));
    assert_eq!(rotate(&stage, None, &old).await, 204);
    assert_eq!(rotate(&stage, Some("old"), &new).await, 204);
    let set = json!({"issuer": "https://idp.example.com", "jwks": {"keys": []}, "checked_at": 5});
    assert_eq!(ask(&stage, "PUT", "/v1/trust/key-sets/jwks%2Fidp.json", &set).await.status, StatusCode::NO_CONTENT);
    let digest = trust_core::revocations::digest_text(&trust_core::revocations::token_digest(b"four"));
    let newer = json!([
        {"iss": ISSUER, "sid": "two", "keep_until": kept},
        {"iss": ISSUER, "sub": "three", "before": 9, "keep_until": kept},
        {"token": digest, "keep_until": kept},
    ]);
    let said = feed(&stage, &format!("?after={cursor}")).await;
    let named =
        json!({"name": "jwks/idp.json", "issuer": "https://idp.example.com", "jwks": {"keys": []}, "checked_at": 5});
    assert_eq!((&said["complete"], &said["revocations"]), (&json!(false), &newer));
    assert_eq!(said["gate_keys"], serde_json::from_str::<Value>(&new.to_json()).unwrap());
    assert_eq!(said["key_sets"], json!([named]));

    // After a restart the cursor still counts, and a new keeper is told the same in the same order.
    let stage = stage.restarted();
    let last = said["cursor"].as_str().unwrap();
    assert_eq!(feed(&stage, &format!("?after={last}")).await["revocations"], json!([]));
    assert_eq!(feed(&stage, &format!("?after={cursor}")).await["revocations"], newer);
    let all = feed(&stage, "").await;
    assert_eq!(all["revocations"].as_array().unwrap().len(), 4);
    assert_eq!((&all["gate_keys"], &all["key_sets"]), (&said["gate_keys"], &said["key_sets"]));
}

#[tokio::test]
async fn a_cursor_that_this_store_never_gave_gets_everything_at_once() {
    let stage = Stage::new();
    assert_eq!(revoke(&stage, "token=one").await, 200);
    let cursor = feed(&stage, "").await["cursor"].as_str().unwrap().to_owned();
    let (store, revision) = cursor.split_once('.').unwrap();
    let other = feed(&Stage::new(), "").await["cursor"].as_str().unwrap().to_owned();
    let ahead = format!("{store}.{}", revision.parse::<u64>().unwrap() + 1);
    for unknown in [&other, &ahead, revision, store, "", "x.y", &format!("{store}.-1")] {
        let begun = Instant::now();
        let said = feed(&stage, &format!("?after={unknown}&wait=25")).await;
        assert_eq!(said["complete"], true, "{unknown}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{unknown}");
    }
    for query in ["?wait=26", "?wait=-1", "?since=x"] {
        let answer = ask(&stage, "GET", &format!("/v1/trust{query}"), &Value::Null).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn keepers_that_wait_are_told_at_once_and_too_many_are_sent_away() {
    let stage = Stage::new();
    let cursor = feed(&stage, "").await["cursor"].as_str().unwrap().to_owned();
    let query = format!("?after={cursor}&wait=25");
    let waiting = join_all((0..64).map(|_| feed(&stage, &query)));
    let begun = Instant::now();
    let meanwhile = async {
        let one_more = ask(&stage, "GET", &format!("/v1/trust{query}"), &Value::Null).await;
        assert_eq!(one_more.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(revoke(&stage, "token=one").await, 200);
    };
    let (told, ()) = tokio::join!(waiting, meanwhile);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(told.iter().all(|said| said["revocations"].as_array().unwrap().len() == 1));
    // And with nothing new the wait ends by itself, with the same cursor.
    let last = told[0]["cursor"].as_str().unwrap();
    let nothing = feed(&stage, &format!("?after={last}&wait=1")).await;
    assert_eq!((&nothing["cursor"], &nothing["complete"]), (&told[0]["cursor"], &json!(false)));
}

#[tokio::test]
async fn of_two_who_rotate_the_gates_keys_at_once_one_is_told() {
    let stage = Stage::new();
    let old = gate_keys("old", None);
    assert_eq!(rotate(&stage, Some("none"), &old).await, 409);
    assert_eq!(rotate(&stage, None, &old).await, 204);
    let (one, other) = (gate_keys("one", Some(&old)), gate_keys("other", Some(&old)));
    assert_eq!(rotate(&stage, None, &one).await, 409);
    let (first, second) = tokio::join!(rotate(&stage, Some("old"), &one), rotate(&stage, Some("old"), &other));
    assert_eq!([first.min(second), first.max(second)], [204, 409]);
    // Whoever did not hear the answer sends it again.
    let kept = if first == 204 { &one } else { &other };
    assert_eq!(rotate(&stage, Some("old"), kept).await, 204);
    let stage = stage.restarted();
    assert_eq!(rotate(&stage, Some("old"), &gate_keys("third", None)).await, 409);

    for wrong in [
        json!({"previous_kid": null, "gate_keys": {"keys": []}}),
        json!({"previous_kid": null, "gate_keys": {"keys": [{"kid": "k", "secret": "short"}]}}),
        json!({"previous_kid": null, "gate_keys": {"audience": "a", "keys": [{"kid": "k", "secret": "x"}]}}),
        json!({"gate_keys": {"keys": []}}),
    ] {
        let answer = ask(&stage, "PUT", "/v1/trust/gate-keys", &wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn keys_that_were_fetched_earlier_change_nothing_and_names_lead_nowhere() {
    let stage = Stage::new();
    let now = stage.claims("GET", "/").iat * 1000;
    let set = |checked_at: u64, kid: &str| json!({"issuer": "https://idp.example.com", "jwks": {"keys": [{"kid": kid}]}, "checked_at": checked_at});
    for (checked_at, kid) in [(5, "first"), (4, "earlier"), (5, "as early"), (6, "last")] {
        let answer = ask(&stage, "PUT", "/v1/trust/key-sets/idp.json", &set(checked_at, kid)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        let kept = &feed(&stage, "").await["key_sets"][0]["jwks"]["keys"][0]["kid"];
        assert_eq!(kept, if kid == "last" { "last" } else { "first" }, "{kid}");
    }
    for name in ["..%2Fx", "a%2F..%2Fb", "%2Fetc", "a%2F%2Fb", ".hidden", "a%00b", "a%5Cb", &"x".repeat(129)] {
        let answer = ask(&stage, "PUT", &format!("/v1/trust/key-sets/{name}"), &set(9, "k")).await;
        assert_eq!((answer.status.as_u16(), answer.wrong_fields()), (400, vec!["name"]), "{name}");
    }
    for (wrong, field) in [
        (json!({"issuer": "", "jwks": {"keys": []}, "checked_at": 1}), "issuer"),
        (json!({"issuer": "i", "jwks": [], "checked_at": 1}), "jwks"),
        (json!({"issuer": "i", "jwks": {"keys": ["x".repeat(256 * 1024)]}, "checked_at": 1}), "jwks"),
        (json!({"issuer": "i", "jwks": {"keys": []}}), "checked_at"),
        (json!({"issuer": "i", "jwks": {"keys": []}, "checked_at": now + 60_001}), "checked_at"),
        (json!({"issuer": "i", "jwks": {"keys": []}, "checked_at": u64::MAX}), "checked_at"),
    ] {
        let answer = ask(&stage, "PUT", "/v1/trust/key-sets/idp.json", &wrong).await;
        assert_eq!((answer.status.as_u16(), answer.wrong_fields()), (400, vec![field]));
    }
    // Clocks may differ by a little, and what is kept of then is not in the way of what is fetched later.
    for (number, checked_at) in [(0, now + 60_000), (1, now)] {
        let target = format!("/v1/trust/key-sets/{number}.json");
        assert_eq!(ask(&stage, "PUT", &target, &set(checked_at, "k")).await.status, StatusCode::NO_CONTENT);
    }
    for number in 2..63 {
        let target = format!("/v1/trust/key-sets/{number}.json");
        assert_eq!(ask(&stage, "PUT", &target, &set(1, "k")).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(
        ask(&stage, "PUT", "/v1/trust/key-sets/one-more.json", &set(1, "k")).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(ask(&stage, "PUT", "/v1/trust/key-sets/2.json", &set(2, "k")).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_another_replica_has_written_meanwhile_counts_first() {
    let stage = Stage::new();
    let state = &stage.state;
    let other =
        TrustBook::load(Arc::clone(&state.backbone), Arc::clone(&state.clock), Arc::default(), KEEP_REVOCATIONS_FOR);
    let stage_of_other = crate::state::AppState { trust: Arc::new(other.await.unwrap()), ..state.clone() };
    assert_eq!(revoke(&stage, &format!("iss={ISSUER}&sub=ana&before=50")).await, 200);
    let caller = crate::app::app(stage_of_other.clone());
    let mut claims = stage.claims("POST", "/v1/revocations");
    claims.sub = Some("operator".to_owned());
    let request =
        Request::post("/v1/revocations").header("host", HOST).header("txn-token", claims.sign(&stage.keys).unwrap());
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(Body::from(format!("iss={ISSUER}&sub=ana&before=70"))).unwrap();
    let answer = tower::ServiceExt::oneshot(caller, request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(state.backbone.list("revocations", None, 9).await.unwrap().len(), 1);
    // The first replica meets the change of the other one, and its own lower time changes nothing.
    assert_eq!(revoke(&stage, &format!("iss={ISSUER}&sub=ana&before=60")).await, 200);
    let said = feed(&stage, "").await;
    assert_eq!(said["revocations"][0]["before"], 70);
}

#[tokio::test]
async fn what_is_not_taken_is_said_and_what_cannot_be_read_is_not_passed_over() {
    let stage = Stage::new();
    let (trust, backbone) = (&stage.state.trust, &stage.state.backbone);
    trust.take_over(|content| {
        for number in 0..100_000_u64 {
            let revocation = Revocation::Id { issuer: ISSUER.to_owned(), jti: number.to_string() };
            content.revocations.insert(Entry { revocation, keep_until: 1 }, number);
        }
    });
    assert_eq!(revoke(&stage, "token=one-more").await, 507);
    // Somebody else has removed it from the store: then there is room for it, and it is kept anew.
    assert_eq!(revoke(&stage, &format!("iss={ISSUER}&jti=5")).await, 200);

    let put = Put {
        bucket: "revocations",
        key: "x".to_owned(),
        value: Some(b"{}".to_vec()),
        expected_revision: None,
        expires_at: None,
    };
    backbone.commit(crate::backbone::Batch { events: Vec::new(), puts: vec![put] }).await.unwrap();
    let again =
        TrustBook::load(Arc::clone(backbone), Arc::clone(&stage.state.clock), Arc::default(), KEEP_REVOCATIONS_FOR);
    assert!(matches!(again.await, Err(CannotLoad::Unreadable { bucket: "revocations", .. })));
}

#[tokio::test]
async fn streams_and_long_polls_of_a_revoked_token_end_at_once_and_those_of_others_go_on() {
    let stage = Stage::new();
    let open = async |jti: &'static str| {
        let request = stage.get("/v1/events").header("accept", "text/event-stream");
        request.claiming(|claims| claims.rctx.jti = Some(jti.to_owned())).open().await.into_body()
    };
    let (mine, other) = (open("mine").await, open("other").await);
    let lease = stage.post("/v1/services/tester-7/commands:lease", &json!({"wait_seconds": 30}));
    let lease = lease.claiming(|claims| claims.rctx.sid = Some("session-1".to_owned())).send();
    let revoking = async {
        while stage.state.metrics.long_polls.get() == 0 {
            tokio::task::yield_now().await;
        }
        let begun = Instant::now();
        assert_eq!(revoke(&stage, &format!("iss={ISSUER}&sid=session-1")).await, 200);
        begun
    };
    let (leased, begun) = tokio::join!(lease, revoking);
    assert_eq!(leased.status, StatusCode::UNAUTHORIZED);
    assert!(begun.elapsed() < Duration::from_secs(1));

    assert_eq!(revoke(&stage, &format!("iss={ISSUER}&jti=mine")).await, 200);
    // Both have seen the revocation's event by then, or not; the end counts.
    tokio::time::timeout(Duration::from_secs(1), axum::body::to_bytes(mine, usize::MAX)).await.unwrap().unwrap();
    assert_eq!(stage.state.metrics.revoked_streams.get(), 2);
    assert_eq!((stage.state.metrics.long_polls.get(), stage.state.metrics.revoked_callers.get()), (0, 0));
    let goes_on = tokio::time::timeout(Duration::from_millis(200), axum::body::to_bytes(other, usize::MAX)).await;
    assert!(goes_on.is_err(), "a stream of another token has ended");
}

impl TrustBook {
    /// So many revocations that have ended, in memory alone.
    pub(crate) fn fill(&self, count: usize) {
        self.take_over(|content| {
            for number in 0..count {
                let revocation = Revocation::Id { issuer: "i".to_owned(), jti: number.to_string() };
                let revision = u64::MAX - u64::try_from(number).unwrap();
                content.revocations.insert(Entry { revocation, keep_until: 1 }, revision);
            }
        });
    }
}
