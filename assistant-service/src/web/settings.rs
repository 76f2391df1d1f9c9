//! What the console is told in its file. Every mistake in it is found at once, with its line.

use serde::Serialize;
use trust_core::Mistake;

use crate::config_file::{self, LocatedMistake};
use crate::section::Section;

/// Everything that the console has a view for.
const DEFAULT_SCOPE: &str = "openid events:read assistant:ask runbooks:read commands:request commands:approve sessions:write \
                             mediations silences:write";

const KEYS: [&str; 6] = ["issuer", "clientId", "scope", "resource", "connect", "paste"];

/// Everything that the console is told.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) sign_in: SignIn,
    /// The origins, besides the own one, that the page calls: those of the identity provider.
    pub(super) connect: Vec<String>,
}

/// How one signs in, as the page reads it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SignIn {
    /// The identity provider (OpenID Connect Discovery 1.0); without one there is only a token that one brings.
    issuer: Option<String>,
    /// The console's name there: a public client (RFC 6749, section 2.1).
    client_id: Option<String>,
    scope: String,
    /// For whom the access token shall be (RFC 8707).
    resource: Option<String>,
    /// Whether somebody may bring a token.
    paste: bool,
}

impl Settings {
    /// Reads the text of a file.
    pub(super) fn read(text: &str) -> Result<Self, Vec<LocatedMistake>> {
        config_file::read(text, |file, mistakes| Some(read_all(file, mistakes)))
    }
}

fn read_all(file: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Settings {
    file.only_keys(&KEYS, mistakes);
    let address = file.url("issuer", mistakes);
    let issuer = file.text("issuer", mistakes);
    let client_id = file.text("clientId", mistakes);
    let paste = file.boolean("paste", mistakes).unwrap_or(false);
    match (&issuer, &client_id) {
        (Some(_), None) => file.at("clientId").mistake("the console's name at the issuer is missing", mistakes),
        (None, Some(_)) => file.at("issuer").mistake("where the client is known is missing", mistakes),
        (None, None) if !paste => file.at("issuer").mistake("without it or `paste: true` nobody can sign in", mistakes),
        _ => {}
    }
    let mut connect: Vec<_> = address.iter().map(|address| address.origin().ascii_serialization()).collect();
    for further in file.list("connect", mistakes) {
        let origin = further.as_text().and_then(|text| reqwest::Url::parse(text).ok());
        match origin.filter(|url| url.has_host() && url.path() == "/" && url.query().is_none()) {
            Some(origin) => connect.push(origin.origin().ascii_serialization()),
            None => further.mistake("an origin such as https://idp.example.com was expected", mistakes),
        }
    }
    let scope = file.text("scope", mistakes).unwrap_or_else(|| DEFAULT_SCOPE.to_owned());
    if issuer.is_some() && !scope.split(' ').any(|name| name == "openid") {
        file.at("scope").mistake("openid must be among it, or the page does not know who signed in", mistakes);
    }
    let resource = file.text("resource", mistakes);
    Settings { sign_in: SignIn { issuer, client_id, scope, resource, paste }, connect }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        Settings::read(text).unwrap_err().into_iter().map(|located| located.mistake.place).collect()
    }

    #[test]
    fn an_identity_provider_may_be_called_and_nobody_else() {
        let text =
            "issuer: https://idp.example.com/realms/a\nclientId: console\nconnect: ['https://tokens.example.com']\n";
        let settings = Settings::read(text).unwrap();
        assert_eq!(settings.connect, ["https://idp.example.com", "https://tokens.example.com"]);
        assert_eq!(settings.sign_in.issuer.as_deref(), Some("https://idp.example.com/realms/a"));
        assert!(!settings.sign_in.paste);
        assert!(settings.sign_in.scope.starts_with("openid "), "{}", settings.sign_in.scope);
        let settings = Settings::read("paste: true\n").unwrap();
        assert!(settings.connect.is_empty());
    }

    #[test]
    fn a_console_that_nobody_can_sign_in_to_is_a_mistake() {
        assert_eq!(mistakes("{}"), ["issuer"]);
        assert_eq!(mistakes("clientId: console\n"), ["issuer"]);
        assert_eq!(mistakes("issuer: https://idp.example.com\n"), ["clientId"]);
        assert_eq!(mistakes("issuer: idp.example.com\nclientId: console\n"), ["issuer"]);
        let at_path =
            "issuer: https://idp.example.com\nclientId: c\nconnect: ['https://idp.example.com/token', \"'self'\"]\n";
        assert_eq!(mistakes(at_path), ["connect[0]", "connect[1]"]);
        assert_eq!(mistakes("paste: true\ntoken: a\n"), ["token"]);
    }

    #[test]
    fn a_scope_by_which_nobody_is_told_who_signed_in_is_a_mistake() {
        let with = |scope: &str| format!("issuer: https://idp.example.com\nclientId: c\nscope: {scope}\n");
        for scope in ["events:read", "''", "openid2 events:read", "OpenID"] {
            assert_eq!(mistakes(&with(scope)), ["scope"], "{scope}");
        }
        for scope in ["openid", "events:read openid offline_access"] {
            Settings::read(&with(scope)).unwrap();
        }
        Settings::read("paste: true\nscope: events:read\n").unwrap();
    }
}
