//! Pictures of incidents, from the samples in the log.

use axum::body::to_bytes;

use super::*;

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
