use std::net::SocketAddr;

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A listener with these bounds, until the sender speaks or is dropped.
async fn listening(bounds: Bounds) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ending) = oneshot::channel();
    let slow = get(async || tokio::time::sleep(Duration::from_millis(300)).await);
    let routes = Router::new().route("/", get(async || "here")).route("/slow", slow);
    let answering = tokio::spawn(answer(listener, routes, bounds, async {
        let _ = ending.await;
    }));
    (address, end, answering)
}

/// What comes until the service hangs up.
async fn everything(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset after an answer is an end as well.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn ask(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

const CLOSING: &str = "GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_head_that_trickles_or_never_comes_ends_its_connection_and_holds_nobody_up() {
    let bounds = Bounds { at_once: 8, head_within: Duration::from_millis(400) };
    let (address, _end, _answering) = listening(bounds).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut trickling = ask(address, "GET / HTTP/1.1\r\n").await;
    let trickle = async {
        // One header after the other, for ever.
        while trickling.write_all(b"x: y\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let begun = tokio::time::Instant::now();
    assert!(everything(&mut ask(address, CLOSING).await).await.ends_with("here"));
    assert!(begun.elapsed() < bounds.head_within, "{:?}", begun.elapsed());
    timeout(PATIENCE, trickle).await.unwrap();
    assert_eq!(everything(&mut silent).await, "");
}

#[tokio::test]
async fn one_connection_more_than_there_are_waits_until_another_one_ends() {
    let (address, _end, _answering) = listening(Bounds { at_once: 1, head_within: PATIENCE }).await;
    let mut first = ask(address, "GET / HTTP/1.1\r\nHost: here\r\n\r\n").await;
    let mut answer = [0; 15];
    first.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    let mut second = ask(address, CLOSING).await;
    let waiting = timeout(Duration::from_millis(200), second.read_u8()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    drop(first);
    assert!(everything(&mut second).await.ends_with("here"));
}

#[tokio::test]
async fn a_head_over_the_bound_gets_431() {
    let (address, _end, _answering) = listening(Bounds { at_once: 8, head_within: PATIENCE }).await;
    // What comes in one piece may be somewhat over it.
    let request = format!("GET / HTTP/1.1\r\nHost: here\r\nX: {}\r\n\r\n", "x".repeat(3 * MOST_HEAD_BYTES));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let mut answer = [0; 12];
    // The service may hang up before it has all of that.
    let (read, _) = tokio::join!(reading.read_exact(&mut answer), writing.write_all(request.as_bytes()));
    read.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");
}

#[tokio::test]
async fn at_the_end_what_is_under_way_is_answered_and_nothing_new_is_taken() {
    let (address, end, answering) = listening(Bounds { at_once: 8, head_within: PATIENCE }).await;
    let mut idle = ask(address, "GET / HTTP/1.1\r\nHost: here\r\n\r\n").await;
    let mut slow = ask(address, "GET /slow HTTP/1.1\r\nHost: here\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    end.send(()).unwrap();
    assert!(everything(&mut idle).await.starts_with("HTTP/1.1 200 OK"));
    assert!(everything(&mut slow).await.starts_with("HTTP/1.1 200 OK"));
    timeout(PATIENCE, answering).await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_let_go_of_and_one_that_reads_slowly_is_not() {
    let (mut reading, writing) = tokio::io::duplex(1024);
    let mut writing = Unread::new(writing, Duration::from_millis(300));
    let written = tokio::spawn(async move { writing.write_all(&[0; 64 * 1024]).await });
    for _ in 0..16 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        reading.read_exact(&mut [0; 512]).await.unwrap();
    }
    assert!(!written.is_finished(), "a slow reader is a reader");
    let error = timeout(PATIENCE, written).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}
