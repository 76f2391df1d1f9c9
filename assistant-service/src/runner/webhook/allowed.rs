//! Hosts that may be told although they are none of the internet: named one by one by who starts the runner.

use std::str::FromStr;

use anyhow::bail;
use reqwest::Url;
use trust_core::network::Network;

/// `HOST` or `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::runner) struct AllowedHost {
    host: String,
    port: Option<u16>,
}

impl AllowedHost {
    pub(super) fn is(&self, url: &Url) -> bool {
        url.host_str().is_some_and(|host| host == self.host)
            && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
    }
}

impl FromStr for AllowedHost {
    type Err = anyhow::Error;

    /// Read as an address is, so that every spelling of a host that an address may have is the same here.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let url = Url::parse(&format!("watchgate://{text}"));
        let is_host = !text.contains('*')
            && url.as_ref().is_ok_and(|url| {
                url.username().is_empty() && url.path().is_empty() && url.query().is_none() && url.fragment().is_none()
            });
        let port = url.ok().filter(|_| is_host).map(|url| url.port());
        // The host's letters are made small, and its numbers plain, for schemes of the web alone.
        let web = Url::parse(&format!("https://{text}"));
        match (port, web.ok().and_then(|url| url.host_str().map(str::to_owned))) {
            (Some(port), Some(host)) => Ok(Self { host, port }),
            _ => bail!("`{text}` is no host; write it as hooks.internal or hooks.internal:8443"),
        }
    }
}

/// What a named host may be: this host and private networks. Links (with the metadata of clouds), groups and nobody never
/// are.
pub(super) fn own_networks() -> anyhow::Result<Vec<Network>> {
    ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1", "fc00::/7"]
        .into_iter()
        .map(|network| Network::parse(network).map_err(anyhow::Error::msg))
        .collect()
}
