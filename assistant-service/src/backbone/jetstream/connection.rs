//! One connection to NATS: over TLS, noticed within seconds when it is cut, and tried again for ever.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::jetstream::context::{AccountErrorKind, ContextBuilder};
use async_nats::jetstream::{Context, ErrorCode};
use async_nats::{Auth, AuthError, Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr, ServerInfo};
use thiserror::Error;
use zeroize::Zeroizing;

/// The largest message there is: a record of the log with its headers.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// From the first look at the name to the server's greeting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a question may wait for its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// The third of these without an answer ends the connection: one that was cut is noticed within six seconds.
const PING_INTERVAL: Duration = Duration::from_secs(2);
const FIRST_DELAY: Duration = Duration::from_millis(10);
/// A server that is back is found within this, however long it was gone.
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// Where NATS is and as whom we come.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    /// Any of these servers.
    pub servers: Vec<ServerAddr>,
    /// A file of the authorities that may have signed their certificates, as PEM; without it, those of the system.
    pub ca: Option<PathBuf>,
    /// The files of the certificate to show and of its private key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// By name and password.
    pub user: Option<User>,
}

/// A user of NATS.
#[derive(Clone, Debug)]
pub struct User {
    /// The name.
    pub name: String,
    /// Where the password lies. It is read for each connection, so a changed one counts from the next on.
    pub password_file: PathBuf,
}

/// A connection, and JetStream over it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The connection.
    pub client: Client,
    /// JetStream's questions.
    pub jetstream: Context,
}

/// Why there is no connection to NATS that serves.
#[derive(Debug, Error)]
pub enum CannotConnect {
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// There is no password in its file.
    #[error("{} holds no password", .0.display())]
    NoPassword(PathBuf),
    /// The server does not know this user, or not with this password.
    #[error("NATS refuses {name}: its users are those of `accounts` in the server's configuration")]
    Refused {
        /// The user, or what stands for none.
        name: String,
    },
    /// No server, or none that we trust or that trusts us.
    #[error("no connection to NATS at {servers}")]
    Unreachable {
        /// Where it should be.
        servers: String,
        /// Why not.
        #[source]
        cause: async_nats::ConnectError,
    },
    /// The server is older than what we need of it.
    #[error("the NATS server is version {version}: 2.12 or newer is needed")]
    OldServer {
        /// What it says it is.
        version: String,
    },
    /// The server takes only smaller messages.
    #[error(
        "the NATS server takes messages of {max_payload} bytes: let it take {MAX_MESSAGE_BYTES} with `max_payload: 4MB`"
    )]
    SmallMessages {
        /// What it takes.
        max_payload: usize,
    },
    /// The server has no JetStream, or this user's account has none.
    #[error("JetStream is off: the server needs `jetstream {{…}}`, and this user's account `jetstream: enabled`")]
    NoJetStream,
    /// JetStream does not answer.
    #[error("JetStream does not answer: this user must be allowed to publish to $JS.API.> and to hear _INBOX.>")]
    Silent(#[source] async_nats::jetstream::context::AccountError),
}

/// Connects, and looks whether the server is one that the log can stand on.
pub async fn connect(settings: &ConnectionSettings) -> Result<Connection, CannotConnect> {
    let options = options(settings)?.event_callback(|event| async move { log(&event) });
    let client = open(settings, options).await?;
    check(&client.server_info())?;
    let jetstream = ContextBuilder::new().timeout(REQUEST_TIMEOUT).build(client.clone());
    match jetstream.query_account().await {
        Ok(_) => Ok(Connection { client, jetstream }),
        Err(error) => Err(match error.kind() {
            AccountErrorKind::JetStreamUnavailable => CannotConnect::NoJetStream,
            AccountErrorKind::JetStream(answer)
                if [ErrorCode::JETSTREAM_NOT_ENABLED, ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT]
                    .contains(&answer.error_code()) =>
            {
                CannotConnect::NoJetStream
            }
            AccountErrorKind::JetStream(_) | AccountErrorKind::TimedOut | AccountErrorKind::Other => {
                CannotConnect::Silent(error)
            }
        }),
    }
}

/// How a client of these settings behaves, whatever it is for.
pub(super) fn options(settings: &ConnectionSettings) -> Result<ConnectOptions, CannotConnect> {
    // Only the first choice in a process counts, and every choice here is this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut options = match &settings.user {
        Some(user) => with_user(user)?,
        None => ConnectOptions::new(),
    };
    options = options
        .name("watchgate")
        .require_tls(true)
        .connection_timeout(CONNECT_TIMEOUT)
        .request_timeout(Some(REQUEST_TIMEOUT))
        .ping_interval(PING_INTERVAL)
        .max_reconnects(None)
        .reconnect_delay_callback(delay);
    // Paths, not their contents: the client reads them for each connection, so replaced certificates count by themselves.
    if let Some(ca) = &settings.ca {
        readable(ca)?;
        options = options.add_root_certificates(ca.clone());
    }
    if let Some((certificate, key)) = &settings.certificate {
        readable(certificate)?;
        readable(key)?;
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(options)
}

/// Connects once; who is connected stays so by the client's own efforts.
pub(super) async fn open(settings: &ConnectionSettings, options: ConnectOptions) -> Result<Client, CannotConnect> {
    options.connect(settings.servers.as_slice()).await.map_err(|cause| match cause.kind() {
        ConnectErrorKind::AuthorizationViolation => {
            let name = settings.user.as_ref().map_or("a client without a name", |user| &user.name);
            CannotConnect::Refused { name: name.to_owned() }
        }
        _ => {
            let servers: Vec<_> = settings.servers.iter().map(|at| format!("{}:{}", at.host(), at.port())).collect();
            CannotConnect::Unreachable { servers: servers.join(", "), cause }
        }
    })
}

/// Reads the password for each connection, and now, so that a missing one is told as what it is.
fn with_user(user: &User) -> Result<ConnectOptions, CannotConnect> {
    password(&user.password_file)?;
    let user = user.clone();
    Ok(ConnectOptions::with_auth_callback(move |_| {
        let user = user.clone();
        async move {
            let password = password(&user.password_file).map_err(AuthError::new)?;
            let mut shown = Auth::new();
            shown.username = Some(user.name);
            shown.password = Some((*password).clone());
            Ok(shown)
        }
    }))
}

/// How long to wait before the next try; `attempts` begins with 1.
fn delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts).unwrap_or(u32::MAX).saturating_sub(2).min(10);
    if attempts <= 1 { Duration::ZERO } else { FIRST_DELAY.saturating_mul(1 << doublings).min(LONGEST_DELAY) }
}

fn check(server: &ServerInfo) -> Result<(), CannotConnect> {
    if !is_new_enough(&server.version) {
        return Err(CannotConnect::OldServer { version: server.version.clone() });
    }
    if server.max_payload < MAX_MESSAGE_BYTES {
        return Err(CannotConnect::SmallMessages { max_payload: server.max_payload });
    }
    if server.jetstream { Ok(()) } else { Err(CannotConnect::NoJetStream) }
}

/// At least 2.12: older ones know neither all of a stream's settings nor of the repairs that its durability needs.
fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split(['.', '-']).map(|part| part.parse::<u32>());
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (2, 12),
        _ => false,
    }
}

/// One line for each change; what the client tries in between is for those who look closer.
fn log(event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to NATS"),
        Event::Disconnected => tracing::warn!("the connection to NATS is lost; trying again until it is back"),
        Event::LameDuckMode => tracing::info!("the NATS server is about to end; moving to another one"),
        Event::SlowConsumer(_) => tracing::warn!("messages of NATS are dropped: they come faster than they are read"),
        Event::ServerError(error) => tracing::warn!(%error, "the NATS server reports an error"),
        Event::ClientError(error) => tracing::debug!(%error, "the NATS client reports an error"),
        Event::Draining | Event::Closed => tracing::debug!(%event, "the NATS client ends"),
    }
}

fn readable(path: &Path) -> Result<(), CannotConnect> {
    std::fs::File::open(path).map(drop).map_err(|cause| CannotConnect::Unreadable { path: path.to_owned(), cause })
}

/// Editors end a file with a new line; a password has none.
fn password(path: &Path) -> Result<Zeroizing<String>, CannotConnect> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|cause| CannotConnect::Unreadable { path: path.to_owned(), cause })?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(CannotConnect::NoPassword(path.to_owned())),
        password => Ok(Zeroizing::new(password.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_from_nothing_and_stays_within_a_second() {
        let waits: Vec<_> = [0, 1, 2, 3, 8, 9, 1_000_000, usize::MAX].map(|tries| delay(tries).as_millis()).into();
        assert_eq!(waits, [0, 0, 10, 20, 640, 1000, 1000, 1000]);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        for new in ["2.12.0", "2.15.1", "2.100.0", "3.0.0", "2.12.0-RC.1", "2.15"] {
            assert!(is_new_enough(new), "{new}");
        }
        for old in ["2.11.99", "2.9.0", "1.12.0", "", "two.twelve", "2"] {
            assert!(!is_new_enough(old), "{old}");
        }
    }

    #[test]
    fn a_server_that_does_not_serve_is_told_by_what_it_lacks() {
        let good = || ServerInfo {
            version: "2.15.1".to_owned(),
            max_payload: MAX_MESSAGE_BYTES,
            jetstream: true,
            ..ServerInfo::default()
        };
        assert!(check(&good()).is_ok());
        let old = check(&ServerInfo { version: "2.11.4".to_owned(), ..good() }).unwrap_err();
        assert_eq!(old.to_string(), "the NATS server is version 2.11.4: 2.12 or newer is needed");
        let small = check(&ServerInfo { max_payload: 1024 * 1024, ..good() }).unwrap_err();
        assert!(small.to_string().contains("max_payload: 4MB"), "{small}");
        let without = check(&ServerInfo { jetstream: false, ..good() }).unwrap_err();
        assert!(without.to_string().contains("JetStream is off"), "{without}");
    }
}
