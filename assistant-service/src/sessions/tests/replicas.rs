//! Several replicas over one store.

use super::*;

#[tokio::test]
async fn of_two_replicas_that_spend_one_handle_at_once_one_does() {
    let scene = scene();
    let other = replica(&scene, &scene.file());
    let (one, two) = (Device::new(1), Device::new(2));
    for _ in 0..8 {
        let offer = scene.offer().await;
        let (first, second) =
            tokio::join!(one.redeem(&scene.stage, &offer["link"]), two.redeem(&other, &offer["link"]));
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 410]);
        scene.end(&offer["id"]).await;
    }
}

#[tokio::test]
async fn a_proof_that_has_passed_at_one_replica_does_not_pass_at_another() {
    let scene = scene();
    let other = replica(&scene, &scene.file());
    let device = Device::new(1);
    let proof = device.proof(&scene.stage, "/v1/sessions:device");
    let wait = |stage| device.form_with(stage, "/v1/sessions:device", "device=a", &proof);
    assert_eq!(wait(&scene.stage).await.status, StatusCode::OK);
    assert_eq!(refused(&wait(&other).await), (400, "invalid_dpop_proof"));
}

#[tokio::test]
async fn what_begins_at_one_replica_goes_on_at_another() {
    let scene = scene();
    let other = replica(&scene, &scene.file());
    let device = Device::new(1);
    let (offer, tokens) = begun(&scene, &device).await;
    let newer = device.refresh(&other, &tokens["refresh_token"]).await;
    assert_eq!(newer.status, StatusCode::OK);
    let newest = device.refresh(&other, &newer.json["refresh_token"]).await;
    assert_eq!(refused(&device.refresh(&scene.stage, &tokens["refresh_token"]).await), (400, "invalid_grant"));
    assert_eq!(refused(&device.refresh(&other, &newest.json["refresh_token"]).await), (400, "invalid_grant"));
    assert_eq!(scene.told(&offer["id"]).await.last().unwrap(), "ended");
}
