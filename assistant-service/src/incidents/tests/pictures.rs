//! Pictures of incidents, from the samples in the log.

use axum::body::to_bytes;

use trust_core::principal::Principal;

use super::*;
use crate::testing::ISSUER;

async fn incident(stage: &Stage) -> String {
    said(stage).await[0]["subject"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_picture_shows_struck_devices_and_another_one_from_before_to_after() {
    let stage = played().await;
    let id = incident(&stage).await;
    let response = stage.get(&format!("/v1/incidents/{id}/plot.svg")).open().await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "image/svg+xml");
    assert!(response.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let picture = String::from_utf8(bytes.to_vec()).unwrap();
    for words in [">console-1<", ">console-3<", ">FrameTime (ms)<", ">began ", ">noticed after ", ">over after "] {
        assert!(picture.contains(words), "{words} is not in {picture}");
    }
    assert!(picture.contains(">console-2<") || picture.contains(">console-4<"));
    let lines = picture.split("<path class=\"struck struck-0\"").nth(1).unwrap().split('"').nth(1).unwrap();
    assert!(lines.split(' ').count() > 200, "{lines}");
    let response = stage.get(&format!("/v1/incidents/{id}/plot.png")).open().await;
    assert_eq!(response.headers()["content-type"], "image/png");
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    for none in ["plot.svg", "plot.png"] {
        assert_eq!(stage.get(&format!("/v1/incidents/nobody/{none}")).send().await.status, 404);
    }
}

#[tokio::test]
async fn whoever_asks_for_too_many_pictures_waits_and_takes_no_place_from_others() {
    let stage = played().await;
    let path = format!("/v1/incidents/{}/plot.svg", incident(&stage).await);
    let status = async || {
        let response = stage.get(&path).open().await;
        (response.status().as_u16(), response.headers().contains_key("retry-after"))
    };
    let seat = |name: &str| stage.state.picture_seats.take(&Principal::new(ISSUER, name));
    let own: Vec<_> = std::iter::from_fn(|| seat("tester-7").ok()).collect();
    assert_eq!(status().await, (429, true));
    assert!(seat("somebody-else").is_ok());
    drop(own);
    assert_eq!(status().await, (200, false));
    let names = (0..).map(|number: u32| number.to_string());
    let all: Vec<_> = names.map_while(|name| seat(&name).ok()).collect();
    assert_eq!(status().await, (503, true));
    drop(all);
    // A picture that is made gives its place back.
    for _ in 0..40 {
        assert_eq!(status().await, (200, false));
    }
}
