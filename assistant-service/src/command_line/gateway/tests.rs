use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn arguments(gateway: &str, token: &str) -> (GatewayArguments, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), token).unwrap();
    let gateway = gateway.parse().unwrap();
    (GatewayArguments { gateway, token_file: file.path().to_owned(), ca: None }, file)
}

/// Answers one call with `answer`, and gives the call's head.
async fn answering(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let called = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await.unwrap());
        }
        // A client that has read enough goes away.
        let _ = connection.write_all(&answer).await;
        String::from_utf8(head).unwrap()
    });
    (address, called)
}

#[test]
fn a_token_does_not_pass_in_the_clear() {
    for (address, is_taken) in [
        ("https://gw.example.com", true),
        ("http://localhost:8080", true),
        ("http://127.0.0.1:8080", true),
        ("http://gw.example.com", false),
        ("http://localhost.example.com", false),
        ("file:///etc", false),
    ] {
        assert_eq!(arguments(address, "t").0.connect().is_ok(), is_taken, "{address}");
    }
}

#[tokio::test]
async fn a_call_carries_the_token_and_its_segments_stay_segments() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec();
    let (address, called) = answering(answer).await;
    let (arguments, _file) = arguments(&format!("{address}/below/"), "a-token\n");
    let gateway = arguments.connect().unwrap();
    send(gateway.call(Method::GET, &["v1", "../x?y#z"]).unwrap()).await.unwrap();
    let head = called.await.unwrap();
    assert!(head.starts_with("GET /below/v1/..%2Fx%3Fy%23z HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: Bearer a-token\r\n"), "{head}");
}

#[tokio::test]
async fn a_problem_is_told_in_words_and_a_large_answer_is_not_read() {
    let problem =
        r#"{"title":"Invalid request","detail":"See errors.","errors":[{"field":"time","detail":"is wrong"}]}"#;
    let problem = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\r\n{problem}",
        problem.len()
    );
    let mut large = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    large.resize(MAX_ANSWER_BYTES + 100, b' ');
    for (answer, said) in [
        (problem.into_bytes(), "Invalid request: See errors. (400)\n  time: is wrong"),
        (b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n".to_vec(), "the gateway answered 502 Bad Gateway"),
        (large, "the answer has more than 64 MiB; ask for less at once"),
    ] {
        let (address, _called) = answering(answer).await;
        let (arguments, _file) = arguments(&address, "a-token");
        let call = arguments.connect().unwrap().call(Method::GET, &["v1"]).unwrap();
        assert_eq!(send(call).await.unwrap_err().to_string(), said);
    }
}

#[test]
fn without_a_token_nothing_is_called() {
    for (token, said) in [("", "is empty"), ("a\nb", "holds no token")] {
        let (arguments, _file) = arguments("https://gw.example.com", token);
        let error = arguments.connect().unwrap().call(Method::GET, &[]).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}
