//! gRPC's wire form over HTTP/2, both sides: messages in length-prefixed frames, the status in trailers. No generated
//! code, because what is tested is what passes, frame by frame.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::back_end::for_each_connection;
use crate::wire::{PATIENCE, tls};

/// Starts a back end over h2c, HTTP/2 without TLS, and gives its URL as Traefik wants it.
///
/// By the method that a path ends with: `Unary` and `Echo` answer each message as it arrives, `Refuse` answers with a
/// status and nothing else, `Abort` breaks off after one message.
pub fn start_back_end() -> Result<String> {
    let address: SocketAddr = for_each_connection(|connection| async move {
        let mut connection = h2::server::handshake(connection).await?;
        while let Some(accepted) = connection.accept().await {
            let (request, answer) = accepted?;
            tokio::spawn(serve(request, answer));
        }
        Ok(())
    })?;
    Ok(format!("h2c://{address}"))
}

async fn serve(request: Request<RecvStream>, mut answer: SendResponse<Bytes>) -> Result<()> {
    let mut head = Response::builder().header("content-type", "application/grpc");
    for name in ["x-auth-subject", "x-binary-bin"] {
        if let Some(value) = request.headers().get(name) {
            head = head.header(format!("seen-{name}"), value);
        }
    }
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    if method == "Refuse" {
        let refused = head.header("grpc-status", "5").header("grpc-message", "no such device").body(())?;
        answer.send_response(refused, true)?;
        return Ok(());
    }
    let mut messages = Messages::new(request.into_body());
    let mut to_client = answer.send_response(head.body(())?, false)?;
    while let Some(message) = messages.next().await? {
        to_client.send_data(frame(&message), false)?;
        if method == "Abort" {
            // Only what has left can arrive before the reset.
            tokio::task::yield_now().await;
            to_client.send_reset(Reason::INTERNAL_ERROR);
            return Ok(());
        }
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers.insert("grpc-message", HeaderValue::from_static("all said"));
    trailers.insert("x-checksum-bin", HeaderValue::from_static("AAEC"));
    to_client.send_trailers(trailers)?;
    Ok(())
}

/// A connection of HTTP/2 to the gateway.
pub struct GrpcClient {
    requests: SendRequest<Bytes>,
    origin: String,
    driver: JoinHandle<()>,
}

impl GrpcClient {
    /// Connects to `https://localhost:<port>`.
    pub async fn connect(port: u16, ca: &Path) -> Result<GrpcClient> {
        let (requests, connection) = h2::client::handshake(tls(port, ca, "h2").await?).await?;
        let driver = tokio::spawn(async move {
            // Ends when either side closes; the calls report why.
            let _ = connection.await;
        });
        Ok(GrpcClient { requests, origin: format!("https://localhost:{port}"), driver })
    }

    /// Begins a call.
    pub async fn call(&self, path: &str, token: &str) -> Result<Call> {
        let request = Request::post(format!("{}{path}", self.origin))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("x-binary-bin", "3q2+7w")
            .header("authorization", format!("Bearer {token}"))
            .body(())?;
        let (answer, to_server) = self.requests.clone().ready().await?.send_request(request, false)?;
        Ok(Call { to_server, answer: Some(answer), messages: None })
    }
}

impl Drop for GrpcClient {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// One call, whose two directions go on by themselves.
pub struct Call {
    to_server: SendStream<Bytes>,
    answer: Option<ResponseFuture>,
    messages: Option<Messages>,
}

impl Call {
    /// Sends a message.
    pub fn say(&mut self, message: &[u8]) -> Result<()> {
        Ok(self.to_server.send_data(frame(message), false)?)
    }

    /// Says that no message follows.
    pub fn finish(&mut self) -> Result<()> {
        Ok(self.to_server.send_data(Bytes::new(), true)?)
    }

    /// Breaks the call off.
    pub fn cancel(&mut self) {
        self.to_server.send_reset(Reason::CANCEL);
    }

    /// The header of the answer, once.
    pub async fn head(&mut self) -> Result<Response<()>> {
        let answer = self.answer.take().context("the header has been read")?;
        let (head, body) = timeout(PATIENCE, answer).await.context("no header came")??.into_parts();
        self.messages = Some(Messages::new(body));
        Ok(Response::from_parts(head, ()))
    }

    /// The next message; nothing after the last one.
    pub async fn hear(&mut self) -> Result<Option<Bytes>> {
        let messages = self.messages.as_mut().context("the header comes first")?;
        timeout(PATIENCE, messages.next()).await.context("no message came")?
    }

    /// What comes after the last message.
    pub async fn trailers(&mut self) -> Result<HeaderMap> {
        let messages = self.messages.as_mut().context("the header comes first")?;
        let trailers = timeout(PATIENCE, messages.stream.trailers()).await.context("no trailers came")??;
        Ok(trailers.unwrap_or_default())
    }
}

/// The messages in a stream of HTTP/2.
struct Messages {
    stream: RecvStream,
    read: BytesMut,
}

impl Messages {
    fn new(stream: RecvStream) -> Messages {
        Messages { stream, read: BytesMut::new() }
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if let Some(prefix) = self.read.first_chunk::<5>() {
                let [flag, length @ ..] = *prefix;
                ensure!(flag == 0, "a compressed message");
                let length = usize::try_from(u32::from_be_bytes(length))?;
                if self.read.len() >= length.saturating_add(5) {
                    self.read.advance(5);
                    return Ok(Some(self.read.split_to(length).freeze()));
                }
            }
            match self.stream.data().await {
                Some(data) => {
                    let data = data?;
                    self.stream.flow_control().release_capacity(data.len())?;
                    self.read.extend_from_slice(&data);
                }
                None => {
                    ensure!(self.read.is_empty(), "the stream ends within a message");
                    return Ok(None);
                }
            }
        }
    }
}

fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(message.len().saturating_add(5));
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(message);
    frame.freeze()
}
