//! An issuer's keys over HTTPS: where they are, and what they are. Nothing that a provider says is believed unseen.

use std::time::Duration;

use reqwest::header::{ACCEPT, CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use thiserror::Error;
use tokio::time::Instant;
use trust_core::token_verifier::{InvalidVerifier, TokenVerifier};

use super::config::IssuerConfig;
use crate::outbound::{Outbound, OutboundAnswer, OutboundError, OutboundSettings};

/// The gate reads no larger set, and no provider has so much to say of itself.
pub(super) const MAX_BYTES: usize = 256 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10);

/// After that it is looked up again, whether a fetch was due or wished for: wishes that never end keep no provider at an
/// address that it has left.
const PLACE_KEPT_FOR: Duration = Duration::from_secs(60 * 60);

const SHORTEST: Duration = Duration::from_secs(5 * 60);
const USUAL: Duration = Duration::from_secs(60 * 60);
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// Keys as they were fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FetchedKeys {
    /// The JWK Set, byte for byte.
    pub(super) jwks: Vec<u8>,
    /// How long they need not be fetched again.
    pub(super) fresh_for: Duration,
}

/// Why there are no new keys.
#[derive(Debug, Error)]
pub(super) enum CannotFetch {
    #[error("{1}")]
    Outbound(#[source] OutboundError, &'static str),
    #[error("{1} answered {0}")]
    Status(StatusCode, &'static str),
    #[error("the metadata is no JSON with `issuer` and `jwks_uri`")]
    Metadata,
    #[error("the metadata is of another issuer, {0:?}")]
    OtherIssuer(String),
    #[error("`jwks_uri` is no address with https")]
    JwksUri,
    #[error(transparent)]
    Keys(#[from] UnfitKeys),
}

/// Why a JWK Set cannot take the place of another.
#[derive(Debug, Error)]
pub(super) enum UnfitKeys {
    #[error("not a JWK Set: an object with a list \"keys\" was expected (RFC 7517, section 5)")]
    Form,
    #[error(transparent)]
    Verifier(#[from] InvalidVerifier),
}

/// Whether a JWK Set holds at least one key that can verify a token.
pub(super) fn check_keys(jwks: &[u8]) -> Result<(), UnfitKeys> {
    #[derive(Deserialize)]
    struct Set {
        #[expect(dead_code, reason = "a single key is no set, though the verifier would take it")]
        keys: Vec<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Set>(jwks).map_err(|_| UnfitKeys::Form)?;
    TokenVerifier::new(jwks, &[])?;
    Ok(())
}

/// One issuer's provider, and what is known of it.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: String,
    fixed: Option<Url>,
    /// Where the keys are, and since when that is known.
    discovered: Option<(Url, Instant)>,
    settings: OutboundSettings,
    outbound: Outbound,
    last: Option<(HeaderValue, Vec<u8>)>,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl Provider {
    pub(super) fn new(config: &IssuerConfig) -> Result<Self, OutboundError> {
        let settings = OutboundSettings {
            timeout: TIMEOUT,
            max_bytes: MAX_BYTES,
            allowed_networks: config.allowed_networks.clone(),
            ca_file: config.ca_file.clone(),
            client_identity: None,
        };
        let outbound = Outbound::new(&settings)?;
        let (issuer, fixed) = (config.issuer.clone(), config.jwks_uri.clone());
        Ok(Self { issuer, fixed, discovered: None, settings, outbound, last: None })
    }

    /// Fetches the keys. Where they are is looked up when it is not known, and again after anything went wrong: one
    /// request in the usual case, three at most.
    pub(super) async fn fetch(&mut self) -> Result<FetchedKeys, CannotFetch> {
        let fetched = self.fetch_from_known().await;
        if fetched.is_err() {
            (self.discovered, self.last) = (None, None);
            // The authorities may have been replaced.
            if let Ok(renewed) = Outbound::new(&self.settings) {
                self.outbound = renewed;
            }
        }
        fetched
    }

    async fn fetch_from_known(&mut self) -> Result<FetchedKeys, CannotFetch> {
        let place = self.place().await?;
        let condition = self.last.as_ref().map(|(tag, _)| tag.clone());
        let answer = self.get(&place, condition, "the address of the keys").await?;
        let fresh_for = fresh_for(&answer.headers);
        match (answer.status, &self.last) {
            (StatusCode::OK, _) => {}
            (StatusCode::NOT_MODIFIED, Some((_, jwks))) => return Ok(FetchedKeys { jwks: jwks.clone(), fresh_for }),
            (status, _) => return Err(CannotFetch::Status(status, "the address of the keys")),
        }
        check_keys(&answer.body)?;
        self.last = answer.headers.get(ETAG).map(|tag| (tag.clone(), answer.body.clone()));
        Ok(FetchedKeys { jwks: answer.body, fresh_for })
    }

    async fn place(&mut self) -> Result<Url, CannotFetch> {
        if let Some(fixed) = &self.fixed {
            return Ok(fixed.clone());
        }
        match &self.discovered {
            Some((place, since)) if since.elapsed() < PLACE_KEPT_FOR => return Ok(place.clone()),
            _ => {}
        }
        let place = self.discover().await?;
        // What another place has tagged is not what this one has.
        if self.discovered.as_ref().is_none_or(|(before, _)| *before != place) {
            self.last = None;
        }
        self.discovered = Some((place.clone(), Instant::now()));
        Ok(place)
    }

    /// OpenID Connect Discovery 1.0, section 4; where the provider does not know that, RFC 8414, section 3.
    async fn discover(&self) -> Result<Url, CannotFetch> {
        let [openid, oauth] = metadata_places(&self.issuer).ok_or(CannotFetch::Metadata)?;
        let mut answer = self.get(&openid, None, "the OpenID metadata").await?;
        if answer.status.is_client_error() {
            answer = self.get(&oauth, None, "the OAuth metadata").await?;
        }
        if answer.status != StatusCode::OK {
            return Err(CannotFetch::Status(answer.status, "the address of the metadata"));
        }
        let metadata: Metadata = serde_json::from_slice(&answer.body).map_err(|_| CannotFetch::Metadata)?;
        // Byte for byte (RFC 8414, section 3.3): else one tenant's provider could speak for another's.
        if metadata.issuer != self.issuer {
            return Err(CannotFetch::OtherIssuer(metadata.issuer.chars().take(200).collect()));
        }
        let place = Url::parse(&metadata.jwks_uri).map_err(|_| CannotFetch::JwksUri)?;
        // Without TLS only where the issuer is on this host without it as well.
        if place.scheme() == "https" || self.issuer.starts_with("http://") {
            Ok(place)
        } else {
            Err(CannotFetch::JwksUri)
        }
    }

    async fn get(
        &self,
        place: &Url,
        condition: Option<HeaderValue>,
        what: &'static str,
    ) -> Result<OutboundAnswer, CannotFetch> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/jwk-set+json, application/json"));
        headers.extend(condition.map(|tag| (IF_NONE_MATCH, tag)));
        let answer = self.outbound.call(Method::GET, place, headers, Vec::new()).await;
        answer.map_err(|error| CannotFetch::Outbound(error, what))
    }
}

/// Where metadata may be: behind the issuer's path, and before it.
fn metadata_places(issuer: &str) -> Option<[Url; 2]> {
    let openid = Url::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))).ok()?;
    let mut oauth = Url::parse(issuer).ok()?;
    let path = oauth.path().trim_end_matches('/').to_owned();
    oauth.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    Some([openid, oauth])
}

/// `max-age` (RFC 9111, section 5.2.2.1) within bounds: a provider that says nothing is asked each hour, and none makes the
/// keeper ask more than each five minutes or less than each twelve hours.
fn fresh_for(headers: &HeaderMap) -> Duration {
    let directives = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut fresh = USUAL;
    for directive in directives.flat_map(|value| value.split(',')) {
        let directive = directive.trim().to_ascii_lowercase();
        if directive == "no-store" || directive == "no-cache" {
            return SHORTEST;
        }
        if let Some(seconds) = directive.strip_prefix("max-age=") {
            // What is no number says nothing of how long.
            fresh = seconds.trim_matches('"').parse().map_or(SHORTEST, Duration::from_secs);
        }
    }
    fresh.clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests;
