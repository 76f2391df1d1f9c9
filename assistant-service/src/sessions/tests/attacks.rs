//! What is tried against flows across devices: relay, screenshot, replay, brute force, and the wrong account.

use super::*;

#[tokio::test]
async fn a_relayed_code_gives_nothing_without_the_number_on_the_own_device() {
    let scene = scene();
    let offer = scene.offer().await;
    let thief = Device::new(6);
    let stolen = thief.redeem(&scene.stage, &offer["link"]).await.json;
    // The person's own device comes second and shows no number, so there is none to type.
    let own = Device::new(1).redeem(&scene.stage, &offer["link"]).await;
    assert_eq!(refused(&own), (410, "session-gone"));
    assert_eq!(refused(&scene.confirm(&offer["id"], json!({})).await), (400, "invalid-request"));
    assert_eq!(refused(&thief.poll(&scene.stage, &stolen["device_code"]).await), (400, "authorization_pending"));
    scene.end(&offer["id"]).await;
    scene.stage.clock.advance(5 * second());
    assert_eq!(refused(&thief.poll(&scene.stage, &stolen["device_code"]).await), (400, "access_denied"));
}

#[tokio::test]
async fn a_screenshot_is_of_no_use_after_a_minute_nor_after_its_use() {
    let scene = scene();
    let used = scene.offer().await;
    assert_eq!(Device::new(1).redeem(&scene.stage, &used["link"]).await.status, StatusCode::OK);
    assert_eq!(refused(&Device::new(2).redeem(&scene.stage, &used["link"]).await), (410, "session-gone"));
    let late = scene.offer().await;
    scene.stage.clock.advance(60 * second());
    assert_eq!(refused(&Device::new(2).redeem(&scene.stage, &late["link"]).await), (410, "session-gone"));
    let forged = json!(format!("{}x", late["link"].as_str().unwrap()));
    assert_eq!(refused(&Device::new(2).redeem(&scene.stage, &forged).await), (410, "session-gone"));
}

#[tokio::test]
async fn a_code_of_one_key_is_none_of_another_and_no_proof_passes_twice() {
    let scene = scene();
    let (device, thief) = (Device::new(1), Device::new(6));
    let offer = scene.offer().await;
    let redeemed = device.redeem(&scene.stage, &offer["link"]).await.json;
    let code = &redeemed["device_code"];
    let proof = device.proof(&scene.stage, "/v1/sessions:token");
    let form = super::polling(code);
    let poll = || device.form_with(&scene.stage, "/v1/sessions:token", &form, &proof);
    assert_eq!(refused(&poll().await), (400, "authorization_pending"));
    scene.stage.clock.advance(5 * second());
    assert_eq!(refused(&poll().await), (400, "invalid_dpop_proof"));
    scene.confirm(&offer["id"], json!({"number": redeemed["number"]})).await;
    assert_eq!(refused(&thief.poll(&scene.stage, code).await), (400, "invalid_grant"));
    let tokens = device.poll(&scene.stage, code).await.json;
    assert_eq!(refused(&thief.refresh(&scene.stage, &tokens["refresh_token"]).await), (400, "invalid_grant"));
    assert_eq!(device.refresh(&scene.stage, &tokens["refresh_token"]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_device_code_that_comes_again_when_its_answer_has_had_time_to_come_ends_the_session() {
    let scene = scene();
    let device = Device::new(1);
    let offer = scene.offer().await;
    let redeemed = device.redeem(&scene.stage, &offer["link"]).await.json;
    scene.confirm(&offer["id"], json!({"number": redeemed["number"]})).await;
    let tokens = device.poll(&scene.stage, &redeemed["device_code"]).await.json;
    scene.stage.clock.advance(61 * second());
    // Of another key it is none, and ends nothing.
    let stranger = Device::new(6).poll(&scene.stage, &redeemed["device_code"]).await;
    assert_eq!(refused(&stranger), (400, "invalid_grant"));
    assert_eq!(scene.told(&offer["id"]).await.last().unwrap(), "began");
    assert_eq!(refused(&device.poll(&scene.stage, &redeemed["device_code"]).await), (400, "invalid_grant"));
    assert_eq!(scene.told(&offer["id"]).await.last().unwrap(), "ended");
    assert_eq!(refused(&device.refresh(&scene.stage, &tokens["refresh_token"]).await), (400, "invalid_grant"));
    let read = scene.stage.get("/v1/sessions").claiming(with_session(&offer["id"])).send().await;
    assert_eq!(read.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_the_session() {
    let scene = scene();
    let device = Device::new(1);
    let (offer, tokens) = begun(&scene, &device).await;
    let newer = device.refresh(&scene.stage, &tokens["refresh_token"]).await.json;
    scene.stage.clock.advance(61 * second());
    assert_eq!(refused(&device.refresh(&scene.stage, &tokens["refresh_token"]).await), (400, "invalid_grant"));
    assert_eq!(refused(&device.refresh(&scene.stage, &newer["refresh_token"]).await), (400, "invalid_grant"));
    let read = scene.stage.get("/v1/sessions").claiming(with_session(&offer["id"])).send().await;
    assert_eq!(read.status, StatusCode::UNAUTHORIZED);
    assert_eq!(scene.told(&offer["id"]).await.last().unwrap(), "ended");
}

#[tokio::test]
async fn the_third_wrong_number_ends_it_even_if_the_right_one_follows() {
    let scene = scene();
    let device = Device::new(1);
    let offer = scene.offer().await;
    let redeemed = device.redeem(&scene.stage, &offer["link"]).await.json;
    let right: u32 = redeemed["number"].as_str().unwrap().parse().unwrap();
    // A slip of the hand is no guess.
    for slip in ["", "12x", "12345", "१२३४"] {
        let refusal = scene.confirm(&offer["id"], json!({"number": slip})).await;
        assert_eq!(refusal.wrong_fields(), ["number"], "{slip}");
    }
    for wrong in 1..=3 {
        let number = format!("{:04}", (right + wrong) % 10_000);
        assert_eq!(refused(&scene.confirm(&offer["id"], json!({"number": number})).await), (422, "wrong-number"));
    }
    let number = json!({"number": redeemed["number"]});
    assert_eq!(refused(&scene.confirm(&offer["id"], number).await), (410, "session-gone"));
    assert_eq!(refused(&device.poll(&scene.stage, &redeemed["device_code"]).await), (400, "access_denied"));
    assert_eq!(scene.told(&offer["id"]).await, ["offered", "redeemed", "mistyped", "mistyped", "ended"]);
}

#[tokio::test]
async fn another_person_finds_none_of_it_and_the_device_is_told_whose_it_is() {
    let scene = scene();
    let device = Device::new(1);
    let offer = scene.offer().await;
    let redeemed = device.redeem(&scene.stage, &offer["link"]).await.json;
    assert_eq!(redeemed["account"], "tester-7");
    let id = offer["id"].as_str().unwrap();
    let number = json!({"number": redeemed["number"]});
    for request in [
        scene.stage.post(&format!("/v1/sessions/{id}/confirmation"), &number),
        scene.stage.request("DELETE", &format!("/v1/sessions/{id}")),
        scene.stage.get(&format!("/v1/sessions/{id}/code.svg")),
    ] {
        assert_eq!(person(request).by("mallory").send().await.status, StatusCode::NOT_FOUND);
    }
    let namesake = scene.stage.post(&format!("/v1/sessions/{id}/confirmation"), &number);
    let namesake = namesake.claiming(|claims| claims.rctx.iss = Some("https://other.example".to_owned()));
    assert_eq!(namesake.send().await.status, StatusCode::NOT_FOUND);
    assert_eq!(scene.list().await[0]["state"], "redeemed");
}

#[tokio::test]
async fn nothing_that_is_stored_or_told_would_let_anybody_in() {
    let scene = scene();
    let device = Device::new(1);
    let offer = scene.offer().await;
    let redeemed = device.redeem(&scene.stage, &offer["link"]).await.json;
    scene.confirm(&offer["id"], json!({"number": redeemed["number"]})).await;
    let tokens = device.poll(&scene.stage, &redeemed["device_code"]).await.json;
    let stored = scene.stage.state.backbone.get("sessions", offer["id"].as_str().unwrap().to_owned()).await;
    let stored = String::from_utf8(stored.unwrap().unwrap().value).unwrap();
    let target = format!("/v1/events?subject={}", offer["id"].as_str().unwrap());
    let told = scene.stage.get(&target).send().await.json.to_string();
    let (_, handle) = offer["link"].as_str().unwrap().split_once('#').unwrap();
    for secret in [&redeemed["device_code"], &tokens["refresh_token"], &tokens["access_token"], &json!(handle)] {
        let secret = secret.as_str().unwrap().rsplit('.').next().unwrap();
        assert!(!stored.contains(secret) && !told.contains(secret));
    }
    assert!(!told.contains("Ada's phone"));
}
