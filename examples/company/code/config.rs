//! Reads a service's configuration: defaults, then the file, then `LF_…` variables, each over the one before.
//!
//! A key that nobody knows is an error. A typing mistake must stop a service at its start, and not be ignored for a year.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path} cannot be read")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path}: {source}")]
    InvalidFile { path: PathBuf, source: serde_yaml::Error },
    #[error("{variable}: {reason}")]
    InvalidVariable { variable: String, reason: String },
    #[error("{0}")]
    Contradiction(&'static str),
}

/// What every service has in common.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceConfig {
    pub listen: SocketAddr,
    pub database_pool: u32,
    #[serde(with = "humantime_serde")]
    pub call_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub shutdown_grace: Duration,
    pub secrets_dir: PathBuf,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 8080)),
            database_pool: 20,
            call_timeout: Duration::from_secs(2),
            shutdown_grace: Duration::from_secs(25),
            secrets_dir: PathBuf::from("/run/secrets"),
        }
    }
}

/// The largest pool that PgBouncer grants to one service.
const LARGEST_POOL: u32 = 40;
/// The platform kills an instance this long after it was asked to end.
const KILLED_AFTER: Duration = Duration::from_secs(30);

/// Reads and checks the configuration. `variables` are those of the process, or a test's own.
pub fn load(path: &Path, variables: &BTreeMap<String, String>) -> Result<ServiceConfig, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let mut config: ServiceConfig =
        serde_yaml::from_str(&text).map_err(|source| ConfigError::InvalidFile { path: path.to_owned(), source })?;
    for (name, value) in variables.iter().filter(|(name, _)| name.starts_with("LF_")) {
        apply(&mut config, name, value)
            .map_err(|reason| ConfigError::InvalidVariable { variable: name.clone(), reason })?;
    }
    check(&config)?;
    Ok(config)
}

fn apply(config: &mut ServiceConfig, name: &str, value: &str) -> Result<(), String> {
    match name {
        "LF_LISTEN" => config.listen = value.parse().map_err(|_| "not an address with a port".to_owned())?,
        "LF_DATABASE_POOL" => config.database_pool = value.parse().map_err(|_| "not a number".to_owned())?,
        "LF_CALL_TIMEOUT" => config.call_timeout = humantime::parse_duration(value).map_err(|e| e.to_string())?,
        // Where secrets lie is not for the environment to say: whoever sets it could hand us their own.
        "LF_SECRETS_DIR" => return Err("may only be set in the file".to_owned()),
        _ => return Err("no such setting".to_owned()),
    }
    Ok(())
}

fn check(config: &ServiceConfig) -> Result<(), ConfigError> {
    if config.database_pool == 0 || config.database_pool > LARGEST_POOL {
        return Err(ConfigError::Contradiction("database_pool must be from 1 to 40"));
    }
    if config.shutdown_grace >= KILLED_AFTER {
        return Err(ConfigError::Contradiction("shutdown_grace must be shorter than the platform's 30 seconds"));
    }
    Ok(())
}
