//! The code that is shown: who sees it, and for how long.

use axum::body::to_bytes;

use super::*;

/// What a camera would read in a picture.
fn read(picture: &[u8]) -> String {
    let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    let channels = info.color_type.samples();
    let grey = |x: usize, y: usize| pixels[(y * width + x) * channels];
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    image.detect_grids()[0].decode().unwrap().1
}

#[tokio::test]
async fn what_a_camera_reads_lets_its_device_in() {
    let scene = scene();
    let offer = scene.offer().await;
    let target = format!("/v1/sessions/{}/code.png", offer["id"].as_str().unwrap());
    let picture = to_bytes(person(scene.stage.get(&target)).open().await.into_body(), 1 << 20).await.unwrap();
    let link = read(&picture);
    assert!(link.starts_with(&format!("https://{HOST}/watch#")), "{link}");
    // Sealed anew for each picture, so it is another text for the same offer.
    assert_ne!(offer["link"], link);
    assert_eq!(Device::new(1).redeem(&scene.stage, &json!(link)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_code_is_shown_to_its_owner_until_it_is_used() {
    let scene = scene();
    let offer = scene.offer().await;
    let id = offer["id"].as_str().unwrap();
    for (name, kind) in [("svg", "image/svg+xml"), ("png", "image/png")] {
        let target = format!("/v1/sessions/{id}/code.{name}");
        let picture = person(scene.stage.get(&target)).open().await;
        assert_eq!(picture.status(), StatusCode::OK);
        assert_eq!(
            (&picture.headers()["content-type"], &picture.headers()["cache-control"]),
            (&kind.parse().unwrap(), &"no-store".parse().unwrap())
        );
        assert!(to_bytes(picture.into_body(), 1 << 20).await.unwrap().len() > 1000);
        assert_eq!(person(scene.stage.get(&target)).by("mallory").send().await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(Device::new(1).redeem(&scene.stage, &offer["link"]).await.status, StatusCode::OK);
    let gone = person(scene.stage.get(&format!("/v1/sessions/{id}/code.png"))).send().await;
    assert_eq!(refused(&gone), (410, "session-gone"));
}
