//! What the gate says of the resource that it guards, so that a client that knows nothing but its address finds out where
//! tokens come from (RFC 9728).

use serde_json::{Map, Value};

use crate::config::Origin;
use crate::denial::Answer;

/// Where clients look for it (RFC 9728, section 3).
pub(crate) const PATH: &str = "/.well-known/oauth-protected-resource";

/// How long a client may keep it: it changes only with the configuration.
const CACHE_CONTROL: &str = "max-age=300";

/// The metadata of every origin; the origins differ in nothing but their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResourceMetadata {
    /// Issuers' identifiers.
    pub(crate) authorization_servers: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) name: Option<String>,
    pub(crate) documentation: Option<String>,
    /// Whether a token may be bound to a client certificate here.
    pub(crate) takes_client_certificates: bool,
    /// What proofs of possession may be signed with.
    pub(crate) proof_algorithms: Vec<&'static str>,
}

impl ResourceMetadata {
    /// The answer to whoever asks for it under this resource's name. A `HEAD` gets it as well: the server leaves the body
    /// out (RFC 9110, section 9.3.2).
    pub(crate) fn answer(&self, resource: &str) -> Answer {
        Answer {
            status: 200,
            headers: vec![("Content-Type", "application/json".to_owned()), ("Cache-Control", CACHE_CONTROL.to_owned())],
            body: self.json(resource).to_string(),
        }
    }

    /// Section 2 of RFC 9728. What would be empty is left out (section 3.2).
    fn json(&self, resource: &str) -> Value {
        let list = |texts: &[String]| Value::from(texts.to_vec());
        let members = [
            ("resource", Some(resource.into())),
            ("authorization_servers", Some(list(&self.authorization_servers))),
            ("scopes_supported", Some(list(&self.scopes))),
            ("bearer_methods_supported", Some(Value::from(vec!["header"]))),
            ("resource_name", self.name.as_deref().map(Value::from)),
            ("resource_documentation", self.documentation.as_deref().map(Value::from)),
            ("tls_client_certificate_bound_access_tokens", self.takes_client_certificates.then_some(Value::Bool(true))),
            ("dpop_signing_alg_values_supported", Some(Value::from(self.proof_algorithms.clone()))),
        ];
        let is_said = |value: &Value| value.as_array().is_none_or(|list| !list.is_empty());
        let said = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.filter(is_said)?)));
        Value::Object(said.collect::<Map<_, _>>())
    }
}

/// The resource's identifier: the origin that the request named, with the port that it named. A client holds the metadata
/// against the address that it used, and takes none for another (RFC 9728, section 3.3).
pub(crate) fn resource(origin: &Origin, host: &str) -> String {
    match origin.text.split_once("://") {
        Some((scheme, _)) if origin.authority != host => format!("{scheme}://{host}"),
        _ => origin.text.clone(),
    }
}

/// Where a resource's metadata lies: what a challenge carries (RFC 9728, section 5.1).
pub(crate) fn url(resource: &str) -> String {
    format!("{resource}{PATH}")
}

#[cfg(test)]
mod tests;
