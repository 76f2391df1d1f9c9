//! WebSocket on both sides of the gate: a back end that echoes or pushes, and a client over wss.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::handshake::server;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use crate::back_end::for_each_connection;
use crate::beside::Way;
use crate::stage::Stage;
use crate::wire::{PATIENCE, tls};

/// How many messages `push` sends by itself.
pub const PUSHED: usize = 1_000;

/// The close code with which `push` ends.
pub const PUSH_ENDED: u16 = 4_002;

/// What a connection was to the back end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The subprotocols that the client offered.
    pub offered: Option<String>,
    /// Who called, as the gate says it.
    pub subject: Option<String>,
    /// What arrived, message by message.
    pub messages: usize,
    /// How the client closed; nothing when it just went.
    pub closed: Option<(u16, String)>,
}

/// The back end: `…/echo` sends each message back, `…/push` sends its own while it reads.
#[derive(Debug)]
pub struct SocketBackEnd {
    address: SocketAddr,
    served: tokio::sync::Mutex<UnboundedReceiver<Served>>,
}

impl SocketBackEnd {
    /// Starts it.
    pub fn start() -> Result<SocketBackEnd> {
        let (report, served) = unbounded_channel();
        let address = for_each_connection(move |connection| serve(connection, report.clone()))?;
        Ok(SocketBackEnd { address, served: tokio::sync::Mutex::new(served) })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the next connection that ended was.
    pub async fn served(&self) -> Result<Served> {
        let mut served = self.served.lock().await;
        timeout(PATIENCE, served.recv()).await.context("no connection has ended")?.context("the back end has ended")
    }
}

#[expect(clippy::result_large_err, reason = "the handshake's callback has this signature")]
async fn serve(connection: TcpStream, report: UnboundedSender<Served>) -> Result<()> {
    let mut served = Served { offered: None, subject: None, messages: 0, closed: None };
    let mut pushes = false;
    let accept = |request: &server::Request, mut answer: server::Response| {
        let field = |name: &str| request.headers().get(name)?.to_str().ok().map(str::to_owned);
        served.offered = field("sec-websocket-protocol");
        served.subject = field("x-auth-subject");
        pushes = request.uri().path().ends_with("/push");
        // The last one, so that a test sees that it was us who chose.
        let chosen = served.offered.as_deref().and_then(|offered| offered.split(", ").last());
        if let Some(chosen) = chosen.and_then(|chosen| HeaderValue::from_str(chosen).ok()) {
            answer.headers_mut().insert("sec-websocket-protocol", chosen);
        }
        Ok(answer)
    };
    let mut socket = accept_hdr_async(connection, accept).await?;
    let ended = if pushes { push(&mut socket).await } else { echo(&mut socket).await };
    // A connection that failed is one that was not closed in order, which is what the report then says.
    (served.messages, served.closed) = ended.unwrap_or_default();
    report.send(served)?;
    Ok(())
}

/// How many messages came, and how the client closed.
type Ended = (usize, Option<(u16, String)>);

async fn echo(socket: &mut WebSocketStream<TcpStream>) -> Result<Ended> {
    let mut messages: usize = 0;
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Close(frame) => return Ok((messages, frame.map(told))),
            message => {
                messages = messages.saturating_add(1);
                socket.send(message).await?;
            }
        }
    }
    Ok((messages, None))
}

/// Sends and reads at the same time, so that neither side waits for the other, and then closes first.
async fn push(socket: &mut WebSocketStream<TcpStream>) -> Result<Ended> {
    let (mut to_client, mut from_client) = socket.split();
    let sending = async {
        for number in 0..PUSHED {
            to_client.send(Message::text(format!("pushed {number}"))).await?;
        }
        anyhow::Ok(())
    };
    let reading = async {
        for number in 0..PUSHED {
            let message = from_client.next().await.context("hung up")??;
            anyhow::ensure!(message.to_text()? == format!("sent {number}"), "message {number} was {message}");
        }
        anyhow::Ok(PUSHED)
    };
    let ((), messages) = tokio::try_join!(sending, reading)?;
    let frame = CloseFrame { code: PUSH_ENDED.into(), reason: "enough".into() };
    to_client.send(Message::Close(Some(frame))).await?;
    // The client answers a close with the same close.
    let closed = match from_client.next().await {
        Some(Ok(Message::Close(frame))) => frame.map(told),
        _ => None,
    };
    Ok((messages, closed))
}

/// Code and reason of a close.
pub fn told(frame: CloseFrame) -> (u16, String) {
    (frame.code.into(), frame.reason.to_string())
}

/// A client's side of a WebSocket through the gateway.
pub type Client = WebSocketStream<TlsStream<TcpStream>>;

/// Opens `…/<resource>` of the back end `sockets` on one way, over wss, offering subprotocols.
pub async fn open(stage: &Stage, way: Way, resource: &str, offered: &str) -> Result<(Client, Response)> {
    let url = format!("wss://localhost:{}{}", stage.https_port(), way.path("sockets", resource));
    let mut request = url.into_client_request()?;
    let bearer = format!("Bearer {}", stage.mint("console-7", crate::beside::SCOPE)?);
    request.headers_mut().insert("authorization", HeaderValue::from_str(&bearer)?);
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(offered)?);
    let connection = tls(stage.https_port(), &stage.ca(), "http/1.1").await?;
    Ok(client_async(request, connection).await?)
}
