//! Devices whose clocks are wrong.

use super::*;

#[tokio::test]
async fn what_was_over_in_1970_by_the_clocks_of_devices_is_kept_for_as_long_as_anything_else() {
    let stage = Stage::new();
    send_second(&stage, 0, 0).await;
    let mut follower = follower(&stage).await;
    for number in 1..PLAYED {
        send_second(&stage, 0, number).await;
        look_and_tick(&mut follower).await;
    }
    let said = said(&stage).await;
    assert_eq!((of_type(&said, "opened").len(), of_type(&said, "resolved").len()), (1, 1), "{said:#?}");
    let incident = said[0]["subject"].as_str().unwrap();
    let shown = stage.get(&format!("/v1/incidents/{incident}")).send().await;
    assert_eq!((shown.status.as_u16(), &shown.json["state"]), (200, &json!("resolved")), "{}", shown.json);
    let listed = stage.get("/v1/incidents?state=resolved").send().await;
    assert_eq!(listed.json["incidents"].as_array().map(Vec::len), Some(1), "{}", listed.json);
}
