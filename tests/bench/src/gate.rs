//! The gate's configuration and trust directory, for Traefik and for a gate that decides natively.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use programs::artifacts;
use serde_json::{Value, json};
use trust_core::gate::{Forwarding, GATE_KEY_FILE, Gate};
use trust_core::gate_key::GateKeys;
use trust_core::request::RawRequest;
use trust_core::shared_files::NoSharedFiles;
use trust_core::tags::Moment;
use trust_core::time::WallTime;

use crate::issuer::{ISSUER, Issuer};
use crate::requests::{HOST, TARGET};

const JWKS_FILE: &str = "jwks/bench.json";

/// How much the gate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GateSetting {
    /// One rule, any good token, nothing set.
    CheckOnly,
    /// Rules, tags, claims in headers and transaction token, as in the configuration that users copy.
    Shipped,
}

impl GateSetting {
    /// The plugin's configuration.
    pub(crate) fn config(self) -> Result<Value> {
        let mut config = match self {
            GateSetting::CheckOnly => {
                json!({"rules": [{"name": "everything", "match": "PathPrefix(`/`)"}], "tags": false})
            }
            GateSetting::Shipped => shipped()?,
        };
        config["publicOrigins"] = json!([format!("https://{HOST}")]);
        config["issuers"] = json!([{
            "issuer": ISSUER,
            "audiences": ["watchgate"],
            "jwksFile": JWKS_FILE,
            "algorithms": ["RS256", "ES256", "EdDSA"],
            "tokenTypes": ["at+jwt"],
        }]);
        Ok(config)
    }
}

fn shipped() -> Result<Value> {
    let path = artifacts::root().join("traefik-config/dynamic/gate.yml");
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let whole: Value = serde_saphyr::from_str(&text).context("the shipped gate.yml is no YAML")?;
    let gate = whole.pointer("/http/middlewares/gate/plugin/watchgate").cloned();
    gate.context("the shipped gate.yml configures no plugin `watchgate`")
}

/// Writes what the gate finds below `/trust`.
pub(crate) fn write_trust(folder: &Path, issuer: &Issuer) -> Result<()> {
    let jwks = folder.join(JWKS_FILE);
    fs::create_dir_all(jwks.parent().unwrap_or(folder))
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    fs::write(&jwks, issuer.jwks().to_string()).with_context(|| format!("{} cannot be written", jwks.display()))?;
    let keys = GateKeys::generate("bench".to_owned(), [7; 32], None);
    fs::write(folder.join(GATE_KEY_FILE), keys.to_json().as_bytes()).context("the gate's key cannot be written")
}

/// The same gate outside of Traefik, with the files it lives on.
pub(crate) fn native(config: &Value, trust: &Path) -> Result<Gate> {
    let mut gate = Gate::from_config(config.to_string().as_bytes())
        .map_err(|mistakes| anyhow!("the gate's configuration has mistakes: {mistakes:?}"))?;
    for name in gate.wanted_files() {
        let content = fs::read(trust.join(&name)).with_context(|| format!("{name} cannot be read"))?;
        gate.take_file(&name, Some(&content)).map_err(|invalid| anyhow!("{name}: {invalid}"))?;
    }
    Ok(gate)
}

/// Now, as a gate is told it.
pub(crate) fn moment(sequence: u64) -> Moment {
    let now = WallTime::from_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
    Moment { now, sequence }
}

/// What the shipped gate does to the headers of a request with this token, in the words of Traefik's `headers`
/// middleware: an empty value takes a header away.
pub(crate) fn header_changes(trust: &Path, token: &str) -> Result<Vec<(String, String)>> {
    let mut gate = native(&GateSetting::Shipped.config()?, trust)?;
    let raw = RawRequest {
        method: b"GET".to_vec(),
        target: TARGET.into(),
        host: HOST.into(),
        source_address: b"127.0.0.1:1".to_vec(),
        headers: vec![("Authorization".to_owned(), vec![format!("Bearer {token}").into_bytes()])],
    };
    let Forwarding { set, remove } = gate
        .decide(&raw, moment(1), &NoSharedFiles)
        .map_err(|denial| anyhow!("the gate denies the bench's own request: {}", denial.reason()))?;
    let set = set.into_iter().map(|(name, value)| (name.into_owned(), value));
    Ok(set.chain(remove.into_iter().map(|name| (name, String::new()))).collect())
}
