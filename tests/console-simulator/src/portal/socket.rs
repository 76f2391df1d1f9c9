//! The same answers over a WebSocket, each as it comes.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::Console;

/// Whether a request wants a WebSocket.
pub(super) fn is_asked_for(request: &Request) -> bool {
    text(request.headers(), &header::UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Opens it. Without an `Origin` that is the host's own, the portal opens none: another site's page could ask for it.
pub(super) fn open(mut request: Request, console: Arc<Console>) -> Response {
    if console.oddities.is_without_socket {
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = request.headers();
    let host = text(headers, &header::HOST);
    let origin = text(headers, &header::ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    if host.is_none() || host != origin {
        return StatusCode::FORBIDDEN.into_response();
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let accept = key.and_then(|key| HeaderValue::from_str(&key).ok());
    let (Some(accept), Some(upgrade)) = (accept, request.extensions_mut().remove::<OnUpgrade>()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            push(upgraded, &console).await;
        }
    });
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let said = [
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    answer.headers_mut().extend(said);
    answer
}

fn text<'request>(headers: &'request HeaderMap, name: &HeaderName) -> Option<&'request str> {
    headers.get(name)?.to_str().ok()
}

/// Sends each answer until the client goes, or the console breaks it off.
async fn push(upgraded: Upgraded, console: &Console) {
    let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    let (mut send, mut receive) = stream.split();
    let mut gauges = console.gauges.subscribe();
    gauges.mark_changed();
    let mut sent = 0_u32;
    while console.oddities.cut_socket.is_none_or(|most| sent < most.get()) {
        tokio::select! {
            changed = gauges.changed() => {
                let Ok(()) = changed else { return };
                let Some(now) = gauges.borrow_and_update().as_ref().map(|it| console.performance(it)) else { continue };
                if send.send(Message::text(now)).await.is_err() {
                    return;
                }
                sent = sent.saturating_add(1);
            }
            // Pings are answered while it is read, and a close too.
            said = receive.next() => match said {
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}
