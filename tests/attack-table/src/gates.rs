//! The gates that rows are sent to: the shipped configuration with more rules and more issuers, and small ones beside it that
//! each differ in one thing.

#![expect(clippy::indexing_slicing, reason = "a JSON object takes a member that it has not")]

use serde_json::{Value, json};

use crate::Forge;
use crate::forge::{ISSUER, MANY_KEYS_ISSUER, SECOND_ISSUER, SECRETS_ISSUER, set_of};
use crate::forgery::set;
use crate::rows::unfit::UnfitSet;

/// Where the shipped issuer's keys lie below `/trust`.
pub const JWKS_FILE: &str = "jwks/dev.json";
const MANY_KEYS_FILE: &str = "jwks/many.json";
const SECRETS_FILE: &str = "jwks/secrets.json";

/// One of the issuers that nobody could tell apart by their keys.
pub const ONE_TWIN: &str = "https://one-twin.watchgate.test";
/// The other one.
pub const OTHER_TWIN: &str = "https://other-twin.watchgate.test";

/// The exchange, which signs with the second issuer's key.
pub const EXCHANGE: &str = "urn:watchgate:exchange";
/// One that makes tokens of its own for the subjects of another, with the same key.
pub const DEPUTY: &str = "urn:watchgate:sessions";
/// One whose opaque tokens the exchange writes down.
pub const OPAQUE_ISSUER: &str = "https://opaque.watchgate.test";

/// Which gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GateName {
    /// The shipped rules, and one for each kind of condition that they do not use.
    Main,
    /// One that takes Traefik's word on client certificates, and tells clients where tokens come from.
    Trusting,
    /// One that only observes.
    Observing,
    /// One that lets a source bring two bad tokens a minute.
    Throttling,
    /// One that stands behind a trusted proxy on this machine.
    BehindProxy,
    /// One that serves any host.
    Anywhere,
    /// One whose configuration has a mistake in it.
    Mistaken,
    /// One whose issuer may sign with public keys and with shared secrets.
    Mixed,
    /// One that keeps verified claims in a shared file.
    Caching,
    /// The same for another audience.
    OtherAudience,
    /// The same for another type of token.
    OtherType,
    /// The same for another algorithm.
    OtherAlgorithm,
    /// The same, with five minutes of leeway.
    Lenient,
    /// The same with a rule that looks at another claim.
    Careless,
    /// The same with a rule that looks at another member of a list.
    Forgetful,
    /// One that trusts two issuers who share a key.
    Twins,
    /// One whose trust directory has a keeper.
    Kept,
    /// The same, with an exchange, and an issuer of tokens of its own, that may speak for another.
    Exchanging,
}

impl GateName {
    /// The small gates that stand beside the main one in Traefik, each under a host of its own.
    pub const BESIDE: [GateName; 7] = [
        GateName::Trusting,
        GateName::Observing,
        GateName::Throttling,
        GateName::BehindProxy,
        GateName::Anywhere,
        GateName::Mistaken,
        GateName::Mixed,
    ];

    /// The name of its middleware, and of its host below `localhost`.
    pub fn text(self) -> &'static str {
        match self {
            GateName::Main => "gate",
            GateName::Trusting => "trusting",
            GateName::Observing => "observing",
            GateName::Throttling => "throttling",
            GateName::BehindProxy => "behind-proxy",
            GateName::Anywhere => "anywhere",
            GateName::Mistaken => "mistaken",
            GateName::Mixed => "mixed",
            GateName::Caching => "caching",
            GateName::OtherAudience => "other-audience",
            GateName::OtherType => "other-type",
            GateName::OtherAlgorithm => "other-algorithm",
            GateName::Lenient => "lenient",
            GateName::Careless => "careless",
            GateName::Forgetful => "forgetful",
            GateName::Twins => "twins",
            GateName::Kept => "kept",
            GateName::Exchanging => "exchanging",
        }
    }

    /// What requests to it name as their host, where clients reach the main gate at `authority`.
    pub fn authority(self, authority: &str) -> String {
        if self == GateName::Main { authority.to_owned() } else { format!("{}.localhost", self.text()) }
    }
}

/// The configuration of a gate; `authority` is where clients reach the main one.
pub fn config(name: GateName, forge: &Forge, authority: &str) -> Value {
    if name == GateName::Main {
        return main(forge, authority);
    }
    let mut gate = small(name);
    match name {
        GateName::Main | GateName::Caching => {}
        GateName::Trusting => {
            gate["trustClientCertificate"] = json!(true);
            gate["resourceMetadata"] = json!(true);
            add_rule(
                &mut gate,
                json!({"name": "bound", "match": "Path(`/table/bound`)", "require": "BoundToClient()"}),
            );
        }
        GateName::Observing => gate["mode"] = json!("observe"),
        GateName::Throttling => gate["throttle"] = json!({"badTokensPerMinute": 2}),
        GateName::BehindProxy => {
            gate["clientAddress"] = json!({"depth": 1, "trustedProxies": ["127.0.0.0/8"]});
            add_rule(
                &mut gate,
                json!({"name": "inside", "match": "Path(`/table/inside`) && ClientIP(`10.0.0.0/8`)", "public": true}),
            );
            add_rule(
                &mut gate,
                json!({"name": "proxy", "match": "Path(`/table/proxy`) && ClientIP(`127.0.0.0/8`)", "public": true}),
            );
        }
        GateName::Anywhere => {
            set(&mut gate, "publicOrigins", Value::Null);
            add_rule(
                &mut gate,
                json!({"name": "host", "match": "Path(`/table/host`) && Host(`other.localhost`)", "public": true}),
            );
        }
        GateName::Mistaken => gate["rules"] = json!([{"name": "all", "match": "PathPrefix(`/`)", "public": "perhaps"}]),
        GateName::Mixed => gate["issuers"][0]["algorithms"] = json!(["EdDSA", "HS256"]),
        GateName::OtherAudience => gate["issuers"][0]["audiences"] = json!(["another"]),
        GateName::OtherType => gate["issuers"][0]["tokenTypes"] = json!(["JWT"]),
        GateName::OtherAlgorithm => gate["issuers"][0]["algorithms"] = json!(["RS256"]),
        GateName::Lenient => gate["issuers"][0]["leewaySeconds"] = json!(300),
        GateName::Careless => {
            gate["rules"][2]["require"] = json!("!Claim(`team`, `true`) && !ClaimContains(`flags`, `banned`)")
        }
        GateName::Forgetful => {
            gate["rules"][2]["require"] = json!("!Claim(`suspended`, `true`) && !ClaimContains(`flags`, `welcome`)");
        }
        GateName::Twins => {
            let issuer =
                |name: &str| json!({"issuer": name, "audiences": ["watchgate"], "jwks": set_of([&forge.second.key])});
            gate["issuers"] = json!([issuer(ONE_TWIN), issuer(OTHER_TWIN)]);
        }
        GateName::Kept => {
            gate["keeper"] = json!(true);
            gate["issuers"] = json!([
                shipped_issuer(),
                {"issuer": MANY_KEYS_ISSUER, "audiences": ["watchgate"], "jwksFile": MANY_KEYS_FILE},
            ]);
        }
        GateName::Exchanging => {
            gate["keeper"] = json!(true);
            gate["issuers"] = json!([shipped_issuer(), {
                "issuer": EXCHANGE, "audiences": ["watchgate"], "jwks": set_of([&forge.second.key]),
                "speaksFor": ["https://first.watchgate.test", OPAQUE_ISSUER],
            }, {
                "issuer": DEPUTY, "audiences": ["watchgate"], "jwks": set_of([&forge.second.key]),
                "tokenTypes": ["session+jwt"], "speaksFor": ["https://first.watchgate.test", OPAQUE_ISSUER],
            }]);
        }
    }
    gate
}

/// The files below `/trust`, but for the gate's own keys.
pub fn trust_files(forge: &Forge) -> Vec<(String, String)> {
    let many = set_of(forge.many.all().map(|named| &named.key));
    let secrets = set_of([&forge.long_secret.key, &forge.short_secret.key]);
    let mut files = vec![
        (JWKS_FILE.to_owned(), forge.jwks().to_string()),
        (MANY_KEYS_FILE.to_owned(), many.to_string()),
        (SECRETS_FILE.to_owned(), secrets.to_string()),
    ];
    for set in &forge.unfit {
        files.extend(set.content.clone().map(|content| (set.file(), content)));
    }
    files
}

/// The shipped rules as JSON; a test of `watchgate-tests` holds them against the shipped file.
pub fn shipped_rules() -> Value {
    json!([
        {"name": "health", "match": "(Path(`/healthz`) || Path(`/readyz`) || Path(`/openapi.json`)) && Method(`GET`)", "public": true},
        {"name": "events-write", "match": "Path(`/v1/events`) && Method(`POST`)", "require": "Scope(`events:write`)",
         "event": {"type": "dev.watchgate.telemetry", "clientTypes": ["com.example.telemetry.*", "dev.watchgate.telemetry.samples", "dev.watchgate.probe.*"]}},
        {"name": "events-read", "match": "Path(`/v1/events`) && Method(`GET`)", "require": "Scope(`events:read`)"},
        {"name": "dead-letters-read", "match": "PathPrefix(`/v1/dead-letters`) && Method(`GET`)", "require": "Scope(`dead-letters:read`)"},
        {"name": "dead-letters-write",
         "match": "(PathRegexp(`/v1/dead-letters/[^/]+/replay`) && Method(`POST`)) || (PathRegexp(`/v1/dead-letters/[^/]+`) && Method(`DELETE`))",
         "require": "Scope(`dead-letters:write`)"},
        {"name": "events-consume",
         "match": "(Path(`/v1/consumers`) && Method(`GET`)) || (PathRegexp(`/v1/consumers/[^/]+`) && (Method(`GET`) || Method(`PUT`) || Method(`DELETE`))) || (PathRegexp(`/v1/consumers/[^/]+/events:(fetch|settle)`) && Method(`POST`))",
         "require": "Scope(`events:consume`)"},
        {"name": "incidents-explain", "match": "PathRegexp(`/v1/incidents/[^/]+/explanation`) && Method(`GET`)",
         "require": "Scope(`events:read`) && Scope(`assistant:ask`)", "event": {"type": "dev.watchgate.question"}},
        {"name": "incidents-read", "match": "(PathPrefix(`/v1/incidents`) || Path(`/v1/silences`)) && Method(`GET`)",
         "require": "Scope(`events:read`)"},
        {"name": "silences-write",
         "match": "(Path(`/v1/silences`) && Method(`POST`)) || (PathRegexp(`/v1/silences/[^/]+`) && Method(`DELETE`))",
         "require": "Scope(`silences:write`)"},
        {"name": "ask", "match": "Path(`/v1/ask`) && Method(`POST`)", "require": "Scope(`assistant:ask`)",
         "event": {"type": "dev.watchgate.question"}},
        {"name": "chat", "match": "Path(`/v1/chat/completions`) && Method(`POST`)", "require": "Scope(`assistant:ask`)",
         "event": {"type": "dev.watchgate.question"}},
        {"name": "models", "match": "PathPrefix(`/v1/models`) && Method(`GET`)", "require": "Scope(`assistant:ask`)"},
        {"name": "ratings", "match": "PathRegexp(`/v1/ratings/[^/]+`) && Method(`PUT`)", "require": "Scope(`assistant:ask`)"},
        {"name": "mediations",
         "match": "(Path(`/v1/mediations`) && (Method(`GET`) || Method(`POST`))) || (PathRegexp(`/v1/mediations/[^/]+`) && Method(`GET`)) || (PathRegexp(`/v1/mediations/[^/]+/(account|restatement|agreement|outcome|leave)`) && Method(`POST`))",
         "require": "Scope(`mediations`)"},
        {"name": "runbooks", "match": "PathPrefix(`/v1/runbooks`) && Method(`GET`)", "require": "Scope(`runbooks:read`)"},
        {"name": "commands-request", "match": "(Path(`/v1/commands`) || PathRegexp(`/v1/commands/[^/]+/replay`)) && Method(`POST`)",
         "require": "Scope(`commands:request`)", "event": {"type": "dev.watchgate.command"}},
        {"name": "commands-cancel", "match": "PathRegexp(`/v1/commands/[^/]+/cancel`) && Method(`POST`)",
         "require": "Scope(`commands:request`) || Scope(`commands:approve`)", "event": {"type": "dev.watchgate.command"}},
        {"name": "commands-approve", "match": "PathRegexp(`/v1/commands/[^/]+/approval`) && Method(`POST`)",
         "require": "Scope(`commands:approve`)", "event": {"type": "dev.watchgate.command"}},
        {"name": "commands-read", "match": "PathPrefix(`/v1/commands`) && Method(`GET`)",
         "require": "Scope(`commands:request`) || Scope(`commands:approve`)"},
        {"name": "commands-lease",
         "match": "(PathRegexp(`/v1/services/[^/]+/commands:lease`) || PathRegexp(`/v1/commands/[^/]+/(heartbeat|output|result)`)) && Method(`POST`)",
         "require": "Scope(`commands:lease`)", "event": {"type": "dev.watchgate.command"}},
        {"name": "sessions-devices",
         "match": "(Path(`/v1/sessions:redeem`) || Path(`/v1/sessions:device`) || Path(`/v1/sessions:token`)) && Method(`POST`)", "public": true},
        {"name": "sessions-end", "match": "PathRegexp(`/v1/sessions/[^/]+`) && Method(`DELETE`)"},
        {"name": "sessions-write",
         "match": r"((Path(`/v1/sessions`) || Path(`/v1/sessions:join`) || PathRegexp(`/v1/sessions/[^/]+/confirmation`)) && Method(`POST`)) || ((Path(`/v1/sessions`) || PathRegexp(`/v1/sessions/[^/]+/code\.(svg|png)`)) && Method(`GET`))",
         "require": "Scope(`sessions:write`)"},
        {"name": "pages",
         "match": "(Path(`/watch`) || Path(`/watch/worker.js`) || Path(`/console`) || Path(`/console/config.json`) || PathPrefix(`/assets`)) && (Method(`GET`) || Method(`HEAD`))", "public": true},
        {"name": "revocations", "match": "Path(`/v1/revocations`) && Method(`POST`)", "require": "Scope(`revocations:write`)"},
        {"name": "metrics", "match": "Path(`/metrics`) && Method(`GET`)", "require": "Scope(`metrics:read`)"},
    ])
}

/// The shipped issuer as JSON, held against the shipped file by the same test.
pub fn shipped_issuer() -> Value {
    json!({
        "issuer": ISSUER, "audiences": ["watchgate"], "jwksFile": JWKS_FILE, "algorithms": ["EdDSA", "RS256"],
        "tokenTypes": ["at+jwt"], "leewaySeconds": 30,
    })
}

fn main(forge: &Forge, authority: &str) -> Value {
    let mut issuers = vec![
        shipped_issuer(),
        json!({"issuer": SECOND_ISSUER, "audiences": ["watchgate"], "jwks": set_of([&forge.second.key]), "leewaySeconds": 0}),
        json!({"issuer": MANY_KEYS_ISSUER, "audiences": ["watchgate"], "jwksFile": MANY_KEYS_FILE}),
        json!({"issuer": SECRETS_ISSUER, "audiences": ["watchgate"], "jwksFile": SECRETS_FILE,
               "algorithms": ["HS256", "HS384", "HS512"]}),
    ];
    issuers.extend(forge.unfit.iter().map(UnfitSet::configured));
    let mut gate = json!({
        "publicOrigins": [format!("https://{authority}")],
        "issuers": issuers,
        "rules": shipped_rules(),
        "forwardClaims": {"X-Auth-Subject": "sub"},
        "transactionToken": {"audience": "assistant-service"},
        // Through Traefik it takes a while until a row's turn comes.
        "dpop": {"maxAgeSeconds": 300},
        // Each row shall fail by the check that it is about, not because the rows before it were bad tokens.
        "throttle": {"badTokensPerMinute": 0},
    });
    for rule in [
        json!({"name": "header", "match": "Path(`/table/header`) && !HeaderRegexp(`X-Role`, `admin`)", "public": true}),
        json!({"name": "source", "match": "Path(`/table/source`) && !ClientIP(`10.0.0.0/8`)", "public": true}),
        json!({"name": "login", "match": "Path(`/table/login`)",
               "require": "Acr(`urn:table:strong`) && AuthenticatedWithin(`5m`)"}),
        json!({"name": "role", "match": "Path(`/table/role`)", "require": "Role(`admin`)"}),
        json!({"name": "group", "match": "Path(`/table/group`)", "require": "Group(`staff`)"}),
        json!({"name": "claim", "match": "Path(`/table/claim`)", "require": "Claim(`team`, `red`)"}),
        json!({"name": "contains", "match": "Path(`/table/contains`)", "require": "ClaimContains(`teams`, `red`)"}),
        json!({"name": "issuer", "match": "Path(`/table/issuer`)", "require": "Issuer(`https://second.watchgate.test`)"}),
        json!({"name": "both", "match": "Path(`/table/both`)", "require": "Scope(`one`) && Scope(`two`)"}),
        json!({"name": "either", "match": "Path(`/table/either`)", "require": "Scope(`one`) || Scope(`two`)"}),
        json!({"name": "not", "match": "Path(`/table/not`)", "require": "!Claim(`suspended`, `true`)"}),
    ] {
        add_rule(&mut gate, rule);
    }
    gate
}

fn small(name: GateName) -> Value {
    json!({
        "publicOrigins": [format!("https://{}", name.authority(""))],
        "issuers": [shipped_issuer()],
        "rules": [
            {"name": "health", "match": "Path(`/healthz`)", "public": true},
            {"name": "events-write", "match": "Path(`/v1/events`) && Method(`POST`)", "require": "Scope(`events:write`)",
             "event": {"type": "dev.watchgate.telemetry", "clientTypes": ["com.example.telemetry.*"]}},
            {"name": "unsuspended", "match": "Path(`/table/unsuspended`)",
             "require": "!Claim(`suspended`, `true`) && !ClaimContains(`flags`, `banned`)"},
        ],
        "forwardClaims": {"X-Auth-Subject": "sub"},
        "transactionToken": {"audience": "assistant-service"},
        "throttle": {"badTokensPerMinute": 0},
        "claimsCacheMebibytes": 1,
    })
}

fn add_rule(gate: &mut Value, rule: Value) {
    if let Some(rules) = gate.get_mut("rules").and_then(Value::as_array_mut) {
        rules.push(rule);
    }
}
