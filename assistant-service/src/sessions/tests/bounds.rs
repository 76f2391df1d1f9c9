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
        begun(&scene, &Device::new(seed)).await;
    }
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
async fn a_thousand_devices_wait_at_once() {
    let scene = scene();
    let device = Device::new(1);
    let wait = || device.form(&scene.stage, "/v1/sessions:device", "device=a");
    for number in 0..1000 {
        if number % 500 == 0 {
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
async fn devices_that_nobody_knows_call_six_hundred_times_a_minute() {
    let scene = scene();
    let device = Device::new(1);
    for _ in 0..600 {
        assert_eq!(
            refused(&device.form_with(&scene.stage, "/v1/sessions:device", "", "x").await),
            (400, "invalid_request")
        );
    }
    assert_eq!(refused(&device.form(&scene.stage, "/v1/sessions:device", "device=a").await), (429, "too-often"));
    // What is no handle at all is not counted.
    scene.stage.clock.advance(61 * second());
    for _ in 0..601 {
        assert_eq!(device.redeem_with(&scene.stage, &json!("/watch#x"), "x").await.status, StatusCode::GONE);
    }
    let offer = scene.offer().await;
    assert_eq!(device.redeem(&scene.stage, &offer["link"]).await.status, StatusCode::OK);
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
