//! The way by a link: offer, redeem, number, token, refresh, end.

use super::*;

#[tokio::test]
async fn a_device_that_shows_the_number_gets_a_token_of_its_person_with_less_rights() {
    let scene = scene();
    let device = Device::new(1);
    let offer = scene.offer().await;
    assert_eq!(offer["state"], "offered");
    let redeemed = device.redeem(&scene.stage, &offer["link"]).await.json;
    assert_eq!((&redeemed["account"], &redeemed["interval"]), (&json!("tester-7"), &json!(5)));
    assert_eq!(refused(&device.poll(&scene.stage, &redeemed["device_code"]).await), (400, "authorization_pending"));
    let listed = scene.list().await;
    assert_eq!((&listed[0]["state"], &listed[0]["device"]), (&json!("redeemed"), &json!("Ada's phone")));
    assert!(listed[0].get("number").is_none() && listed[0].get("renewed_at").is_none());
    scene.confirm(&offer["id"], json!({"number": redeemed["number"]})).await;
    scene.stage.clock.advance(5 * second());
    let answer = device.poll(&scene.stage, &redeemed["device_code"]).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let tokens = answer.json;
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("DPoP"), &json!(600)));
    assert_eq!(tokens["scope"], "events:read commands:approve");
    let (header, claims) = claims_of(&tokens["access_token"]);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("session+jwt"), &json!("EdDSA")));
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("urn:watchgate:sessions"), &json!("watchgate")));
    assert_eq!((&claims["sub"], &claims["sid"]), (&json!("tester-7"), &offer["id"]));
    assert_eq!(claims["origin"], json!({"iss": ISSUER}));
    let now = scene.stage.state.clock.now().unix_timestamp();
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(now - 5), &json!(now + 600)));
    assert_eq!(scene.told(&offer["id"]).await, ["offered", "redeemed", "confirmed", "began"]);
}

#[tokio::test]
async fn a_token_is_bound_to_the_key_that_has_redeemed_the_link() {
    let scene = scene();
    let device = Device::new(1);
    let (_, tokens) = begun(&scene, &device).await;
    let (_, claims) = claims_of(&tokens["access_token"]);
    let x = BASE64_URL_SAFE_NO_PAD.encode(device.key.verifying_key().as_bytes());
    use sha2::Digest;
    let thumbprint = sha2::Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    assert_eq!(claims["cnf"]["jkt"], BASE64_URL_SAFE_NO_PAD.encode(thumbprint));
}

#[tokio::test]
async fn refreshing_gives_new_tokens_until_the_session_is_over_and_never_beyond() {
    let scene = scene();
    let device = Device::new(1);
    let (offer, mut tokens) = begun(&scene, &device).await;
    let let_in_at = claims_of(&tokens["access_token"]).1["iat"].clone();
    for _ in 0..2 {
        scene.stage.clock.advance(300 * second());
        tokens = device.refresh(&scene.stage, &tokens["refresh_token"]).await.json;
        assert_eq!(claims_of(&tokens["access_token"]).1["iat"], let_in_at);
    }
    assert_eq!(scene.told(&offer["id"]).await[4..], ["refreshed", "refreshed"]);
    // What its person sees of how it is: when its device last got tokens.
    let renewed_at = scene.list().await[0]["renewed_at"].clone();
    scene.stage.clock.advance(200 * second());
    assert_eq!(scene.list().await[0]["renewed_at"], renewed_at);
    tokens = device.refresh(&scene.stage, &tokens["refresh_token"]).await.json;
    let written = |at: time::OffsetDateTime| at.format(&time::format_description::well_known::Rfc3339).unwrap();
    assert_eq!(scene.list().await[0]["renewed_at"], written(scene.stage.state.clock.now()));
    assert_ne!(scene.list().await[0]["renewed_at"], renewed_at);
    scene.stage.clock.advance(Duration::from_secs(12 * 3600 - 800 - 60));
    let last = device.refresh(&scene.stage, &tokens["refresh_token"]).await.json;
    assert_eq!(last["expires_in"], 60);
    scene.stage.clock.advance(61 * second());
    assert_eq!(refused(&device.refresh(&scene.stage, &last["refresh_token"]).await), (400, "invalid_grant"));
    assert_eq!(scene.list().await.len(), 0);
}

#[tokio::test]
async fn an_answer_that_is_lost_on_the_line_is_given_again_for_a_minute_to_the_same_key_and_makes_no_second_grant() {
    let scene = scene();
    let device = Device::new(1);
    let offer = scene.offer().await;
    let code = device.redeem(&scene.stage, &offer["link"]).await.json;
    scene.confirm(&offer["id"], json!({"number": code["number"]})).await;
    let poll = async || device.poll(&scene.stage, &code["device_code"]).await;
    let lost = poll().await.json;
    let first = poll().await.json;
    assert_eq!(first["refresh_token"], lost["refresh_token"]);
    let refresh = async |tokens: &Value| device.refresh(&scene.stage, &tokens["refresh_token"]).await;
    let lost = refresh(&first).await.json;
    scene.stage.clock.advance(59 * second());
    let second_one = refresh(&first).await.json;
    assert_eq!(second_one["refresh_token"], lost["refresh_token"]);
    assert_eq!(scene.told(&offer["id"]).await[3..], ["began", "refreshed"]);
    // Whoever has gone on with the newer one has it.
    refresh(&second_one).await;
    assert_eq!(refused(&refresh(&first).await), (400, "invalid_grant"));
    assert_eq!(scene.told(&offer["id"]).await.last().unwrap(), "ended");
}

#[tokio::test]
async fn a_session_that_is_ended_is_revoked_at_once_and_refreshes_no_more() {
    let scene = scene();
    let device = Device::new(1);
    let (offer, tokens) = begun(&scene, &device).await;
    let read = || scene.stage.get("/v1/sessions").claiming(with_session(&offer["id"])).send();
    assert_eq!(read().await.status, StatusCode::OK);
    assert_eq!(scene.end(&offer["id"]).await, StatusCode::NO_CONTENT);
    assert_eq!(read().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused(&device.refresh(&scene.stage, &tokens["refresh_token"]).await), (400, "invalid_grant"));
    assert_eq!(scene.told(&offer["id"]).await.last().unwrap(), "ended");
    assert_eq!(scene.list().await.len(), 0);
    // Once more changes nothing.
    assert_eq!(scene.end(&offer["id"]).await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_session_may_end_itself_and_neither_another_one_nor_open_any() {
    let scene = scene();
    let (one, _) = begun(&scene, &Device::new(1)).await;
    let (other, _) = begun(&scene, &Device::new(2)).await;
    let end = |id: &Value| {
        let target = format!("/v1/sessions/{}", id.as_str().unwrap());
        person(scene.stage.request("DELETE", &target)).claiming(with_session(&one["id"]))
    };
    assert_eq!(refused(&end(&other["id"]).send().await), (403, "not-a-person"));
    let offering = person(scene.stage.post("/v1/sessions", &json!({}))).claiming(with_session(&one["id"]));
    assert_eq!(refused(&offering.send().await), (403, "not-a-person"));
    assert_eq!(end(&one["id"]).send().await.status, StatusCode::NO_CONTENT);
    assert_eq!(scene.list().await.len(), 1);
}

#[tokio::test]
async fn whoever_is_shut_out_is_shut_out_in_the_sessions_of_before_too() {
    let scene = scene();
    let device = Device::new(1);
    let (_, tokens) = begun(&scene, &device).await;
    scene.stage.clock.advance(30 * second());
    assert_eq!(revoke(&scene, "sub=tester-7").await, StatusCode::OK);
    scene.stage.clock.advance(30 * second());
    assert_eq!(refused(&device.refresh(&scene.stage, &tokens["refresh_token"]).await), (400, "invalid_grant"));
}

#[tokio::test]
async fn whoever_is_revoked_by_the_login_in_which_a_session_was_opened_is_revoked_in_it() {
    let scene = scene();
    let device = Device::new(1);
    let in_login = |claims: &mut TransactionClaims| claims.rctx.sid = Some("login-1".to_owned());
    let offer = person(scene.stage.post("/v1/sessions", &json!({}))).claiming(in_login).send().await.json;
    let redeemed = device.redeem(&scene.stage, &offer["link"]).await.json;
    scene.confirm(&offer["id"], json!({"number": redeemed["number"]})).await;
    let tokens = device.poll(&scene.stage, &redeemed["device_code"]).await.json;
    let (_, claims) = claims_of(&tokens["access_token"]);
    assert_eq!(claims["origin"], json!({"iss": ISSUER, "sid": "login-1"}));
    // As the gate tells of it.
    let of_session = |claims: &mut TransactionClaims| {
        claims.rctx.sid = offer["id"].as_str().map(str::to_owned);
        claims.rctx.opened_in = Some("login-1".to_owned());
    };
    let read = || scene.stage.get("/v1/events").claiming(of_session);
    assert_eq!(read().send().await.status, StatusCode::OK);
    let stream = read().header("accept", "text/event-stream").open().await;
    assert_eq!(stream.status(), StatusCode::OK);
    assert_eq!(revoke(&scene, "sid=login-1").await, StatusCode::OK);
    assert_eq!(read().send().await.status, StatusCode::UNAUTHORIZED);
    let rest = axum::body::to_bytes(stream.into_body(), usize::MAX);
    tokio::time::timeout(10 * second(), rest).await.expect("the stream goes on").unwrap();
    assert_eq!(refused(&device.refresh(&scene.stage, &tokens["refresh_token"]).await), (400, "invalid_grant"));
}

#[tokio::test]
async fn a_session_gets_what_whoever_confirms_it_still_has() {
    let scene = scene();
    let device = Device::new(1);
    let offer = scene.offer().await;
    let redeemed = device.redeem(&scene.stage, &offer["link"]).await.json;
    let confirm = async |scopes: &str| {
        let target = format!("/v1/sessions/{}/confirmation", offer["id"].as_str().unwrap());
        let request = scene.stage.post(&target, &json!({"number": redeemed["number"]}));
        request.claiming(|claims| claims.scope = Some(scopes.to_owned())).send().await
    };
    assert_eq!(confirm("sessions:write runbooks:read").await.wrong_fields(), ["scopes"]);
    assert_eq!(confirm("sessions:write runbooks:read events:read").await.status, StatusCode::NO_CONTENT);
    let tokens = device.poll(&scene.stage, &redeemed["device_code"]).await.json;
    assert_eq!(tokens["scope"], "events:read");
}

#[tokio::test]
async fn without_settings_there_are_no_sessions() {
    let stage = Stage::new();
    assert_eq!(person(stage.post("/v1/sessions", &json!({}))).send().await.status, StatusCode::NOT_FOUND);
}
