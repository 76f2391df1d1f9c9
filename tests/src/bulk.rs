//! More bytes than anybody may hold in memory: a body of any length that both sides can tell from every other, made and
//! checked piece by piece.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::Path;
use axum::http::header::CONTENT_LENGTH;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use sha2::{Digest as _, Sha256};

use crate::back_end::in_a_thread;

const PIECE_BYTES: u64 = 256 * 1024;

/// So many bytes, each piece beginning with its number, so that none can be missing, doubled or out of place.
pub fn pieces(bytes: u64) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    let count = bytes.div_ceil(PIECE_BYTES);
    stream::iter((0..count).map(move |number| {
        let length = PIECE_BYTES.min(bytes.saturating_sub(number.saturating_mul(PIECE_BYTES)));
        let mut piece = vec![u8::try_from(number % 251)?; usize::try_from(length)?];
        for (byte, numbered) in piece.iter_mut().zip(number.to_le_bytes()) {
            *byte = numbered;
        }
        Ok(Bytes::from(piece))
    }))
}

/// Length and digest of a body, read to its end.
pub async fn digest<Error>(body: impl Stream<Item = Result<Bytes, Error>>) -> Result<String>
where
    Error: std::error::Error + Send + Sync + 'static,
{
    let (mut sha256, mut length) = (Sha256::new(), 0_u64);
    let mut body = std::pin::pin!(body);
    while let Some(piece) = body.next().await {
        let piece = piece?;
        length = length.saturating_add(u64::try_from(piece.len())?);
        sha256.update(&piece);
    }
    Ok(format!("{length} bytes, sha256 {:02x?}", sha256.finalize()))
}

/// What `digest` says of an untouched body of this length.
pub async fn expected(bytes: u64) -> Result<String> {
    let body = pieces(bytes).map(|piece| piece.map_err(std::io::Error::other));
    let digest = digest(body).await?;
    ensure!(digest.starts_with(&format!("{bytes} bytes")), "made {digest}");
    Ok(digest)
}

/// Starts a back end that sends `…/down/{bytes}` and says what arrived at `…/up`; gives its URL.
pub fn start_back_end() -> Result<String> {
    let app = Router::new().route("/{way}/bulk/down/{bytes}", get(down)).route("/{way}/bulk/up", post(up));
    let address: SocketAddr = in_a_thread(async |listener| {
        // It ends with the program, and whoever calls it sees when it does not answer.
        let _ = axum::serve(listener, app).await;
    })?;
    Ok(format!("http://{address}"))
}

async fn down(Path((_, bytes)): Path<(String, u64)>) -> Response {
    ([(CONTENT_LENGTH, bytes)], Body::from_stream(pieces(bytes))).into_response()
}

async fn up(body: Body) -> String {
    let body: BodyDataStream = body.into_data_stream();
    digest(body).await.unwrap_or_else(|error| format!("broken off: {error:#}"))
}
