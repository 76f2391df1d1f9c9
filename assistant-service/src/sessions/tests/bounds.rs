//! How much there may be, and how often.

use super::*;

#[tokio::test]
async fn one_person_has_five_offers_open_and_others_have_theirs() {
    let scene = scene();
    let mut offers = Vec::new();
    for _ in 0..5 {
        offers.push(scene.offer().await);
    }
    let post = || person(scene.stage.post("/v1/sessions", &json!({})));
    assert_eq!(refused(&post().send().await), (429, "too-many-sessions"));
    assert_eq!(post().by("ben").send().await.status, StatusCode::CREATED);
    assert_eq!(scene.end(&offers[0]["id"]).await, StatusCode::NO_CONTENT);
    assert_eq!(post().send().await.status, StatusCode::CREATED);
    scene.stage.clock.advance(61 * second());
    assert_eq!(post().send().await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn one_person_has_fifty_sessions() {
    let scene = scene();
    for seed in 0..50 {
        if seed == 25 {
            scene.stage.clock.advance(Duration::from_secs(3600));
        }
        begun(&scene, &Device::new(seed)).await;
    }
    scene.stage.clock.advance(Duration::from_secs(3600));
    let device = Device::new(50);
    let offer = scene.offer().await;
    let redeemed = device.redeem(&scene.stage, &offer["link"]).await.json;
    let confirmed = scene.confirm(&offer["id"], json!({"number": redeemed["number"]})).await;
    assert_eq!(refused(&confirmed), (429, "too-many-sessions"));
    let listed = scene.list().await;
    assert_eq!((listed.len(), &listed[50]["state"]), (51, &json!("redeemed")));
    scene.end(&listed[0]["id"]).await;
    let confirmed = scene.confirm(&offer["id"], json!({"number": redeemed["number"]})).await;
    assert_eq!(confirmed.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn one_person_opens_thirty_sessions_an_hour_whatever_becomes_of_them() {
    let scene = scene();
    for _ in 0..30 {
        let offer = scene.offer().await;
        scene.stage.clock.advance(second());
        scene.end(&offer["id"]).await;
    }
    let other = replica(&scene, &scene.file());
    for stage in [&scene.stage, &other] {
        let post = || person(stage.post("/v1/sessions", &json!({})));
        let refusal = post().send().await;
        assert_eq!(
            (refused(&refusal), &refusal.headers["retry-after"]),
            ((429, "too-often"), &"3570".parse().unwrap())
        );
        assert_eq!(post().by("ben").send().await.status, StatusCode::CREATED);
    }
    let device = Device::new(1);
    let waiting = device.form(&scene.stage, "/v1/sessions:device", "device=a").await.json;
    let join = || person(scene.stage.post("/v1/sessions:join", &json!({"user_code": waiting["user_code"]})));
    assert_eq!(refused(&join().send().await), (429, "too-often"));
    scene.stage.clock.advance(Duration::from_secs(3570));
    scene.offer().await;
}

#[tokio::test]
async fn codes_are_tried_ten_times_a_minute_by_one_person() {
    let scene = scene();
    let join = || person(scene.stage.post("/v1/sessions:join", &json!({"user_code": "BBBB-BBBB"})));
    for _ in 0..10 {
        assert_eq!(join().send().await.status, StatusCode::NOT_FOUND);
    }
    let refusal = join().send().await;
    assert_eq!((refused(&refusal), &refusal.headers["retry-after"]), ((429, "too-often"), &"60".parse().unwrap()));
    assert_eq!(join().by("ben").send().await.status, StatusCode::NOT_FOUND);
    scene.stage.clock.advance(61 * second());
    assert_eq!(join().send().await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_thousand_devices_wait_at_once_and_six_hundred_come_in_a_minute_and_handles_are_redeemed_meanwhile() {
    let scene = scene();
    let device = Device::new(1);
    let wait = || device.form(&scene.stage, "/v1/sessions:device", "device=a");
    // What costs no commit is not counted.
    for _ in 0..601 {
        let nonsense = device.form_with(&scene.stage, "/v1/sessions:device", "device=a", "x").await;
        assert_eq!(refused(&nonsense), (400, "invalid_dpop_proof"));
    }
    for number in 0..1000 {
        if number == 600 {
            assert_eq!(refused(&wait().await), (429, "too-often"));
            let offer = scene.offer().await;
            assert_eq!(device.redeem(&scene.stage, &offer["link"]).await.status, StatusCode::OK);
            scene.stage.clock.advance(61 * second());
        }
        assert_eq!(wait().await.status, StatusCode::OK, "{number}");
    }
    scene.stage.clock.advance(61 * second());
    assert_eq!(refused(&wait().await), (503, "busy"));
    scene.stage.clock.advance(600 * second());
    assert_eq!(wait().await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_one_source_twenty_devices_come_in_a_minute_and_those_of_others_too() {
    let scene = scene();
    let device = Device::new(1);
    let wait = async |address: &str| {
        let target = "/v1/sessions:device";
        let request = scene.stage.request("POST", target).header("content-type", "application/x-www-form-urlencoded");
        let from = |claims: &mut TransactionClaims| claims.rctx.req_ip = Some(address.to_owned());
        let request = request.claiming(nobody).claiming(from).header("dpop", &device.proof(&scene.stage, target));
        request.body("device=a").send().await.status.as_u16()
    };
    for _ in 0..20 {
        assert_eq!(wait("2001:db8::1").await, 200);
    }
    assert_eq!((wait("2001:db8::2").await, wait("2001:db8:1::1").await, wait("192.0.2.7").await), (429, 200, 200));
    scene.stage.clock.advance(61 * second());
    assert_eq!(wait("2001:db8::2").await, 200);
}

#[tokio::test]
async fn a_session_asks_thirty_times_a_minute() {
    let scene = scene();
    let device = Device::new(1);
    let (_, tokens) = begun(&scene, &device).await;
    let refresh = || device.refresh(&scene.stage, &tokens["refresh_token"]);
    for _ in 0..29 {
        assert_eq!(refresh().await.status, StatusCode::OK);
    }
    assert_eq!(refused(&refresh().await), (400, "slow_down"));
    let other = Device::new(2);
    let (_, others) = begun(&scene, &other).await;
    assert_eq!(other.refresh(&scene.stage, &others["refresh_token"]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_has_four_tokens_at_once_and_then_three_in_the_life_of_one() {
    let scene = scene();
    let device = Device::new(1);
    let (offer, mut tokens) = begun(&scene, &device).await;
    for _ in 2..=4 {
        tokens = device.refresh(&scene.stage, &tokens["refresh_token"]).await.json;
    }
    for _ in 0..3 {
        assert_eq!(refused(&device.refresh(&scene.stage, &tokens["refresh_token"]).await), (400, "slow_down"));
        scene.stage.clock.advance(199 * second());
        assert_eq!(refused(&device.refresh(&scene.stage, &tokens["refresh_token"]).await), (400, "slow_down"));
        scene.stage.clock.advance(second());
        tokens = device.refresh(&scene.stage, &tokens["refresh_token"]).await.json;
    }
    assert_eq!(tokens["expires_in"], 600);
    assert_eq!(scene.told(&offer["id"]).await.len(), 10);
}

#[tokio::test]
async fn a_device_that_asks_changes_nothing_that_its_person_changes() {
    let scene = scene();
    let device = Device::new(1);
    let revision = async |bucket| scene.stage.state.backbone.list(bucket, None, 1).await.unwrap()[0].revision;
    let offer = scene.offer().await;
    let redeemed = device.redeem(&scene.stage, &offer["link"]).await.json;
    let before = (revision("sessions").await, revision("sessions.owners").await);
    let poll = || device.poll(&scene.stage, &redeemed["device_code"]);
    assert_eq!(refused(&poll().await), (400, "authorization_pending"));
    let polled = (revision("sessions").await, revision("sessions.owners").await);
    assert!(polled.0 > before.0);
    assert_eq!(polled.1, before.1);
    // Too fast: nothing is kept at all.
    assert_eq!(refused(&poll().await), (400, "slow_down"));
    assert_eq!((revision("sessions").await, revision("sessions.owners").await), polled);
    scene.confirm(&offer["id"], json!({"number": redeemed["number"]})).await;
    let tokens = poll().await.json;
    let begun = revision("sessions.owners").await;
    assert_eq!(device.refresh(&scene.stage, &tokens["refresh_token"]).await.status, StatusCode::OK);
    assert_eq!(revision("sessions.owners").await, begun);
}

#[tokio::test]
async fn what_is_asked_for_is_checked_part_by_part() {
    let scene = scene();
    let body = json!({"label": "\u{202e}x", "scopes": ["silences:write"], "team": "red"});
    let answer = person(scene.stage.post("/v1/sessions", &body)).send().await;
    assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["label", "team", "scopes"]));
    let none = scene
        .stage
        .post("/v1/sessions", &json!({}))
        .claiming(|claims| claims.scope = Some("sessions:write".to_owned()));
    assert_eq!(none.send().await.wrong_fields(), ["scopes"]);
    let service = person(scene.stage.post("/v1/sessions", &json!({}))).header("ce-authtype", "service_account");
    assert_eq!(refused(&service.send().await), (403, "not-a-person"));
}
