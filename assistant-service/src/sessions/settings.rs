//! What sessions are told in their file. Every mistake in it is found at once, with its line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use trust_core::Mistake;

use crate::config_file::{self, LocatedMistake};
use crate::section::Section;

const DEFAULT_ISSUER: &str = "urn:watchgate:sessions";

/// What somebody needs who watches: nothing that begins anything, but for approving what others have asked for.
const DEFAULT_SCOPES: [&str; 5] = ["assistant:ask", "events:read", "runbooks:read", "commands:approve", "mediations"];

/// With this one a session could open sessions, which would outlive it.
pub(super) const OPENING: &str = "sessions:write";

const DEFAULT_HANDLE_SECONDS: u64 = 60;
const DEFAULT_TOKEN_SECONDS: u64 = 600;
const DEFAULT_SESSION_SECONDS: u64 = 12 * 60 * 60;

const KEYS: [&str; 10] = [
    "issuer",
    "audience",
    "keyFile",
    "handleKeyFile",
    "origin",
    "teams",
    "scopes",
    "handleSeconds",
    "tokenSeconds",
    "sessionSeconds",
];

/// Everything that sessions are told.
#[derive(Debug)]
pub(super) struct Settings {
    /// `iss` of the tokens.
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) key_file: PathBuf,
    pub(super) handle_key_file: PathBuf,
    /// Where links lead, by team; under the empty name where there are no teams.
    pub(super) teams: BTreeMap<String, String>,
    /// The most that a session may do.
    pub(super) scopes: Vec<String>,
    pub(super) handle_seconds: i64,
    pub(super) token_seconds: i64,
    pub(super) session_seconds: i64,
}

impl Settings {
    /// Reads the text of a file.
    pub(super) fn read(text: &str) -> Result<Self, Vec<LocatedMistake>> {
        config_file::read(text, read_all)
    }

    /// All origins under which devices may come.
    pub(super) fn origins(&self) -> impl Iterator<Item = &String> {
        self.teams.values()
    }
}

fn read_all(file: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Settings> {
    file.only_keys(&KEYS, mistakes);
    let issuer = file.text("issuer", mistakes).unwrap_or_else(|| DEFAULT_ISSUER.to_owned());
    let audience = file.required("audience", mistakes);
    let key_file = file.required("keyFile", mistakes).map(PathBuf::from);
    let handle_key_file = file.required("handleKeyFile", mistakes).map(PathBuf::from);
    let mut scopes = file.texts("scopes", mistakes);
    if scopes.is_empty() {
        scopes = DEFAULT_SCOPES.map(str::to_owned).to_vec();
    }
    for scope in &scopes {
        if scope == OPENING {
            file.at("scopes").mistake(format!("a session with {OPENING} could open others"), mistakes);
        } else if !scope.bytes().all(|byte| byte.is_ascii_graphic()) {
            file.at("scopes").mistake("a scope has no spaces (RFC 6749, section 3.3)", mistakes);
        }
    }
    let mut seconds =
        |key, bounds, default| i64::try_from(file.number(key, bounds, mistakes).unwrap_or(default)).unwrap_or(i64::MAX);
    let handle_seconds = seconds("handleSeconds", 10..=300, DEFAULT_HANDLE_SECONDS);
    let token_seconds = seconds("tokenSeconds", 60..=600, DEFAULT_TOKEN_SECONDS);
    let session_seconds = seconds("sessionSeconds", 600..=7 * 24 * 60 * 60, DEFAULT_SESSION_SECONDS);
    let teams = teams(file, mistakes);
    Some(Settings {
        issuer,
        audience: audience?,
        key_file: key_file?,
        handle_key_file: handle_key_file?,
        teams,
        scopes,
        handle_seconds,
        token_seconds,
        session_seconds,
    })
}

fn teams(file: &Section<'_>, mistakes: &mut Vec<Mistake>) -> BTreeMap<String, String> {
    let named = file.entries("teams", mistakes);
    if named.is_empty() != file.at("origin").is_there() {
        file.at("origin").mistake("either this or teams: it says where links lead", mistakes);
    }
    let mut teams = BTreeMap::new();
    let mut add = |name: String, key: &str, at: &Section<'_>, mistakes: &mut Vec<Mistake>| {
        let Some(url) = at.url(key, mistakes) else { return };
        if url.path() == "/" && url.query().is_none() {
            teams.insert(name, url.origin().ascii_serialization());
        } else {
            at.at(key).mistake("an origin has no path, such as https://gw.example.com", mistakes);
        }
    };
    if file.at("origin").is_there() {
        add(String::new(), "origin", file, mistakes);
    }
    for (name, _) in named {
        add(name.clone(), &name, &file.at("teams"), mistakes);
    }
    teams
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "audience: watchgate\nkeyFile: /k/sessions.pem\nhandleKeyFile: /k/handle.key\n";

    fn mistakes(more: &str) -> Vec<String> {
        let mistakes = Settings::read(&format!("{WHOLE}{more}")).unwrap_err();
        mistakes.into_iter().map(|located| located.mistake.place).collect()
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let settings = Settings::read(&format!("{WHOLE}origin: https://gw.example.com/\n")).unwrap();
        assert_eq!(settings.issuer, "urn:watchgate:sessions");
        assert_eq!(settings.origins().collect::<Vec<_>>(), ["https://gw.example.com"]);
        assert_eq!(settings.scopes, DEFAULT_SCOPES);
        assert_eq!((settings.handle_seconds, settings.token_seconds, settings.session_seconds), (60, 600, 43_200));
        let text = format!("{WHOLE}teams: {{red: 'https://red.example.com', blue: 'https://blue.example.com:8443'}}\n");
        let settings = Settings::read(&text).unwrap();
        assert_eq!(settings.teams["blue"], "https://blue.example.com:8443");
    }

    #[test]
    fn what_would_give_too_much_or_lead_nowhere_is_a_mistake() {
        assert_eq!(mistakes(""), ["origin"]);
        assert_eq!(mistakes("origin: https://a.example\nteams: {red: 'https://red.example.com'}\n"), ["origin"]);
        assert_eq!(mistakes("origin: gw.example.com\n"), ["origin"]);
        assert_eq!(mistakes("origin: https://gw.example.com/a\n"), ["origin"]);
        assert_eq!(mistakes("origin: https://a.example\nscopes: [events:read, 'sessions:write']\n"), ["scopes"]);
        assert_eq!(mistakes("origin: https://a.example\nscopes: ['events:read runbooks:read']\n"), ["scopes"]);
        assert_eq!(mistakes("origin: https://a.example\ntokenSeconds: 3600\n"), ["tokenSeconds"]);
        assert_eq!(mistakes("origin: https://a.example\ntoken: 60\n"), ["token"]);
    }
}
