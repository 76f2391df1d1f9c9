//! The portal's REST interface: GET alone, bounded in time and size.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use rustls::ClientConfig;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::trust::CONNECT_TIMEOUT;
use super::{Portal, PortalError};
use crate::gateway::{cause, said};

const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// No answer of those that are asked for has a thousandth of it.
pub(super) const MOST_ANSWER_BYTES: usize = 1024 * 1024;

/// A client for this trust alone.
pub(super) fn client(tls: &ClientConfig) -> Result<Client, PortalError> {
    let client = Client::builder().timeout(CALL_TIMEOUT).connect_timeout(CONNECT_TIMEOUT).redirect(Policy::none());
    let client = client.no_proxy().https_only(true).http1_only().tls_backend_preconfigured(tls.clone());
    client.build().map_err(|error| PortalError::Unreachable(said(&error)))
}

/// Basic authentication (RFC 7617) with the `user:password` in a file.
pub(super) fn authorization(file: &Path) -> Result<HeaderValue, PortalError> {
    let text = std::fs::read_to_string(file).map_err(|error| PortalError::File(file.to_owned(), error))?;
    let text = Zeroizing::new(text);
    let pair = text.trim_end_matches(['\r', '\n']);
    let wrong = || PortalError::Content(file.to_owned(), "`user:password` on one line");
    if pair.split_once(':').is_none_or(|(user, _)| user.is_empty()) || pair.chars().any(char::is_control) {
        return Err(wrong());
    }
    let basic = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair)));
    let mut value = HeaderValue::from_str(&basic).map_err(|_| wrong())?;
    value.set_sensitive(true);
    Ok(value)
}

impl Portal {
    /// What is answered, as far as it is what is documented.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &'static str) -> Result<T, PortalError> {
        serde_json::from_slice(&self.body(path).await?).map_err(|_| PortalError::Answer(path))
    }

    /// The body of the answer.
    pub(super) async fn body(&self, path: &'static str) -> Result<Vec<u8>, PortalError> {
        let mut call = self.client.get(self.url(path)?).header(ACCEPT, "application/json");
        if let Some(authorization) = &self.authorization {
            call = call.header(AUTHORIZATION, authorization.clone());
        }
        let unreachable = |error: reqwest::Error| PortalError::Unreachable(cause(&error));
        let mut response = call.send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(PortalError::Refused(path, response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(unreachable)? {
            if body.len().saturating_add(piece.len()) > MOST_ANSWER_BYTES {
                return Err(PortalError::Answer(path));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// A path of the portal.
    pub(super) fn url(&self, path: &str) -> Result<Url, PortalError> {
        self.address.join(path).map_err(|_| PortalError::Address)
    }
}
