//! What stands behind the gateway: objects of any size, and a stream that does not end.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::routing::get;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::time::sleep;

const MOST_BYTES: usize = 10_000_000;
const DRIP_EVERY: Duration = Duration::from_millis(10);

/// Starts it; resolves to its URL. It ends with the program.
pub(crate) async fn start() -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let app = Router::new()
        .route("/object/{bytes}", get(async |Path(bytes): Path<usize>| vec![b'.'; bytes.min(MOST_BYTES)]))
        .route("/drip", get(drip))
        // So the gateway's starter knows that it is there.
        .fallback(async || "");
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(url)
}

async fn drip() -> Body {
    Body::from_stream(stream::unfold((), async |()| {
        sleep(DRIP_EVERY).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(&[b'.'; 100])), ()))
    }))
}
