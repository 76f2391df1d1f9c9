//! The way by a code that the device shows (RFC 8628).

use super::*;

async fn wait(scene: &Scene, device: &Device) -> Value {
    let answer = device.form(&scene.stage, "/v1/sessions:device", "device=Meeting+room").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json
}

async fn join(scene: &Scene, code: &str) -> Answer {
    person(scene.stage.post("/v1/sessions:join", &json!({"user_code": code}))).send().await
}

#[tokio::test]
async fn a_device_is_let_in_by_whoever_types_its_code_and_confirms_it() {
    let scene = scene();
    let device = Device::new(1);
    let waiting = wait(&scene, &device).await;
    assert_eq!(waiting["verification_uri"], format!("https://{HOST}/console"));
    let code = waiting["user_code"].as_str().unwrap();
    let joined = join(&scene, &code.to_ascii_lowercase()).await;
    assert_eq!((joined.status, &joined.json["device"]), (StatusCode::OK, &json!("Meeting room")));
    assert_eq!(joined.json["scopes"], json!(["events:read", "commands:approve"]));
    assert_eq!(refused(&device.poll(&scene.stage, &waiting["device_code"]).await), (400, "authorization_pending"));
    assert_eq!(scene.confirm(&joined.json["id"], json!({})).await.status, StatusCode::NO_CONTENT);
    scene.stage.clock.advance(5 * second());
    let tokens = device.poll(&scene.stage, &waiting["device_code"]).await;
    assert_eq!(claims_of(&tokens.json["access_token"]).1["sub"], "tester-7");
    assert_eq!(scene.told(&joined.json["id"]).await, ["waiting", "joined", "confirmed", "began"]);
}

#[tokio::test]
async fn a_code_is_good_once_and_for_ten_minutes() {
    let scene = scene();
    let device = Device::new(1);
    let one = wait(&scene, &device).await;
    let code = one["user_code"].as_str().unwrap();
    assert_eq!(join(&scene, code).await.status, StatusCode::OK);
    assert_eq!(join(&scene, code).await.status, StatusCode::NOT_FOUND);
    let late = wait(&scene, &device).await;
    scene.stage.clock.advance(601 * second());
    assert_eq!(join(&scene, late["user_code"].as_str().unwrap()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(refused(&device.poll(&scene.stage, &late["device_code"]).await), (400, "expired_token"));
}

#[tokio::test]
async fn whoever_asks_too_fast_is_told_to_slow_down() {
    let scene = scene();
    let device = Device::new(1);
    let waiting = wait(&scene, &device).await;
    let code = &waiting["device_code"];
    assert_eq!(refused(&device.poll(&scene.stage, code).await), (400, "authorization_pending"));
    scene.stage.clock.advance(2 * second());
    assert_eq!(refused(&device.poll(&scene.stage, code).await), (400, "slow_down"));
    scene.stage.clock.advance(2 * second());
    assert_eq!(refused(&device.poll(&scene.stage, code).await), (400, "slow_down"));
    scene.stage.clock.advance(second());
    assert_eq!(refused(&device.poll(&scene.stage, code).await), (400, "authorization_pending"));
}

#[tokio::test]
async fn what_no_client_of_oauth_would_send_is_refused_in_its_words() {
    let scene = scene();
    let device = Device::new(1);
    let post = async |target, form| {
        let answer = device.form(&scene.stage, target, form).await;
        let (status, error) = refused(&answer);
        (status, error.to_owned())
    };
    let token = "/v1/sessions:token";
    assert_eq!(post(token, "").await, (400, "invalid_request".to_owned()));
    assert_eq!(post(token, "grant_type=password").await, (400, "unsupported_grant_type".to_owned()));
    assert_eq!(post(token, "grant_type=a&grant_type=b").await, (400, "invalid_request".to_owned()));
    for given in ["x", "x.y", "x.1.y", ".", "1.2.3.4"] {
        let form = format!("grant_type=refresh_token&refresh_token={given}");
        let answer = device.form(&scene.stage, token, &form).await;
        assert_eq!(refused(&answer), (400, "invalid_grant"), "{given}");
    }
    assert_eq!(post("/v1/sessions:device", "device=a&scope=sessions:write").await, (400, "invalid_scope".to_owned()));
    assert_eq!(post("/v1/sessions:device", "").await, (400, "invalid_request".to_owned()));
    let without = scene.stage.request("POST", token).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(refused(&without.claiming(nobody).body("a=b").send().await), (400, "invalid_dpop_proof"));
    let elsewhere = device.proof(&scene.stage, "/v1/sessions:device");
    assert_eq!(refused(&device.form_with(&scene.stage, token, "a=b", &elsewhere).await), (400, "invalid_dpop_proof"));
}

#[tokio::test]
async fn a_device_that_asks_for_more_than_its_person_has_is_not_let_in() {
    let scene = scene();
    let answer = Device::new(1).form(&scene.stage, "/v1/sessions:device", "device=a&scope=runbooks:read").await;
    let refusal = join(&scene, answer.json["user_code"].as_str().unwrap()).await;
    assert_eq!(refused(&refusal), (400, "invalid-request"));
    assert_eq!(scene.list().await.len(), 0);
}
