//! What clients may learn of the resource behind the gate.

use super::ConfiguredIssuer;
use super::reader::{Mistake, Reader};
use crate::client_certificate::ClientCertificates;
use crate::dpop::Proofs;
use crate::resource_metadata::ResourceMetadata;
use crate::rules::{Access, Rule};

const KEY: &str = "resourceMetadata";

/// Nothing unless it is asked for: by an object, or by `true` for one that says no more than the rest of the configuration.
pub(super) fn read(
    root: &Reader<'_>,
    issuers: &[ConfiguredIssuer],
    rules: &[Rule],
    (client_certificates, proofs): (ClientCertificates, &Proofs),
    mistakes: &mut Vec<Mistake>,
) -> Option<ResourceMetadata> {
    let written = root.value(KEY)?;
    let reader = root.at(KEY);
    if written.is_object() {
        reader.only_keys(&["scopes", "name", "documentation"], mistakes);
    } else if !root.boolean(KEY, mistakes)? {
        return None;
    }
    if root.is_empty("publicOrigins") {
        reader.mistake("metadata speaks of an origin by its name, so publicOrigins must name one", mistakes);
    }
    if issuers.is_empty() {
        reader.mistake("metadata names those who issue tokens, and there is no issuer", mistakes);
    }
    let scopes = match reader.value("scopes") {
        Some(_) => reader.strings("scopes", mistakes).into_iter().map(|(_, scope)| scope).collect(),
        None => scopes_of(rules),
    };
    Some(ResourceMetadata {
        authorization_servers: authorization_servers(issuers),
        scopes,
        name: reader.string("name", mistakes),
        documentation: reader.string("documentation", mistakes),
        takes_client_certificates: client_certificates == ClientCertificates::Trusted,
        proof_algorithms: proofs.algorithms(),
    })
}

/// Who issues the tokens that clients bring: not an exchange, but those for whom it speaks.
fn authorization_servers(issuers: &[ConfiguredIssuer]) -> Vec<String> {
    let mut servers: Vec<String> = Vec::new();
    for policy in issuers.iter().map(|configured| &configured.issuer.policy) {
        let named =
            if policy.speaks_for.is_empty() { std::slice::from_ref(&policy.issuer) } else { &policy.speaks_for };
        for issuer in
            named.iter().filter(|issuer| !servers.iter().any(|server| **server == ***issuer)).collect::<Vec<_>>()
        {
            servers.push(issuer.to_string());
        }
    }
    servers
}

/// Every scope that a rule asks for, once, in the order of the rules.
fn scopes_of(rules: &[Rule]) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for rule in rules {
        let Access::Authenticated(Some(requirement)) = &rule.access else { continue };
        for scope in requirement.wanted().into_iter().filter_map(|matcher| matcher.scope()) {
            if !scopes.iter().any(|other| other == scope) {
                scopes.push(scope.to_owned());
            }
        }
    }
    scopes
}
