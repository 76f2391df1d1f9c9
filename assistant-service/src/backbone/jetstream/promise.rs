//! What the servers promise of an acknowledged event. They acknowledge before they have synced, by default only every two
//! minutes (nats-server issue 7564), and do not tell clients: a user of the system account has to ask.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::Duration;

use futures_util::StreamExt;
use serde::Deserialize;
use thiserror::Error;

use super::connection::{self, CannotConnect, ConnectionSettings};

/// Every server of the cluster that has JetStream answers this.
const QUESTION: &str = "$SYS.REQ.SERVER.PING.JSZ";
/// The auditor's own part of the inboxes: with the default one it could hear the answers to everybody else.
const INBOX: &str = "_INBOX.watchgate-audit";
/// The first answer may take this long, as any answer may.
const FIRST_ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How many servers there are nobody says; those that are well answer within this after the first.
const OTHER_ANSWERS_WITHIN: Duration = Duration::from_millis(500);

/// What an acknowledged event survives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Every server syncs before it acknowledges.
    SurvivesPowerLoss {
        /// How many servers said so.
        servers: usize,
    },
    /// At least one does not.
    SyncsLate {
        /// The longest time between two syncs.
        interval: Duration,
        /// On how many servers each record lies.
        replicas: usize,
        /// The names of those that do not sync always.
        servers: Vec<String>,
    },
    /// Nobody knows.
    CannotTell(Untold),
}

/// Why nobody knows what the servers promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Untold {
    /// There is no user who may ask.
    NoAuditor,
    /// The user who may ask could not.
    NoAnswer(String),
    /// The named server did not say when it syncs.
    NotSaid(String),
    /// Fewer servers answered than hold each record.
    TooFew {
        /// How many did.
        answered: usize,
        /// How many hold each record.
        replicas: usize,
    },
}

impl Promise {
    /// Asks the servers as the user who may; `replicas` of them hold each record.
    pub async fn ask(audit: Option<&ConnectionSettings>, replicas: usize) -> Self {
        let Some(audit) = audit else { return Self::CannotTell(Untold::NoAuditor) };
        match answers(audit).await {
            Ok(answers) => Self::of(&answers, replicas),
            Err(cause) => Self::CannotTell(Untold::NoAnswer(cause.to_string())),
        }
    }

    fn of(answers: &[Vec<u8>], replicas: usize) -> Self {
        let mut servers = BTreeMap::new();
        for answer in answers {
            let Ok(answer) = serde_json::from_slice::<Answer>(answer) else {
                return Self::CannotTell(Untold::NotSaid("a server".to_owned()));
            };
            match answer.data {
                // It holds nothing.
                Some(data) if data.disabled => {}
                Some(Data { config: Some(config), .. }) => {
                    servers.insert(answer.server.id, (answer.server.name, config));
                }
                _ => return Self::CannotTell(Untold::NotSaid(answer.server.name)),
            }
        }
        let late: Vec<_> = servers.values().filter(|(_, config)| !config.sync_always).collect();
        if let Some(nanoseconds) = late.iter().map(|(_, config)| config.sync_interval).max() {
            let servers = late.iter().map(|(name, _)| name.clone()).collect();
            return Self::SyncsLate { interval: Duration::from_nanos(nanoseconds), replicas, servers };
        }
        if servers.len() < replicas {
            return Self::CannotTell(Untold::TooFew { answered: servers.len(), replicas });
        }
        Self::SurvivesPowerLoss { servers: servers.len() }
    }

    /// Says it in the log; as a warning when somebody should do something about it.
    pub fn log(&self) {
        match self {
            Self::SurvivesPowerLoss { .. } => tracing::info!("{self}"),
            Self::SyncsLate { .. } | Self::CannotTell(_) => tracing::warn!("{self}"),
        }
    }
}

impl Display for Promise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SurvivesPowerLoss { servers } => {
                write!(
                    formatter,
                    "an acknowledged event survives power loss: NATS syncs always (servers asked: {servers})"
                )
            }
            Self::SyncsLate { interval, replicas, servers } => {
                write!(formatter, "up to {} s of acknowledged events are lost when ", interval.as_secs())?;
                // Jepsen on 2.12.1: what one loses, another one that was behind does not have.
                formatter.write_str(if *replicas > 1 {
                    "most of its NATS servers lose power at once, or one does while another is slow or cut off"
                } else {
                    "the NATS server loses power"
                })?;
                write!(formatter, ": set `sync_interval: always` on {}", servers.join(", "))
            }
            Self::CannotTell(untold) => {
                write!(formatter, "cannot tell whether an acknowledged event survives power loss: {untold}")
            }
        }
    }
}

impl Display for Untold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAuditor => {
                formatter.write_str("without --nats-audit-user nobody may ask NATS whether it syncs always")
            }
            Self::NoAnswer(cause) => write!(formatter, "NATS was not asked ({cause})"),
            Self::NotSaid(server) => write!(formatter, "{server} does not say when it syncs"),
            Self::TooFew { answered, replicas } => {
                write!(formatter, "{answered} NATS server(s) answered, and each record lies on {replicas}")
            }
        }
    }
}

#[derive(Debug, Error)]
enum CannotAsk {
    #[error(transparent)]
    Connection(#[from] CannotConnect),
    #[error("the question was not taken: {0}")]
    Subscription(#[from] async_nats::SubscribeError),
    #[error("the question was not taken: {0}")]
    Question(#[from] async_nats::PublishError),
    #[error(
        "no answer: the user must be one of the system account, allowed to publish {QUESTION} and to hear {INBOX}.>"
    )]
    Silence,
}

/// Part of an answer; the rest is about load.
#[derive(Debug, Deserialize)]
struct Answer {
    server: Server,
    data: Option<Data>,
}

#[derive(Debug, Deserialize)]
struct Server {
    id: String,
    name: String,
    /// Its clock when it answered, as RFC 3339 writes it.
    time: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Data {
    #[serde(default)]
    disabled: bool,
    config: Option<Syncing>,
}

#[derive(Debug, Deserialize)]
struct Syncing {
    /// Left out when it is not so. The interval is given in both cases.
    #[serde(default)]
    sync_always: bool,
    /// In nanoseconds.
    sync_interval: u64,
}

/// The name and the clock of each server that tells it, to the user who may ask.
pub async fn server_times(audit: &ConnectionSettings) -> Result<Vec<(String, String)>, String> {
    let answers = answers(audit).await.map_err(|cause| cause.to_string())?;
    let servers = answers.iter().filter_map(|answer| serde_json::from_slice::<Answer>(answer).ok());
    Ok(servers.filter_map(|answer| Some((answer.server.name, answer.server.time?))).collect())
}

/// What every server says.
async fn answers(audit: &ConnectionSettings) -> Result<Vec<Vec<u8>>, CannotAsk> {
    let options = connection::options(audit)?.custom_inbox_prefix(INBOX);
    let client = connection::open(audit, options).await?;
    let inbox = client.new_inbox();
    let mut heard = client.subscribe(inbox.clone()).await?;
    client.publish_with_reply(QUESTION, inbox, r#"{"config":true}"#.into()).await?;
    let mut answers = Vec::new();
    let mut patience = FIRST_ANSWER_WITHIN;
    while let Ok(Some(answer)) = tokio::time::timeout(patience, heard.next()).await {
        // Servers without the system account's questions answer with a bare status.
        if answer.status.is_none() {
            answers.push(answer.payload.to_vec());
            patience = OTHER_ANSWERS_WITHIN;
        }
    }
    if answers.is_empty() { Err(CannotAsk::Silence) } else { Ok(answers) }
}

#[cfg(test)]
mod tests;
