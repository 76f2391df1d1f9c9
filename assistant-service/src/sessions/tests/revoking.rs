//! What ending a session revokes, and that nobody can fill what is revoked with sessions.

use super::*;
use crate::revocations::MAX_ENTRIES;

async fn revoked(scene: &Scene) -> usize {
    scene.stage.state.backbone.list("revocations", None, 100).await.unwrap().len()
}

#[tokio::test]
async fn a_session_that_never_had_a_token_leaves_no_revocation() {
    let scene = scene();
    let device = Device::new(1);
    let offer = scene.offer().await;
    let redeemed = device.redeem(&scene.stage, &offer["link"]).await.json;
    scene.confirm(&offer["id"], json!({"number": redeemed["number"]})).await;
    assert_eq!(scene.end(&offer["id"]).await, StatusCode::NO_CONTENT);
    assert_eq!(revoked(&scene).await, 0);
    assert_eq!(refused(&device.poll(&scene.stage, &redeemed["device_code"]).await), (400, "access_denied"));
    let (offer, _) = begun(&scene, &device).await;
    assert_eq!(scene.end(&offer["id"]).await, StatusCode::NO_CONTENT);
    assert_eq!(revoked(&scene).await, 1);
}

#[tokio::test]
async fn where_sessions_have_filled_their_part_one_ends_all_the_same_and_others_are_revoked() {
    let scene = scene();
    let device = Device::new(1);
    let (offer, tokens) = begun(&scene, &device).await;
    let read = || scene.stage.get("/v1/sessions").claiming(with_session(&offer["id"])).send();
    scene.stage.state.trust.fill(MAX_ENTRIES / 4 * 3);
    // Told each time, and not that all is well.
    for _ in 0..2 {
        assert_eq!(scene.end(&offer["id"]).await, StatusCode::INSUFFICIENT_STORAGE);
    }
    assert_eq!(scene.told(&offer["id"]).await[3..], ["began", "ended"]);
    assert_eq!(refused(&device.refresh(&scene.stage, &tokens["refresh_token"]).await), (400, "invalid_grant"));
    assert_eq!(read().await.status, StatusCode::OK);
    assert_eq!(revoke(&scene, "sub=mallory").await, StatusCode::OK);
    // There is room again: what was asked for is done.
    scene.stage.state.trust.sweep().await.unwrap();
    assert_eq!(scene.end(&offer["id"]).await, StatusCode::NO_CONTENT);
    assert_eq!(read().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_the_session_where_nothing_more_can_be_revoked_too() {
    let scene = scene();
    let device = Device::new(1);
    let (offer, tokens) = begun(&scene, &device).await;
    let newer = device.refresh(&scene.stage, &tokens["refresh_token"]).await.json;
    scene.stage.state.trust.fill(MAX_ENTRIES);
    scene.stage.clock.advance(61 * second());
    for tokens in [&tokens, &newer] {
        assert_eq!(refused(&device.refresh(&scene.stage, &tokens["refresh_token"]).await), (400, "invalid_grant"));
    }
    assert_eq!(scene.told(&offer["id"]).await.last().unwrap(), "ended");
}

/// The session is over and its token revoked, or neither: a second replica sees both or nothing.
#[tokio::test]
async fn a_session_ends_in_one_commit_with_its_revocation() {
    let scene = scene();
    let (offer, _) = begun(&scene, &Device::new(1)).await;
    scene.end(&offer["id"]).await;
    let revision = async |bucket| scene.stage.state.backbone.list(bucket, None, 1).await.unwrap()[0].revision;
    let (of_session, of_revocation) = (revision("sessions").await, revision("revocations").await);
    // Entries of one commit have revisions without a gap: of the revocation, the person's sessions, and the session.
    assert_eq!(of_session - of_revocation, 2);
}
