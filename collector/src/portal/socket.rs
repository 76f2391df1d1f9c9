//! `systemperf` over WebSocket: the same JSON once a second, without being asked.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::calls::MOST_ANSWER_BYTES;
use super::{Portal, PortalError, SYSTEM_PERFORMANCE, trust};

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// It tells once a second; after this it is taken for gone.
const SILENCE: Duration = Duration::from_secs(10);

/// An open socket.
pub(super) struct Socket(WebSocketStream<TlsStream<TcpStream>>);

/// Opens it; nothing where the portal answers, but does not open it.
pub(super) async fn open(portal: &Portal) -> Result<Option<Socket>, PortalError> {
    let mut url = portal.url(SYSTEM_PERFORMANCE)?;
    url.set_scheme("wss").map_err(|()| PortalError::Address)?;
    let mut request = url.as_str().into_client_request().map_err(|_| PortalError::Address)?;
    let headers = request.headers_mut();
    // The portal takes a socket from pages of its own alone.
    let origin = portal.address.origin().ascii_serialization();
    headers.insert("Origin", HeaderValue::from_str(&origin).map_err(|_| PortalError::Address)?);
    if let Some(authorization) = &portal.authorization {
        headers.insert("Authorization", authorization.clone());
    }
    let stream = trust::connect(&portal.address, portal.tls.clone()).await?;
    let bounds =
        WebSocketConfig::default().max_message_size(Some(MOST_ANSWER_BYTES)).max_frame_size(Some(MOST_ANSWER_BYTES));
    let opened = timeout(HANDSHAKE_TIMEOUT, client_async_with_config(request, stream, Some(bounds)));
    match opened.await.map_err(|error| PortalError::Unreachable(error.to_string()))? {
        Ok((socket, _)) => Ok(Some(Socket(socket))),
        // Whoever may not ask at all is told so when they ask.
        Err(Error::Http(_) | Error::Protocol(_)) => Ok(None),
        Err(error) => Err(PortalError::Unreachable(error.to_string())),
    }
}

impl Socket {
    /// What it says next.
    pub(super) async fn next(&mut self) -> Result<String, PortalError> {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                    Some(Ok(Message::Binary(bytes))) => {
                        let text = String::from_utf8(bytes.into());
                        return text.map_err(|_| PortalError::Answer(SYSTEM_PERFORMANCE));
                    }
                    // Pings are answered with the next read.
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Close(_))) | None => {
                        return Err(PortalError::Unreachable("it has closed the socket".to_owned()));
                    }
                    Some(Err(error)) => return Err(PortalError::Unreachable(error.to_string())),
                }
            }
        };
        timeout(SILENCE, next).await.map_err(|_| PortalError::Unreachable("it has fallen silent".to_owned()))?
    }
}
