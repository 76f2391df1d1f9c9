//! NATS on a command line.

use std::path::PathBuf;

use async_nats::ServerAddr;
use clap::Args;

use super::connection::{ConnectionSettings, User};

/// Where NATS is, and as whom we come. Nothing of it without `--nats`.
#[derive(Clone, Debug, Args)]
pub struct NatsArguments {
    /// NATS servers, as nats://host:port, several with commas between them: replicas share their log there, and the data
    /// folder becomes each replica's own copy of it. Always over TLS.
    #[arg(long, env = "WATCHGATE_NATS", value_name = "URL", value_delimiter = ',', value_parser = parse_server)]
    nats: Vec<ServerAddr>,
    /// The authorities that may have signed the servers' certificates, as PEM; without it, those of the system.
    #[arg(long, env = "WATCHGATE_NATS_CA", value_name = "FILE", requires = "nats")]
    nats_ca: Option<PathBuf>,
    /// The service's user.
    #[arg(long, env = "WATCHGATE_NATS_USER", value_name = "NAME", requires_all = ["nats", "nats_password_file"])]
    nats_user: Option<String>,
    /// The file of that user's password; it is read again for each connection.
    #[arg(long, env = "WATCHGATE_NATS_PASSWORD_FILE", value_name = "FILE", requires = "nats_user")]
    nats_password_file: Option<PathBuf>,
    /// The certificate to show, as PEM, its chain after it.
    #[arg(long, env = "WATCHGATE_NATS_CERTIFICATE", value_name = "FILE", requires_all = ["nats", "nats_key"])]
    nats_certificate: Option<PathBuf>,
    /// The certificate's private key, as PEM.
    #[arg(long, env = "WATCHGATE_NATS_KEY", value_name = "FILE", requires = "nats_certificate")]
    nats_key: Option<PathBuf>,
    /// The stream of the log; made when it is not there.
    #[arg(long, env = "WATCHGATE_NATS_STREAM", value_name = "NAME", default_value = "WATCHGATE",
        value_parser = parse_stream)]
    nats_stream: String,
    /// On how many NATS servers each record of the log lies: 1, 3 or 5.
    #[arg(long, env = "WATCHGATE_NATS_REPLICAS", value_name = "COUNT", default_value = "1", value_parser = parse_replicas)]
    nats_replicas: usize,
    /// A user of the system account who may ask the servers whether they sync always.
    #[arg(long, env = "WATCHGATE_NATS_AUDIT_USER", value_name = "NAME",
        requires_all = ["nats", "nats_audit_password_file"])]
    nats_audit_user: Option<String>,
    /// The file of that user's password.
    #[arg(long, env = "WATCHGATE_NATS_AUDIT_PASSWORD_FILE", value_name = "FILE", requires = "nats_audit_user")]
    nats_audit_password_file: Option<PathBuf>,
}

/// Which stream the log is, and how the servers are asked about it.
#[derive(Clone, Debug)]
pub struct StreamSettings {
    /// The connection that carries the log.
    pub connection: ConnectionSettings,
    /// The same servers, as the user who may ask how they sync.
    pub audit: Option<ConnectionSettings>,
    /// The stream's name.
    pub stream: String,
    /// On how many servers each record lies.
    pub replicas: usize,
}

impl NatsArguments {
    /// What they say, if NATS is asked for.
    #[must_use]
    pub fn settings(self) -> Option<StreamSettings> {
        if self.nats.is_empty() {
            return None;
        }
        let connection = ConnectionSettings {
            servers: self.nats,
            ca: self.nats_ca,
            certificate: self.nats_certificate.zip(self.nats_key),
            user: user(self.nats_user, self.nats_password_file),
        };
        let audit = user(self.nats_audit_user, self.nats_audit_password_file);
        let audit = audit.map(|user| ConnectionSettings { user: Some(user), ..connection.clone() });
        Some(StreamSettings { connection, audit, stream: self.nats_stream, replicas: self.nats_replicas })
    }
}

fn user(name: Option<String>, password_file: Option<PathBuf>) -> Option<User> {
    Some(User { name: name?, password_file: password_file? })
}

fn parse_server(text: &str) -> Result<ServerAddr, String> {
    let server: ServerAddr = text.parse().map_err(|_| "a server is named nats://host:port".to_owned())?;
    if server.has_user_pass() {
        return Err("a password stands in a file, never in an address: --nats-user and --nats-password-file".to_owned());
    }
    match server.scheme() {
        "nats" | "tls" => Ok(server),
        other => Err(format!("a server is named nats://host:port, not {other}://")),
    }
}

fn parse_stream(name: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > 32 || !name.bytes().all(is_plain) {
        return Err("a stream's name has at most 32 letters, digits, - and _".to_owned());
    }
    Ok(name.to_owned())
}

fn parse_replicas(text: &str) -> Result<usize, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        "5" => Ok(5),
        _ => Err("1, 3 or 5: of an even number no more may fail than of one less".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        nats: NatsArguments,
    }

    fn parse(arguments: &str) -> Result<Option<StreamSettings>, String> {
        let line = std::iter::once("watchgate").chain(arguments.split_whitespace());
        Line::try_parse_from(line).map(|line| line.nats.settings()).map_err(|error| error.to_string())
    }

    #[test]
    fn without_servers_there_is_no_nats() {
        assert!(parse("").unwrap().is_none());
    }

    #[test]
    fn servers_user_and_auditor_are_taken_together() {
        let line = "--nats nats://a:4222,tls://b:4222 --nats-ca ca.pem --nats-user watchgate --nats-password-file word \
            --nats-audit-user audit --nats-audit-password-file other --nats-replicas 3";
        let settings = parse(line).unwrap().unwrap();
        assert_eq!(settings.connection.servers.len(), 2);
        assert_eq!(settings.replicas, 3);
        assert_eq!(settings.stream, "WATCHGATE");
        let audit = settings.audit.unwrap();
        assert_eq!(audit.servers, settings.connection.servers);
        assert_eq!(audit.user.unwrap().name, "audit");
    }

    #[test]
    fn what_means_nothing_is_refused_with_its_reason() {
        for (line, reason) in [
            ("--nats nats://watchgate:secret@a:4222", "never in an address"),
            ("--nats ws://a:4222", "not ws://"),
            ("--nats a --nats-user watchgate", "--nats-password-file"),
            ("--nats a --nats-certificate c.pem", "--nats-key"),
            ("--nats a --nats-audit-user audit", "--nats-audit-password-file"),
            ("--nats-user watchgate --nats-password-file word", "--nats"),
            ("--nats a --nats-stream a.b", "letters, digits"),
            ("--nats a --nats-replicas 2", "1, 3 or 5"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
