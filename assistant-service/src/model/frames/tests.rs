use proptest::prelude::*;

use super::*;

/// What comes out of a body that comes in these pieces, and whether it said its end.
async fn read(pieces: Vec<Vec<u8>>) -> Result<(Vec<String>, bool), Failure> {
    let overheard = Arc::new(Overheard::default());
    let body = stream::iter(pieces.into_iter().map(|piece| Ok(Bytes::from(piece)))).boxed();
    let mut frames = std::pin::pin!(frames(body, Arc::clone(&overheard)));
    let mut parts = Vec::new();
    while let Some(frame) = frames.next().await {
        let Ok(frame) = frame else { return Err(overheard.failure()) };
        overheard.heard_one();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        parts.push(text.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap().to_owned());
    }
    Ok((parts, overheard.has_ended()))
}

async fn read_text(text: &str) -> Result<(Vec<String>, bool), Failure> {
    read(vec![text.as_bytes().to_vec()]).await
}

fn parts(parts: &[&str], has_ended: bool) -> (Vec<String>, bool) {
    (parts.iter().map(|part| (*part).to_owned()).collect(), has_ended)
}

#[tokio::test]
async fn streams_are_read_in_every_spelling() {
    for (text, expected) in [
        ("data: {\"a\":1}\n\ndata: {\"a\":2}\n\ndata: [DONE]\n\n", parts(&["{\"a\":1}", "{\"a\":2}"], true)),
        ("data:{\"a\":1}\r\n\r\ndata: [DONE]\r\n\r\n", parts(&["{\"a\":1}"], true)),
        ("data: {\"a\":1}\r\rdata: [DONE] \r\r", parts(&["{\"a\":1}"], true)),
        ("\u{feff}data: {\"a\":1}\n\n: keep-alive\n\nid: 7\nretry: 3\n\ndata:\n\n", parts(&["{\"a\":1}"], false)),
        ("event: ping\ndata: pong\n\nevent: message\ndata: {\"a\":1}\n\n", parts(&["{\"a\":1}"], false)),
        ("data: {\"a\":\r\ndata: 1}\r\n\r\n", parts(&["{\"a\":  1}"], false)),
        ("data: [DONE]\n\ndata: [DONE]\n\ndata: {\"a\":1}\n\n", parts(&[], true)),
        ("data: {\"a\":1}\n\n{\"error\":\"x\"}\n", parts(&["{\"a\":1}", "{\"error\":\"x\"}"], false)),
        ("data: {\"a\":1}", parts(&["{\"a\":1}"], false)),
        ("data: [DONE]", parts(&[], true)),
        ("", parts(&[], false)),
        ("<html>busy</html>", parts(&[], false)),
        (" {\n  \"a\": 1\n}\n", parts(&["{\"a\":1}"], true)),
        ("{\"a\":1}\n{\"a\":2}\n", parts(&["{\"a\":1}", "{\"a\":2}"], true)),
    ] {
        assert_eq!(read_text(text).await.unwrap(), expected, "{text:?}");
    }
}

#[tokio::test]
async fn what_broke_off_is_no_part_and_what_is_no_json_ends_it() {
    for cut in ["data: {\"a\":1}\n\ndata: {\"a\":", "{\"a\":1, \"b\"", "data: {\"a\":\ndata: 1"] {
        assert!(matches!(read_text(cut).await, Err(Failure::CutOff)), "{cut:?}");
    }
    for malformed in ["data: hello\n\n", "data: {]\n\ndata: [DONE]\n\n", "{]"] {
        assert!(matches!(read_text(malformed).await, Err(Failure::Malformed(_))), "{malformed:?}");
    }
    let invalid = read(vec![b"data: {\"a\":\"\xff\"}\n\n".to_vec()]).await;
    assert!(matches!(invalid, Err(Failure::Malformed(_))));
    let nested = format!("data: {}{}\n\n", "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(read_text(&nested).await, Err(Failure::Malformed(_))));
}

#[tokio::test]
async fn no_line_and_no_body_is_read_without_end() {
    let line = std::iter::once(b"data: ".to_vec()).chain(std::iter::repeat_n(vec![b' '; 256 * 1024], 64)).collect();
    assert!(matches!(read(line).await, Err(Failure::TooLarge)));
    let document = std::iter::once(b"{".to_vec()).chain(std::iter::repeat_n(vec![b' '; 256 * 1024], 64)).collect();
    assert!(matches!(read(document).await, Err(Failure::TooLarge)));
    let comments = std::iter::repeat_n(b": x\n\n".repeat(50_000), 100).collect();
    assert!(matches!(read(comments).await, Err(Failure::TooLarge)));
}

#[tokio::test]
async fn a_listener_who_does_not_listen_holds_the_server_up() {
    let overheard = Arc::new(Overheard::default());
    let body = stream::repeat_with(|| Ok(Bytes::from_static(b"data: {}\n\n"))).boxed();
    let mut frames = std::pin::pin!(frames(body, Arc::clone(&overheard)));
    let mut count = 0;
    while let std::task::Poll::Ready(Some(frame)) = futures_util::poll!(frames.next()) {
        frame.unwrap();
        count += 1;
    }
    assert_eq!(count, MOST_UNHEARD);
    overheard.heard_one();
    assert!(futures_util::poll!(frames.next()).is_ready());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Networks cut wherever they like.
    #[test]
    fn the_pieces_of_a_body_make_no_difference(cuts in proptest::collection::vec(0_usize..90, 0..8)) {
        let text = "data: {\"a\":\"é\"}\r\n\r\n: x\r\ndata: {\"a\":2}\n\ndata: {\"a\":\ndata: 3}\r\rdata: [DONE]\r\n\r\n".as_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| text[cut[0]..cut[1]].to_vec()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let read = runtime.block_on(read(pieces)).unwrap();
        prop_assert_eq!(read, parts(&["{\"a\":\"é\"}", "{\"a\":2}", "{\"a\":  3}"], true));
    }
}
